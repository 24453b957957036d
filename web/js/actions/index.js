// @ts-check
/**
 * Everything a person can make the page do. Views get these and nothing else.
 *
 * @import { PageModel } from "../model.js"
 * @import { Rpc } from "../rpc.js"
 * @import { Answer } from "../state/answers.js"
 * @import { Pairing } from "../state/pairings.js"
 * @import { Settings } from "../store.js"
 * @import { Tabs } from "../tabs.js"
 * @import { Keeper } from "./keeper.js"
 */
import { failureOf } from "../rpc.js";
import { splitModel } from "../state/models.js";
import { t } from "../words.js";
import { attachmentActions } from "./attachments.js";
import { backupActions } from "./backups.js";
import { chatActions } from "./chat.js";
import { conversationActions } from "./conversations.js";
import { dataActions } from "./data.js";
import { diagnosisActions } from "./diagnosis.js";
import { historyActions } from "./history.js";
import { insightActions } from "./insights.js";
import { knowledgeActions } from "./knowledge.js";
import { modelActions } from "./models.js";
import { moveActions } from "./moves.js";
import { movingActions } from "./moving.js";
import { policyActions } from "./policies.js";
import { preferenceActions } from "./preferences.js";
import { updateActions } from "./updates.js";
import { secretActions } from "./secrets.js";
import { settingsActions } from "./settings.js";
import { toastActions } from "./toasts.js";
import { inOrder } from "../state/conversations.js";

const DEMO_MODEL = "tour";

/** @typedef {ReturnType<typeof createActions>} Actions */

/**
 * @param {{model: PageModel, rpc: Rpc, keeper: Keeper, tabs: Tabs, loaded: Promise<void>, origin: string}} app
 */
export function createActions({ model, rpc, keeper, tabs, loaded, origin }) {
  /** @type {Promise<unknown>} */
  let catalogued = Promise.resolve();
  const { toast, dismissToast } = toastActions(model, (work) => reported(work));
  const models = modelActions({ model, rpc, keeper });
  const secrets = secretActions({ model, keeper, tabs, changed: () => void reported(settings.configure()) });
  const settings = settingsActions({ model, rpc, keeper, tabs, secrets, toast, reported, origin });
  const policies = policyActions({ model, rpc, toast, adopt: settings.adopt, models });
  const moving = movingActions({ model, rpc, keeper, secrets, settings, toast, models });
  const moves = moveActions({ model, rpc, settings, toast });
  const history = historyActions({ model, keeper, secrets, adopt: settings.settle, toast });
  const conversations = conversationActions({ model, keeper, tabs, toast });
  const backups = backupActions({ model, rpc, keeper, secrets, settings, conversations, toast });
  const attachments = attachmentActions({ model, keeper, toast });
  const chat = chatActions({ model, rpc, conversations, loaded, catalogued: () => catalogued, toast });
  const preferences = preferenceActions({ model });
  const updates = updateActions({ model });
  const data = dataActions({ model, keeper });
  const insights = insightActions({ model, rpc, keeper, loaded });
  const knowledge = knowledgeActions({ model, rpc, keeper, tabs, toast, insights, explainAll: () => settings.explainAll() });
  const diagnosis = diagnosisActions({ model, rpc });

  /** @param {Promise<unknown>} work */
  function reported(work) {
    return work.catch((error) => {
      const { type, message } = failureOf(error);
      // That Python did not start is said once, at the top of the page.
      if (type !== "PythonUnavailable") toast(message);
    });
  }

  /** @param {Partial<Settings> | undefined} stored */
  async function restoreDraft(stored) {
    await conversations.reopen(stored?.conversation);
    model.keptAttachments.value = stored?.attachments ?? {};
    model.attachments.value = model.keptAttachments.value[model.conversation.value?.id ?? ""] ?? [];
    model.beginning.value = { ...model.beginning.value, ...stored?.beginning };
  }

  return {
    toast, dismissToast, models, secrets, settings, moving, moves, history, backups, policies, preferences, updates, data, conversations, attachments, chat, insights, knowledge, diagnosis, reported,

    async restore() {
      const [stored, book, heads, metrics] = await Promise.all([
        keeper.use((store) => store.settings()),
        keeper.use((store) => store.vault.secrets()),
        keeper.use((store) => store.heads()),
        keeper.use((store) => store.measurements(Date.now() / 1000)),
      ]);
      model.models.value = stored?.models ?? {};
      model.model.value = stored?.model ?? "";
      model.favourites.value = stored?.favourites ?? [];
      model.conversations.value = inOrder(heads ?? []);
      await restoreDraft(stored);
      const { evidence = [], ledger = [] } = stored ?? {};
      model.keptBy.value = stored?.custody ?? "device";
      await secrets.begin(book);
      settings.begin({ config: stored?.config, knowledge: { evidence, ledger, metrics: metrics ?? [] } });
      knowledge.probeWhenIdle();
      void moving.offerForeignStorage(stored?.seenStorage);
      catalogued = reported(settings.loadCatalogue().then(() => models.ensureModel()));
    },

    /**
     * The relay that served this page is trusted with its keys already; any other is shown first, and so is another
     * sealing key than the one that was pinned.
     *
     * @param {Pairing} pairing
     */
    async offerPairing(pairing) {
      await loaded;
      const pinned = settings.findPaired(pairing)?.public_key;
      const isNew = pinned && pairing.public_key && pinned !== pairing.public_key;
      if (isNew || new URL(pairing.url).origin !== origin) model.dialog.value = { kind: "pairing", pairing };
      else await reported(settings.pair(pairing).then(() => toast(t`Paired with this computer's relay.`)));
    },

    /** The room that is left was seen to be small, and the reader knows. */
    dismissStorage() {
      model.storage.value = "good";
    },

    /** Everything that is stored is deleted, and the page begins anew. */
    async eraseAll() {
      await keeper.erase();
      location.reload();
    },

    /**
     * @param {string} code
     * @returns {Promise<{output: string, isError: boolean}>} what came of it, or why it could not be run
     */
    async runPython(code) {
      try {
        const { output, is_error: isError } = await rpc.call("run_python", { code });
        return { output, isError };
      } catch (error) {
        return { output: failureOf(error).message, isError: true };
      }
    },

    /** @returns {Promise<{version: string, pyodide: string}>} */
    async readBuild() {
      const answer = await fetch(new URL("../../build.json", import.meta.url));
      if (!answer.ok) throw new Error(t`The page's description did not load (${answer.status}).`);
      return answer.json();
    },

    /** The provider that needs no key is added, and asked from now on. */
    tryDemo() {
      models.chooseModel(`${settings.ensureDemo().id}/${DEMO_MODEL}`);
    },

    /**
     * @param {string} provider
     * @param {string[]} notes  what was put right in what was typed
     */
    announceSavedProvider(provider, notes) {
      notes.forEach((note) => toast(note));
      models.ensureModel();
      void models.reloadModels(provider);
    },

    /**
     * @param {string} relay
     * @param {Answer} answer  that failed for want of this consent
     */
    allowAndRetry(relay, answer) {
      // A group or a rule may have put another provider's model in its place, and it is that one's key.
      const { provider } = splitModel(answer.taken?.model ?? answer.model);
      settings.grant({ relay, provider });
      chat.retry(answer.id, answer.model);
    },
  };
}
