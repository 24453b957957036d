// @ts-check
/**
 * The page's only storage. Conversations, settings and wrapped secrets (`vaults.js`) are in IndexedDB; secrets kept for
 * this session and settings whose write was cut short by a reload are in sessionStorage, and unsent drafts in
 * localStorage: both are written before a page that goes away is gone.
 *
 * @import { Config, Knowledge, ModelList } from "./protocol.js"
 * @import { Attachment } from "./state/attachments.js"
 * @import { Conversation, Head, Message } from "./state/conversations.js"
 * @import { Custody } from "./vaults.js"
 * @import { IDBPDatabase } from "idb"
 */
import { deleteDB, openDB } from "idb";
import { headOf } from "./state/conversations.js";
import { loadConversation, loadHead, treeFromList } from "./state/stored_conversations.js";
import { Vault, rowsIn } from "./vaults.js";

/**
 * @typedef {object} Settings
 * @property {Config} config
 * @property {object[]} evidence
 * @property {object[]} ledger
 * @property {Record<string, ModelList>} models  as last seen, by provider
 * @property {string} model  the last choice
 * @property {string[]} favourites  `provider-id/model-id`
 * @property {string} conversation  the one last open
 * @property {Custody} custody  how new keys are kept
 * @property {string} seenStorage  what of other apps' storage was offered already
 * @property {Record<string, Attachment[]>} attachments  of unsent drafts, by conversation
 * @property {{system: string, parameters: Record<string, unknown>}} beginning  what the next new chat begins with
 *
 * @typedef {{id: number, at: number, config: Config}} Earlier  until when, in milliseconds since 1970, and what was set up
 */

const DATABASE = "sidestep";
const VERSION = 4;
/** Earlier configurations. */
const MOST_EARLIER = 10;
const MEASUREMENTS_KEPT_S = 90 * 24 * 3600;
/** What Python itself looks at. */
const MEASUREMENTS_GIVEN_S = 7 * 24 * 3600;
/** Messages. */
const READ_AT_ONCE = 200;
const OURS = "sidestep.";
const DRAFTS = "sidestep.drafts";
const UNSAVED = "sidestep.unsaved";

export class Store {
  #database;
  /** Keys and tokens. */
  vault;

  /** @param {IDBPDatabase<any>} database */
  constructor(database) {
    this.#database = database;
    this.vault = new Vault(database);
  }

  /**
   * @param {() => void} onOutdated  called when a newer page in another tab takes the storage over
   * @returns {Promise<Store>}
   */
  static async open(onOutdated) {
    const database = await openDB(DATABASE, VERSION, {
      upgrade,
      blocking(_before, _after, event) {
        // The newer page waits for this one to let go; what is unwritten was handed to the browser already.
        /** @type {IDBDatabase} */ (event.target).close();
        onOutdated();
      },
    });
    return new Store(database);
  }

  /** All that is stored is deleted, for good. */
  static async erase() {
    await deleteDB(DATABASE);
    for (const storage of [sessionStorage, localStorage]) {
      for (const name of Object.keys(storage)) if (name.startsWith(OURS)) storage.removeItem(name);
    }
  }

  // Settings

  /** @returns {Promise<Partial<Settings>>} */
  async settings() {
    const transaction = this.#database.transaction("settings");
    const [names, values] = await Promise.all([transaction.store.getAllKeys(), transaction.store.getAll()]);
    return Object.fromEntries(names.map((name, position) => [name, values[position]]));
  }

  /**
   * @template {keyof Settings} K
   * @param {K} name
   * @param {Settings[K]} value
   */
  async saveSetting(name, value) {
    const transaction = this.#database.transaction("settings", "readwrite");
    const put = transaction.store.put(value, name);
    // Said at once rather than when the page would be idle: a page that is going away has no such moment.
    transaction.commit();
    await Promise.all([put, transaction.done]);
  }

  // Earlier configurations

  /**
   * Keeps *config*, which is about to change, with the keys that are kept now.
   *
   * @param {Config} config
   */
  async remember(config) {
    const transaction = this.#database.transaction(["history", "vault"], "readwrite");
    await rememberIn(transaction, config);
    await transaction.done;
  }

  /** @returns {Promise<Earlier[]>} newest first */
  async earlier() {
    const entries = await this.#database.getAll("history");
    return entries.map(({ id, at, config }) => ({ id, at, config })).toReversed();
  }

