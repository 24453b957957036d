// @ts-check
/**
 * @import { Config, Imported, Sealed, Secrets } from "../protocol.js"
 * @import { PageModel } from "../model.js"
 * @import { Counts, ReadLine } from "../state/backups.js"
 * @import { ScratchFile } from "../scratch_files.js"
 * @import { Settings, Store } from "../store.js"
 * @import { Rpc } from "../rpc.js"
 * @import { Keeper } from "./keeper.js"
 */
import { saveBlob } from "../files.js";
import { failureOf } from "../rpc.js";
import { writeScratchFile } from "../scratch_files.js";
import { BackupWriter, readBackup } from "../state/backups.js";
import { countHeaders, emptyConfig, readdressed, withHeadersOf, withoutNewWatchers } from "../state/configs.js";
import { inOrder } from "../state/conversations.js";
import { isObject } from "../state/policies.js";
import { openSealed, seal } from "../state/sealed_files.js";
import { loadHead, loadMessage } from "../state/stored_conversations.js";
import { isOutOfRoom } from "../store.js";
import { t, tn } from "../words.js";

/** Rows read or written in one transaction, and their characters: more would be felt. */
const MOST_ROWS = 200;
const MOST_CHARACTERS = 1 << 20;
const FIRST_ROWS = 4;

/** @template T @param {Promise<T>} work  of Python's @returns {Promise<T>} @throws {Error} with its sentence */
const told = (work) => work.catch((error) => { throw new Error(failureOf(error).message); });

/** @param {Counts} counts */
const words = ({ conversations, messages }) =>
  `${tn(conversations, "{0} chat,", "{0} chats,")} ${tn(messages, "{0} message.", "{0} messages.")}`;

/**
 * @typedef {{counts: Counts, config: Config | null, sealed: Partial<Sealed> | null, programs: number}} BackupContents
 *   `sealed` opens with a passphrase; `programs` are rules that are Python
 * @typedef {{config: Config, secrets: Secrets}} Opened
 */

/**
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Rpc} app.rpc
 * @param {Keeper} app.keeper
 * @param {ReturnType<typeof import("./secrets.js").secretActions>} app.secrets
 * @param {ReturnType<typeof import("./settings.js").settingsActions>} app.settings
 * @param {{reopen: (id: string | undefined) => Promise<void>}} app.conversations
 * @param {(text: string) => void} app.toast
 */
