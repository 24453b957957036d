// @ts-check
/**
 * The page's only storage. Conversations, settings and wrapped secrets are in IndexedDB; secrets kept for
 * this session, the unsent draft and settings whose write was cut short by a reload are in sessionStorage.
 *
 * @import { Config, Knowledge, ModelList } from "./protocol.js"
 * @import { Conversation, Summary } from "./state/conversations.js"
 * @import { Wrapped } from "./secrets.js"
 * @import { IDBPDatabase } from "idb"
 */
import { openDB } from "idb";
import { newWrappingKey, unwrap, wrap } from "./secrets.js";
import { summaryOf } from "./state/conversations.js";

/**
 * @typedef {"session" | "device"} Custody
 * @typedef {"providers" | "relays"} SecretKind
 * @typedef {{value: string, custody: Custody}} Secret
 * @typedef {Record<SecretKind, Record<string, Secret>>} SecretBook
 *
 * @typedef {object} Settings
 * @property {Config} config
 * @property {object[]} evidence
 * @property {object[]} ledger
 * @property {Record<string, ModelList>} models  as last seen, by provider
 * @property {string} model  the last choice
 * @property {string} conversation  the one last open
 */

const DATABASE = "sidestep";
const VERSION = 2;
const MEASUREMENTS_KEPT_S = 7 * 24 * 3600;
const WRAPPING_KEY = "wrapping-key";
const SESSION_SECRET = "sidestep.secret.";
const DRAFT = "sidestep.draft";
const UNSAVED = "sidestep.unsaved";

export class Store {
  #database;

  /** @param {IDBPDatabase<any>} database */
  constructor(database) {
    this.#database = database;
  }

  /** @returns {Promise<Store>} */
  static async open() {
    const database = await openDB(DATABASE, VERSION, {
      upgrade(stored, before) {
        if (before < 1) {
          stored.createObjectStore("conversations", { keyPath: "id" }).createIndex("updated", "updated");
          stored.createObjectStore("settings");
          stored.createObjectStore("vault");
        }
        // Rows of their own, so that two tabs only ever add to each other's.
        stored.createObjectStore("measurements", { autoIncrement: true }).createIndex("at", "at");
      },
      // A tab with a newer page waits for this one to let go.
      blocking(_before, _after, event) {
        /** @type {IDBDatabase} */ (event.target).close();
      },
    });
    return new Store(database);
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

  // Measurements

  /**
   * @param {number} now  seconds since 1970
   * @returns {Promise<NonNullable<Knowledge["metrics"]>>} those of the last week, in their order; older ones are dropped
   */
  async measurements(now) {
    const transaction = this.#database.transaction("measurements", "readwrite");
    const old = IDBKeyRange.upperBound(now - MEASUREMENTS_KEPT_S);
    for await (const { primaryKey } of transaction.store.index("at").iterate(old)) await transaction.store.delete(primaryKey);
    const rows = await transaction.store.getAll();
    await transaction.done;
    return rows;
  }

  /** @param {NonNullable<Knowledge["metrics"]>} rows */
  async addMeasurements(rows) {
    const transaction = this.#database.transaction("measurements", "readwrite", { durability: "relaxed" });
    const added = rows.map((row) => transaction.store.add(row));
    transaction.commit();
    await Promise.all([...added, transaction.done]);
  }

  // Conversations

  /** @returns {Promise<Summary[]>} newest first */
  async summaries() {
    const conversations = await this.#database.getAllFromIndex("conversations", "updated");
    return conversations.reverse().map(summaryOf);
  }

  /**
   * @param {string} id
   * @returns {Promise<Conversation | undefined>}
   */
  async conversation(id) {
    return this.#database.get("conversations", id);
  }

  /** @param {Conversation} conversation */
  async saveConversation(conversation) {
    const transaction = this.#database.transaction("conversations", "readwrite", { durability: "relaxed" });
    const put = transaction.store.put(conversation);
    transaction.commit();
    await Promise.all([put, transaction.done]);
  }

  /** @param {string} id */
  async deleteConversation(id) {
    await this.#database.delete("conversations", id);
  }

  // Secrets

  /** @returns {Promise<SecretBook>} */
  async secrets() {
    /** @type {SecretBook} */
    const book = { providers: {}, relays: {} };
    for (const [owner, value] of await this.#deviceSecrets()) enter(book, owner, { value, custody: "device" });
    for (const [owner, value] of sessionSecrets()) enter(book, owner, { value, custody: "session" });
    return book;
  }

  /**
   * @param {SecretKind} kind
   * @param {string} id
   * @param {Secret} secret
   */
  async saveSecret(kind, id, { value, custody }) {
    await this.removeSecret(kind, id);
    if (!value) return;
    const owner = `${kind}/${id}`;
    if (custody === "session") sessionStorage.setItem(SESSION_SECRET + owner, value);
    else await this.#database.put("vault", await wrap(await this.#wrappingKey(), owner, value), owner);
  }

  /**
   * @param {SecretKind} kind
   * @param {string} id
   */
  async removeSecret(kind, id) {
    sessionStorage.removeItem(`${SESSION_SECRET}${kind}/${id}`);
    await this.#database.delete("vault", `${kind}/${id}`);
  }

  /** @returns {Promise<[string, string][]>} owner and secret */
  async #deviceSecrets() {
    const owners = (await this.#database.getAllKeys("vault")).map(String).filter((owner) => owner !== WRAPPING_KEY);
    const opened = await Promise.allSettled(owners.map((owner) => this.#open(owner)));
    // One that no longer opens (another browser profile's copy) counts as absent: the user can type it again.
    return opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  }

  /**
   * @param {string} owner
   * @returns {Promise<[string, string]>}
   */
  async #open(owner) {
    /** @type {Wrapped} */
    const wrapped = await this.#database.get("vault", owner);
    return [owner, await unwrap(await this.#wrappingKey(), owner, wrapped)];
  }

  /** @returns {Promise<CryptoKey>} */
  async #wrappingKey() {
    const kept = await this.#database.get("vault", WRAPPING_KEY);
    if (kept) return kept;
    const fresh = await newWrappingKey();
    const transaction = this.#database.transaction("vault", "readwrite");
    // Another tab may have made one meanwhile; the first one stays.
    const earlier = await transaction.store.get(WRAPPING_KEY);
    if (!earlier) await transaction.store.put(fresh, WRAPPING_KEY);
    await transaction.done;
    return earlier ?? fresh;
  }
}

/** @returns {string} */
export function readDraft() {
  try {
    return sessionStorage.getItem(DRAFT) ?? "";
  } catch {
    return "";
  }
}

/** @param {string} text */
export function saveDraft(text) {
  try {
    if (text) sessionStorage.setItem(DRAFT, text);
    else sessionStorage.removeItem(DRAFT);
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

/** @returns {[string, string][]} owner and secret */
function sessionSecrets() {
  return Object.keys(sessionStorage)
    .filter((name) => name.startsWith(SESSION_SECRET))
    .map((name) => [name.slice(SESSION_SECRET.length), /** @type {string} */ (sessionStorage.getItem(name))]);
}

/**
 * @param {SecretBook} book
 * @param {string} owner
 * @param {Secret} secret
 */
function enter(book, owner, secret) {
  const slash = owner.indexOf("/");
  book[/** @type {SecretKind} */ (owner.slice(0, slash))][owner.slice(slash + 1)] = secret;
}