  /**
   * Puts the keys of an earlier configuration in the place of the present ones, which are remembered with *present*.
   *
   * @param {number} id
   * @param {Config} present
   * @returns {Promise<Config | undefined>} what was set up then; nothing where it is forgotten
   */
  async returnTo(id, present) {
    const transaction = this.#database.transaction(["history", "vault"], "readwrite");
    const entry = await transaction.objectStore("history").get(id);
    if (!entry) return undefined;
    await rememberIn(transaction, present);
    const vault = transaction.objectStore("vault");
    for (const owner of Object.keys(await rowsIn(vault))) void vault.delete(owner);
    for (const [owner, row] of Object.entries(entry.rows)) void vault.put(row, owner);
    await transaction.done;
    return entry.config;
  }

  async forgetEarlier() {
    await this.#database.clear("history");
  }

  // Measurements

  /**
   * @param {number} now  seconds since 1970
   * @returns {Promise<NonNullable<Knowledge["metrics"]>>} those of the last week, in their
   *   order; those that are older than is kept are dropped
   */
  async measurements(now) {
    const transaction = this.#database.transaction("measurements", "readwrite");
    const old = IDBKeyRange.upperBound(now - MEASUREMENTS_KEPT_S);
    for await (const { primaryKey } of transaction.store.index("at").iterate(old)) await transaction.store.delete(primaryKey);
    const rows = await transaction.store.index("at").getAll(IDBKeyRange.lowerBound(now - MEASUREMENTS_GIVEN_S));
    await transaction.done;
    return rows;
  }

  /**
   * @param {number} since  seconds since 1970
   * @returns {Promise<NonNullable<Knowledge["metrics"]>>} oldest first
   */
  async attempts(since) {
    return this.#database.getAllFromIndex("measurements", "at", IDBKeyRange.lowerBound(since));
  }

  /** @param {NonNullable<Knowledge["metrics"]>} rows */
  async addMeasurements(rows) {
    const transaction = this.#database.transaction("measurements", "readwrite", { durability: "relaxed" });
    const added = rows.map((row) => transaction.store.add(row));
    transaction.commit();
    await Promise.all([...added, transaction.done]);
  }

  // Conversations

  /** @returns {Promise<Head[]>} in no order */
  async heads() {
    const rows = await this.#database.getAll("conversations");
    return rows.flatMap((row) => loadHead(row) ?? []);
  }

  /**
   * @param {string} id
   * @returns {Promise<Conversation | undefined>}
   */
  async conversation(id) {
    const transaction = this.#database.transaction(["conversations", "messages"]);
    const [row, messages] = await Promise.all([
      transaction.objectStore("conversations").get(id), transaction.objectStore("messages").getAll(messagesOf(id))]);
    const head = loadHead(row);
    return head ? loadConversation(head, messages) : undefined;
  }

  /**
   * @param {Conversation} conversation
   * @param {Message[]} changed  those of its messages that are not stored as they are
   */
  async saveConversation(conversation, changed) {
    const transaction = this.#database.transaction(["conversations", "messages"], "readwrite", { durability: "relaxed" });
    const rows = transaction.objectStore("messages");
    const puts = changed.map((message) => rows.put({ ...message, conversation: conversation.id }));
    puts.push(/** @type {Promise<any>} */ (transaction.objectStore("conversations").put(headOf(conversation))));
    transaction.commit();
    await Promise.all([...puts, transaction.done]);
  }

  /** @param {string} id */
  async deleteConversation(id) {
    const transaction = this.#database.transaction(["conversations", "messages"], "readwrite");
    await Promise.all([
      transaction.objectStore("conversations").delete(id), transaction.objectStore("messages").delete(messagesOf(id)),
      transaction.done]);
  }

