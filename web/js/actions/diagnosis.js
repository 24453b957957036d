// @ts-check
/**
 * @import { Failure, Probed, Verdict } from "../protocol.js"
 * @import { PageModel } from "../model.js"
 * @import { Rpc } from "../rpc.js"
 */
import { saveFile } from "../files.js";
import { failureOf } from "../rpc.js";
import { providerOf } from "../state/models.js";

/**
 * @param {{model: PageModel, rpc: Rpc}} app
 */
export function diagnosisActions({ model, rpc }) {
  return {
    /**
     * @param {string} asked  a provider's id, or `provider/model`
     * @param {Failure | null} error  what a chat ended with
     */
    open(asked, error) {
      model.dialog.value = { kind: "diagnosis", model: asked, error };
    },

    /**
     * @param {string} asked
     * @param {Failure | null} error
     * @param {boolean} mayPrompt  whether the browser may now ask for leave to call this computer
     * @param {(probed: Probed) => void} onProbed
     * @returns {Promise<{verdict: Verdict} | {failure: string}>}
     */
    async examine(asked, error, mayPrompt, onProbed) {
      const payload = { model: asked, error, may_prompt: mayPrompt };
      try {
        return { verdict: await rpc.stream("diagnose", payload, (events) => events.forEach(onProbed)).done };
      } catch (why) {
        return { failure: failureOf(why).message };
      }
    },

    /** Everything that could explain a failure, without a key and without a word of any conversation, as a file. */
    async saveReport() {
      const bundle = await rpc.call("bundle", { user_agent: navigator.userAgent });
      saveFile("sidestep-report.json", JSON.stringify(bundle, null, 2), "application/json");
    },

    /**
     * @param {string} asked
     * @returns {{id: string, name: string}[]} relays that may not see the key yet
     */
    relaysToAllow(asked) {
      const provider = providerOf(asked);
      const { relays, consents } = model.config.value;
      return relays.filter(({ id }) => !consents.some((consent) =>
        consent.relay === id && (consent.provider === provider || consent.provider === "*")));
    },
  };
}
