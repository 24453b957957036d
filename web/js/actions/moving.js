// @ts-check
/**
 * Configurations that come from elsewhere, and go there.
 *
 * @import { Change, ExportFormat, Imported, ImportSource, MergeChoice } from "../protocol.js"
 * @import { PageModel } from "../model.js"
 * @import { Rpc } from "../rpc.js"
 * @import { Keeper } from "./keeper.js"
 */
import { saveFile } from "../files.js";
import { failureOf } from "../rpc.js";
import { readdressed } from "../state/configs.js";
import { openSealed, sealText } from "../state/sealed_files.js";
import { foreignEntries, signatureOf } from "../state/foreign_storage.js";
import { t, tn } from "../words.js";

/** Characters; what is longer is no configuration, and reading it would only keep the page busy. */
const LONGEST = 50_000_000;

/** @typedef {{imported: Imported, changes: Change[]}} Preview */

/**
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Rpc} app.rpc
 * @param {Keeper} app.keeper
 * @param {ReturnType<typeof import("./secrets.js").secretActions>} app.secrets
 * @param {ReturnType<typeof import("./settings.js").settingsActions>} app.settings
 * @param {(text: string, undo?: () => unknown) => void} app.toast
 * @param {{ensureModel: () => void}} app.models
 */
export function movingActions({ model, rpc, keeper, secrets, settings, toast, models }) {
  /**
   * @param {ImportSource} source
   * @param {Record<string, MergeChoice>} choices  by a change's key
   */
  async function apply(source, choices) {
    const before = model.config.value;
    const { config, secrets: keys } = await rpc.call("merge_import", { ...source, config: before, choices });
    settings.remember();
    const putBack = await secrets.exchange(readdressed(before, config), keys);
    settings.settle(config);
    models.ensureModel();
    toast(t`The import is applied.`, async () => {
      settings.remember();
      await putBack();
      settings.settle(before);
      models.ensureModel();
    });
  }

  /** @param {ImportSource} source @returns {Promise<Preview | null>} */
  async function look(source) {
    const { imported, changes } = await rpc.call("read_import", { ...source, config: model.config.value });
    return imported && { imported, changes };
  }

  return {
    apply,

    /**
     * @param {ImportSource} source
     * @returns {Promise<Preview | {problem: string}>} what would be done; nothing is saved
     */
    async read(source) {
      if ("text" in source && source.text.length > LONGEST) return { problem: t`That is too long to be a configuration.` };
      try {
        return await look(source) ?? { problem: t`There is nothing in it that can be used here.` };
      } catch (error) {
        const { message, remedy } = failureOf(error);
        return { problem: [message, remedy].filter(Boolean).join(" ") };
      }
    },

    /**
     * @param {Imported} imported  a sealed one
     * @param {string} passphrase
     * @returns {Promise<string | null>} its text, or null where the passphrase does not open it
     */
    unseal: (imported, passphrase) => openSealed(imported.sealed ?? {}, passphrase),

    /**
     * Once: what other apps left in this origin's storage is offered. Nothing of theirs is changed.
     *
     * @param {string | undefined} seen  what was offered already
     */
    async offerForeignStorage(seen) {
      const entries = foreignEntries(localStorage);
      const signature = signatureOf(entries);
      if (!signature || signature === seen) return;
      try {
        const preview = await look({ entries });
        if (!preview?.changes.some(({ state }) => state !== "same")) return;
        if (!model.dialog.value) model.dialog.value = { kind: "import", source: { entries } };
      } catch {
        // An offer that nobody asked for fails in silence.
      }
    },

    /** What lies there now is not offered again. */
    async forgetOffer() {
      await keeper.saveSetting("seenStorage", signatureOf(foreignEntries(localStorage)));
    },

    /**
     * @param {ExportFormat} format
     * @param {string} passphrase  where keys go with it
     * @returns {Promise<{text: string, name: string, media_type: string, notes: string[]}>}
     */
    async write(format, passphrase) {
      const exported = await rpc.call("write_export", { format, config: model.config.value, with_keys: passphrase !== "" });
      return passphrase ? { ...exported, text: await sealText(exported.text, passphrase) } : exported;
    },

    /** @param {{text: string, name: string, media_type: string}} exported */
    save({ text, name, media_type: type }) {
      saveFile(name, text, type);
      toast(t`Saved as ${name}.`);
    },

    /** @param {Record<string, MergeChoice>} choices @returns {string} how much will be done */
    describe(choices) {
      const count = Object.values(choices).filter((choice) => choice !== "keep").length;
      return tn(count, "Apply {0} item", "Apply {0} items");
    },
  };
}