  /**
   * Looks through all messages, some at a time, so that the page stays smooth meanwhile.
   *
   * @param {(rows: any[]) => number | void | Promise<number | void>} look  may say how many it wants the next time
   * @param {AbortSignal} signal
   * @param {number} [atOnce]  the first time
   */
  async readMessages(look, signal, atOnce = READ_AT_ONCE) {
    /** @type {IDBKeyRange | null} */
    let rest = null;
    while (!signal.aborted) {
      const rows = /** @type {any[]} */ (await this.#database.getAll("messages", rest, atOnce));
      if (signal.aborted) return;
      const isLast = rows.length < atOnce;
      atOnce = (await look(rows)) || atOnce;
      if (isLast) return;
      const { conversation, id } = rows[rows.length - 1];
      rest = IDBKeyRange.lowerBound([conversation, id], true);
    }
  }

  /**
   * Takes rows of a backup, all of them or none.
   *
   * @param {{conversations: object[], messages: object[]}} rows
   */
  async putRows({ conversations, messages }) {
    const transaction = this.#database.transaction(["conversations", "messages"], "readwrite", { durability: "relaxed" });
    const puts = conversations.map((row) => transaction.objectStore("conversations").put(row));
    puts.push(...messages.map((row) => transaction.objectStore("messages").put(row)));
    transaction.commit();
    await Promise.all([...puts, transaction.done]);
  }

  /** @returns {Promise<number>} */
  async countMessages() {
    return this.#database.count("messages");
  }
}

/** @param {unknown} error @returns {boolean} whether the browser has no more room for this page */
export function isOutOfRoom(error) {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}

/** @returns {Record<string, string>} by conversation; that of a new chat under the empty name */
export function readDrafts() {
  try {
    const kept = JSON.parse(localStorage.getItem(DRAFTS) ?? "{}");
    return Object.fromEntries(Object.entries(kept).filter(([, text]) => typeof text === "string" && text));
  } catch {
    return {};
  }
}

/**
 * Only the one that changed is written: the others may be another tab's by now.
 *
 * @param {string} conversation
 * @param {string} text  empty to forget it
 */
export function saveDraft(conversation, text) {
  try {
    const { [conversation]: _, ...others } = readDrafts();
    const kept = text ? { ...others, [conversation]: text } : others;
    if (Object.keys(kept).length) localStorage.setItem(DRAFTS, JSON.stringify(kept));
    else localStorage.removeItem(DRAFTS);
  } catch {
    // A browser without storage keeps the draft in the text box alone.
  }
}

/**
 * A page that goes away may take its unfinished writes with it; what this keeps is written at the next start.
 *
 * @param {Partial<Settings>} settings
 */
export function keepUnsaved(settings) {
  try {
    if (Object.keys(settings).length) sessionStorage.setItem(UNSAVED, JSON.stringify(settings));
  } catch {
    // Without sessionStorage, or with it full, the write under way is all there is.
  }
}

/** @returns {Partial<Settings>} what the page before this one had not finished writing; given once */
export function takeUnsaved() {
  try {
    const kept = sessionStorage.getItem(UNSAVED);
    sessionStorage.removeItem(UNSAVED);
    return kept ? JSON.parse(kept) : {};
  } catch {
    return {};
  }
}

/**
 * @param {IDBPDatabase<any>} database
 * @param {number} before  its version; 0 where there was none
 * @param {number | null} _after
 * @param {import("idb").IDBPTransaction<any, any, "versionchange">} transaction
 */
async function upgrade(database, before, _after, transaction) {
  if (before < 1) {
    database.createObjectStore("conversations", { keyPath: "id" });
    database.createObjectStore("settings");
    database.createObjectStore("vault");
  }
  if (before < 2) {
    // Rows of their own, so that two tabs only ever add to each other's.
    database.createObjectStore("measurements", { autoIncrement: true }).createIndex("at", "at");
  }
  if (before < 3) {
    // Rows of their own, so that a growing answer costs no more than itself.
    database.createObjectStore("messages", { keyPath: ["conversation", "id"] });
    if (before > 0) await moveMessages(transaction);
  }
  if (before < 4) database.createObjectStore("history", { keyPath: "id", autoIncrement: true });
}

/**
 * @param {import("idb").IDBPTransaction<any, any, "readwrite">} transaction
 * @param {Config} config
 */
async function rememberIn(transaction, config) {
  const history = transaction.objectStore("history");
  const rows = await rowsIn(transaction.objectStore("vault"));
  await history.add({ at: Date.now(), config, rows });
  const ids = await history.getAllKeys();
  for (const old of ids.slice(0, -MOST_EARLIER)) void history.delete(old);
}

/** @param {import("idb").IDBPTransaction<any, any, "versionchange">} transaction */
async function moveMessages(transaction) {
  const conversations = transaction.objectStore("conversations");
  const messages = transaction.objectStore("messages");
  for (const old of await conversations.getAll()) {
    const tree = treeFromList(old);
    if (!tree) continue;
    for (const message of Object.values(tree.messages)) void messages.put({ ...message, conversation: tree.id });
    void conversations.put(headOf(tree));
  }
  conversations.deleteIndex("updated");
}

/**
 * @param {string} conversation
 * @returns {IDBKeyRange} of its messages
 */
function messagesOf(conversation) {
  // Arrays come after every text in IndexedDB's order of keys.
  return IDBKeyRange.bound([conversation], [conversation, []]);
}
