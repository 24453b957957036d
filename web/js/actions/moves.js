// @ts-check
/**
 * @import { Provider } from "../protocol.js"
 * @import { PageModel } from "../model.js"
 * @import { Rpc } from "../rpc.js"
 * @import { Trialled } from "../state/moves.js"
 */
import { withConsent, withProvider } from "../state/configs.js";
import { relayedOnly, withRoutes } from "../state/moves.js";
import { providerName } from "../state/models.js";
import { t, tn } from "../words.js";

/** Providers tried side by side: more would be in each other's way, and look like an attack. */
const SIDE_BY_SIDE = 3;

/**
 * Routes of many providers at once, and back.
 *
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Rpc} app.rpc
 * @param {ReturnType<typeof import("./settings.js").settingsActions>} app.settings
 * @param {(text: string, undo?: () => unknown) => void} app.toast
 */
export function moveActions({ model, rpc, settings, toast }) {
  /** @param {Record<string, Provider["route"]>} routes @param {string} said */
  function setRoutes(routes, said) {
    const { providers } = model.config.value;
    const before = Object.fromEntries(providers.filter(({ id }) => id in routes).map(({ id, route }) => [id, route]));
    settings.adopt(withRoutes(model.config.value, routes));
    toast(said, () => settings.adopt(withRoutes(model.config.value, before)));
  }

  return {
    /**
     * Tries every provider by every route that may be taken, whatever its own route is.
     *
     * @param {(rows: Trialled[]) => void} publish
     * @returns {{done: Promise<void>, stop: () => void}}
     */
    testAll(publish) {
      const providers = model.config.value.providers.filter(({ kind }) => kind !== "demo");
      /** @type {Trialled[]} */
      let rows = providers.map(({ id }) => ({ id, state: "waiting", outcomes: [], problem: "" }));
      /** @type {Map<string, () => void>} */
      const running = new Map();
      let isStopped = false;
      /** @param {string} id @param {Partial<Trialled>} more */
      const update = (id, more) => {
        rows = rows.map((row) => (row.id === id ? { ...row, ...more } : row));
        publish(rows);
      };
      const waiting = [...providers];
      const work = async () => {
        for (let provider = waiting.shift(); provider; provider = waiting.shift()) {
          if (isStopped) update(provider.id, { state: "stopped" });
          else await test(provider);
        }
      };
      /** @param {Provider} provider */
      const test = async (provider) => {
        const { id } = provider;
        update(id, { state: "running" });
        const { done, stop } = settings.tryProvider({ ...provider, route: "auto" }, "", () => {});
        running.set(id, stop);
        const { outcomes, problems, failure } = await done;
        running.delete(id);
        const problem = problems.map(({ message }) => message).join(" ") || failure;
        update(id, isStopped && failure ? { state: "stopped" } : { state: "over", outcomes, problem });
      };
      publish(rows);
      const done = Promise.all(Array.from({ length: SIDE_BY_SIDE }, work)).then(() => settings.explainAll());
      return { done, stop: () => {
        isStopped = true;
        running.forEach((stop) => stop());
      } };
    },

    /** @param {Record<string, Provider["route"]>} routes  by provider */
    applyRoutes(routes) {
      setRoutes(routes, tn(Object.keys(routes).length, "{0} route changed.", "{0} routes changed."));
    },

    /** @param {string[]} relays  that may see the key of every provider from now on */
    allowRelays(relays) {
      if (!relays.length) return;
      settings.adopt(relays.reduce((config, relay) => withConsent(config, { relay, provider: "*" }), model.config.value));
    },

    /**
     * The direct way is tried first again.
     *
     * @param {string} [id]  one provider; all of them where left out
     */
    async backToDirect(id) {
      const back = relayedOnly(model.config.value).filter((provider) => !id || provider.id === id);
      const said = id ? t`${providerName(model.modelGroups.value, id)} is asked directly first again.`
        : t`All providers are asked directly first again.`;
      setRoutes(Object.fromEntries(back.map((provider) => [provider.id, /** @type {const} */ ("auto")])), said);
      for (const provider of back) await rpc.call("forget_evidence", { provider: provider.id });
      await settings.explainAll();
    },

    /** @param {string} provider @param {string} relay  which sees its key from then on */
    routeThrough(provider, relay) {
      const before = model.config.value;
      const row = before.providers.find(({ id }) => id === provider);
      if (!row) return;
      settings.adopt(withConsent(withProvider(before, { ...row, route: "relay" }), { relay, provider }));
      toast(t`${providerName(model.modelGroups.value, provider)} is asked through relays only.`, () => settings.adopt(before));
    },
  };
}