export function backupActions({ model, rpc, keeper, secrets, settings, conversations, toast }) {
  /** @returns {Promise<Counts>} what is here */
  async function countHere() {
    const [heads, messages] = await keeper.strictly((store) => Promise.all([store.heads(), store.countMessages()]));
    return { conversations: heads.length, messages };
  }

  /**
   * @param {Map<string, number>} here  conversations that are here, and when they last changed
   * @param {any} row
   * @returns {object | null} the conversation's row; null where the one that is here is as new
   */
  function newerHead(here, row) {
    const head = loadHead(row);
    return head && head.updated > (here.get(head.id) ?? -1) ? head : null;
  }

  /** @param {Config} config  which anybody may have written @returns {Promise<Imported | null>} what of it can be used */
  async function check(config) {
    const text = JSON.stringify({ format: "sidestep-config", version: 2, config });
    const { imported } = await told(rpc.call("read_import", { text, config: model.config.value }));
    return imported;
  }

  /** @param {boolean} withKeys @returns {Promise<string>} the configuration as a document */
  async function writeDocument(withKeys) {
    // Nobody would answer.
    if (model.python.value.phase === "failed") throw new Error(model.python.value.detail);
    return (await told(rpc.call("write_export", { format: "sidestep", config: model.config.value, with_keys: withKeys }))).text;
  }

  /** @returns {Promise<Config>} as it may lie in a file that anybody can read: without headers that may be secret */
  async function readableConfig() {
    // Without Python nobody knows which those are, and a backup has to be possible all the same.
    const shown = await writeDocument(false).then((text) => JSON.parse(text).config, emptyConfig);
    return withHeadersOf(model.config.value, shown);
  }

  /**
   * @param {ScratchFile} file
   * @param {Config} config
   * @param {Sealed | null} sealed  with all that belongs to it
   * @param {AbortSignal} signal
   * @param {(done: number) => void} onProgress  from 0 to 1
   * @returns {Promise<Counts>} what was written
   */
  async function write(file, config, sealed, signal, onProgress) {
    const writer = new BackupWriter(file.write, new Date().toISOString());
    return keeper.strictly(async (store) => {
      const { model: chosen, favourites, beginning } = await store.settings();
      await writer.add({ kind: "config", config });
      await writer.add({ kind: "settings", settings: { model: chosen, favourites, beginning } });
      if (sealed) await writer.add({ kind: "keys", sealed });
      for (const row of await store.heads()) await writer.add({ kind: "conversation", row });
      const expected = await store.countMessages();
      let written = 0;
      await store.readMessages(async (rows) => {
        let length = 1;
        for (const row of rows) length += await writer.add({ kind: "message", row });
        written += rows.length;
        onProgress(written / (expected || 1));
        return Math.max(1, Math.min(MOST_ROWS, Math.floor(rows.length * MOST_CHARACTERS / length)));
      }, signal, FIRST_ROWS);
      signal.throwIfAborted();
      return writer.finish();
    });
  }

  /**
   * @param {Store} store
   * @param {AsyncIterable<ReadLine>} lines  of a backup
   * @param {AbortSignal} signal
   * @returns {Promise<Partial<Settings>>} those of the backup
   */
  async function addRows(store, lines, signal) {
    const here = new Map((await store.heads()).map(({ id, updated }) => [id, updated]));
    /** @type {Partial<Settings>} */
    let kept = {};
    /** @type {{conversations: object[], messages: object[]}} */
    let waiting = { conversations: [], messages: [] };
    let characters = 0;
    const flush = async () => {
      await store.putRows(waiting);
      waiting = { conversations: [], messages: [] };
      characters = 0;
    };
    for await (const line of lines) {
      signal.throwIfAborted();
      const head = line.kind === "conversation" && newerHead(here, line.row);
      if (head) waiting.conversations.push(head);
      const isMessage = line.kind === "message" && typeof line.row.conversation === "string" && loadMessage(line.row);
      if (isMessage) waiting.messages.push(line.row);
      if (line.kind === "settings") kept = line.settings;
      characters += line.size;
      const rows = waiting.conversations.length + waiting.messages.length;
      if (rows >= MOST_ROWS || characters >= MOST_CHARACTERS) await flush();
    }
    await flush();
    return kept;
  }

  /** What is stored was changed behind the page's back. */
  async function showStored() {
    keeper.forgetStored();
    model.conversations.value = inOrder((await keeper.use((store) => store.heads())) ?? []);
    await conversations.reopen(model.conversation.value?.id);
  }

  return {
    countHere,

    /**
     * All as one file. What is under way is in `model.saving`.
     *
     * @param {string} passphrase  under which keys and tokens go with it; without one they do not
     */
    async save(passphrase) {
      if (model.saving.value) return;
      const abort = new AbortController();
      const stop = () => abort.abort();
      model.saving.value = { done: 0, stop };
      /** @type {Counts} */
      let counts = { conversations: 0, messages: 0 };
      try {
        const config = await readableConfig();
        const sealed = passphrase ? await seal(await writeDocument(true), passphrase) : null;
        const blob = await writeScratchFile(async (file) => {
          counts = await write(file, config, sealed, abort.signal, (done) => { model.saving.value = { done, stop }; });
        });
        saveBlob("sidestep-backup.jsonl", blob);
        const isLess = !sealed && countHeaders(config) < countHeaders(model.config.value);
        toast(`${t`The backup holds:`} ${words(counts)} ${isLess ? t`Headers that may be secret are left out.` : ""}`.trim());
      } catch (error) {
        if (!abort.signal.aborted) throw error;
      } finally {
        model.saving.value = null;
      }
    },

    /**
     * Reads all of a backup; nothing is written.
     *
     * @param {Blob} file
     * @param {(done: number) => void} onProgress
     * @param {AbortSignal} signal
     * @returns {Promise<BackupContents>}
     * @throws {Error} with a sentence, where it cannot be restored
     */
    async look(file, onProgress, signal) {
      /** @type {BackupContents} */
      const contents = { counts: { conversations: 0, messages: 0 }, config: null, sealed: null, programs: 0 };
      for await (const line of readBackup(file, onProgress)) {
        signal.throwIfAborted();
        if (line.kind === "conversation") contents.counts.conversations++;
        if (line.kind === "message") contents.counts.messages++;
        if (line.kind === "keys") contents.sealed = line.sealed;
        if (line.kind === "config") {
          const imported = await check(line.config);
          contents.config = imported?.document ?? null;
          contents.programs = (imported?.findings ?? []).filter(({ kind }) => kind === "code").length;
        }
      }
      return contents;
    },

    /**
     * @param {BackupContents} contents
     * @param {string} passphrase
     * @returns {Promise<Opened>} with the configuration that lies beside the keys: so no address can be changed under a key
     * @throws {Error} with a sentence, where the passphrase does not open it
     */
    async open({ sealed }, passphrase) {
      const text = await openSealed(sealed ?? {}, passphrase);
      if (text === null) throw new Error(t`That is not its passphrase, or the file was changed. Nothing was changed here.`);
      const source = { text, config: emptyConfig() };
      const { changes } = await told(rpc.call("read_import", source));
      const choices = Object.fromEntries(changes.map(({ key }) => [key, /** @type {const} */ ("replace")]));
      return told(rpc.call("merge_import", { ...source, choices }));
    },

    /**
     * Adds what is in a backup to what is here. Of a conversation that is in both, the newer one stays, with every message
     * of either.
     *
     * @param {Blob} file  that was looked at
     * @param {Opened | null} chosen  what takes the place of the providers, relays and rules here; null where nothing does
     * @param {(done: number) => void} onProgress
     * @param {AbortSignal} signal  what was added before stays
     * @returns {Promise<Counts>} what is here then
     * @throws {Error} with a sentence, where not all of it could be added
     */
    async restore(file, chosen, onProgress, signal) {
      try {
        // First, since it may be refused: keys under a passphrase that was not said cannot be kept.
        if (chosen) await takeConfig(chosen);
        const kept = await keeper.strictly((store) => addRows(store, readBackup(file, onProgress), signal));
        if (chosen) takeSettings(kept);
      } catch (error) {
        if (signal.aborted) toast(t`Stopped: a part of the backup was added. Restore it again for the rest.`);
        throw isOutOfRoom(error) ? new Error(t`This browser has no more room: only a part of the backup was added. Make room, then restore it again for the rest.`) : error;
      } finally {
        // Also where it broke off: a part of it is there.
        await showStored();
      }
      const counts = await countHere();
      toast(`${t`Restored. Here now:`} ${words(counts)}`);
      return counts;
    },
  };

  /**
   * A backup may be anybody's: no key that is here goes to an address, or past a relay, that it did not go to before.
   *
   * @param {Opened} chosen
   */
  async function takeConfig({ config, secrets: keys }) {
    const before = model.config.value;
    settings.remember();
    await secrets.exchange(readdressed(before, config), keys);
    const keyed = config.providers.map(({ id }) => id).filter((id) => secrets.find("providers", id) && !(id in keys.providers));
    settings.settle(withoutNewWatchers(before, config, keyed));
  }

  /** @param {Partial<Settings>} kept */
  function takeSettings({ favourites, model: chosen, beginning }) {
    if (Array.isArray(favourites)) {
      model.favourites.value = favourites.filter((name) => typeof name === "string");
      void keeper.saveSetting("favourites", model.favourites.value);
    }
    if (typeof chosen === "string") {
      model.model.value = chosen;
      void keeper.saveSetting("model", chosen);
    }
    if (typeof beginning?.system === "string" && isObject(beginning.parameters)) {
      const { system, parameters } = beginning;
      model.beginning.value = { system, parameters };
      void keeper.saveSetting("beginning", model.beginning.value);
    }
  }
}
