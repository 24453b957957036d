// @ts-check
/**
 * @import { Config } from "../protocol.js"
 * @import { PageModel } from "../model.js"
 * @import { Counts } from "../state/backups.js"
 * @import { Settings } from "../store.js"
 * @import { Rpc } from "../rpc.js"
 * @import { Keeper } from "./keeper.js"
 */
import { saveBlob } from "../files.js";
import { failureOf } from "../rpc.js";
import { BackupWriter, readBackup } from "../state/backups.js";
import { inOrder } from "../state/conversations.js";
import { loadHead, loadMessage } from "../state/stored_conversations.js";
import { t } from "../words.js";

/** Rows read or written in one transaction, and their characters: more would be felt. */
const MOST_ROWS = 200;
const MOST_CHARACTERS = 1 << 20;
const FIRST_ROWS = 4;

/** @typedef {{counts: Counts, config: Config | null}} BackupContents */

/**
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Rpc} app.rpc
 * @param {Keeper} app.keeper
 * @param {ReturnType<typeof import("./settings.js").settingsActions>} app.settings
 * @param {{reopen: (id: string | undefined) => Promise<void>}} app.conversations
 * @param {(text: string) => void} app.toast
 */
export function backupActions({ model, rpc, keeper, settings, conversations, toast }) {
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

  /** @param {Config} config  which anybody may have written @returns {Promise<Config>} what of it can be used */
  async function check(config) {
    const text = JSON.stringify({ format: "sidestep-config", version: 2, config });
    try {
      const { imported } = await rpc.call("read_import", { text, config: model.config.value });
      return imported?.document ?? model.config.value;
    } catch (error) {
      throw new Error(failureOf(error).message);
    }
  }

  return {
    countHere,

    /** All but the keys, as one file. */
    async save() {
      const writer = new BackupWriter(new Date().toISOString());
      await keeper.strictly(async (store) => {
        const { model: chosen, favourites, beginning } = await store.settings();
        writer.add({ kind: "config", config: model.config.value });
        writer.add({ kind: "settings", settings: { model: chosen, favourites, beginning } });
        for (const row of await store.heads()) writer.add({ kind: "conversation", row });
        const { signal } = new AbortController();
        await store.readMessages((rows) => {
          const length = rows.reduce((sum, row) => sum + writer.add({ kind: "message", row }), 1);
          return Math.max(1, Math.min(MOST_ROWS, Math.floor(rows.length * MOST_CHARACTERS / length)));
        }, signal, FIRST_ROWS);
      });
      saveBlob("sidestep-backup.jsonl", writer.finish());
    },

    /**
     * Reads all of a backup; nothing is written.
     *
     * @param {Blob} file
     * @param {(done: number) => void} onProgress
     * @returns {Promise<BackupContents>}
     * @throws {Error} with a sentence, where it cannot be restored
     */
    async look(file, onProgress) {
      /** @type {BackupContents} */
      const contents = { counts: { conversations: 0, messages: 0 }, config: null };
      for await (const line of readBackup(file, onProgress)) {
        if (line.kind === "conversation") contents.counts.conversations++;
        if (line.kind === "message") contents.counts.messages++;
        if (line.kind === "config") contents.config = await check(line.config);
      }
      return contents;
    },

    /**
     * Adds what is in a backup to what is here. Of a conversation that is in both, the newer one stays, with every message
     * of either.
     *
     * @param {Blob} file  that was looked at
     * @param {Config | null} config  what takes the place of the providers, relays and rules here; null where nothing does
     * @param {(done: number) => void} onProgress
     * @returns {Promise<Counts>} what is here then
     */
    async restore(file, config, onProgress) {
      await keeper.strictly(async (store) => {
        const here = new Map((await store.heads()).map(({ id, updated }) => [id, updated]));
        /** @type {{conversations: object[], messages: object[]}} */
        let waiting = { conversations: [], messages: [] };
        let characters = 0;
        const write = async () => {
          await store.putRows(waiting);
          waiting = { conversations: [], messages: [] };
          characters = 0;
        };
        for await (const line of readBackup(file, onProgress)) {
          const head = line.kind === "conversation" && newerHead(here, line.row);
          if (head) waiting.conversations.push(head);
          const isMessage = line.kind === "message" && typeof line.row.conversation === "string" && loadMessage(line.row);
          if (isMessage) waiting.messages.push(line.row);
          if (line.kind === "settings" && config) takeSettings(line.settings);
          characters += line.size;
          const rows = waiting.conversations.length + waiting.messages.length;
          if (rows >= MOST_ROWS || characters >= MOST_CHARACTERS) await write();
        }
        await write();
        model.conversations.value = inOrder(await store.heads());
      });
      keeper.forgetStored();
      if (config) settings.adopt(config);
      await conversations.reopen(model.conversation.value?.id);
      const counts = await countHere();
      toast(t`Restored: ${counts.conversations} chats and ${counts.messages} messages are here now.`);
      return counts;
    },
  };

  /** @param {Partial<Settings>} kept */
  function takeSettings({ favourites, model: chosen }) {
    if (Array.isArray(favourites)) {
      model.favourites.value = favourites.filter((name) => typeof name === "string");
      void keeper.saveSetting("favourites", model.favourites.value);
    }
    if (typeof chosen === "string") {
      model.model.value = chosen;
      void keeper.saveSetting("model", chosen);
    }
  }
}
