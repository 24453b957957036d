// @ts-check
/**
 * The page's only storage. Conversations, settings and wrapped secrets are in IndexedDB; secrets kept for this session
 * and settings whose write was cut short by a reload are in sessionStorage, and unsent drafts in localStorage: both
 * are written before a page that goes away is gone.
 *
 * @import { Config, Knowledge, ModelList } from "./protocol.js"
 * @import { Attachment } from "./state/attachments.js"
 * @import { Conversation, Head, Message } from "./state/conversations.js"
 * @import { Wrapped } from "./secrets.js"
 * @import { IDBPDatabase } from "idb"
 */
import { deleteDB, openDB } from "idb";
import { deriveKey, newRecipe } from "./passphrases.js";
import { newWrappingKey, unwrap, wrap } from "./secrets.js";
import { headOf } from "./state/conversations.js";
import { loadConversation, loadHead, treeFromList } from "./state/stored_conversations.js";

/**
 * @typedef {"memory" | "session" | "device" | "passphrase"} Custody
 * @typedef {"none" | "locked" | "open"} VaultState  of what is kept under a passphrase
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
 * @property {Custody} custody  how new keys are kept
 * @property {Record<string, Attachment[]>} attachments  of unsent drafts, by conversation
 * @property {{system: string, parameters: Record<string, unknown>}} beginning  what the next new chat begins with
 */

const DATABASE = "sidestep";
const VERSION = 3;
const MEASUREMENTS_KEPT_S = 90 * 24 * 3600;
/** What Python itself looks at. */
const MEASUREMENTS_GIVEN_S = 7 * 24 * 3600;
/** Messages. */
const READ_AT_ONCE = 200;
const WRAPPING_KEY = "wrapping-key";
const PASSPHRASE = "passphrase";
/** Opened to see whether a passphrase is the right one. */
const CHECK = "check";
const NOT_SECRETS = [WRAPPING_KEY, PASSPHRASE];
const SESSION_SECRET = "sidestep.secret.";
const DRAFTS = "sidestep.drafts";
const UNSAVED = "sidestep.unsaved";

export class Store {
  #database;
  /** @type {CryptoKey | null} made of the passphrase, once it was said */
  #passphraseKey = null;

  /** @param {IDBPDatabase<any>} database */
  constructor(database) {
    this.#database = database;
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
   * @param {(rows: any[]) => void} look
   * @param {AbortSignal} signal
   */
  async readMessages(look, signal) {
    /** @type {IDBKeyRange | null} */
    let rest = null;
    while (!signal.aborted) {
      const rows = /** @type {any[]} */ (await this.#database.getAll("messages", rest, READ_AT_ONCE));
      if (signal.aborted) return;
      look(rows);
      if (rows.length < READ_AT_ONCE) return;
      const { conversation, id } = rows[rows.length - 1];
      rest = IDBKeyRange.lowerBound([conversation, id], true);
    }
  }

  /** @returns {Promise<number>} */
  async countMessages() {
    return this.#database.count("messages");
  }

  /** @returns {Promise<Conversation[]>} all there are, in no order */
  async allConversations() {
    const found = await Promise.all((await this.heads()).map(({ id }) => this.conversation(id)));
    return found.flatMap((conversation) => conversation ?? []);
  }

  // Secrets

  /** @returns {Promise<SecretBook>} */
  async secrets() {
    /** @type {SecretBook} */
    const book = { providers: {}, relays: {} };
    for (const [owner, secret] of await this.#vaultSecrets()) enter(book, owner, secret);
    for (const [owner, value] of sessionSecrets()) enter(book, owner, { value, custody: "session" });
    return book;
  }

  /**
   * @param {SecretKind} kind
   * @param {string} id
   * @param {Secret} secret
   */
  async saveSecret(kind, id, { value, custody }) {
    const owner = `${kind}/${id}`;
    if (custody === "device" || custody === "passphrase") {
      const key = custody === "device" ? await this.#wrappingKey() : this.#openKey();
      // Written before it is taken away elsewhere, so that no step can lose it.
      await this.#database.put("vault", { ...await wrap(key, owner, value), custody }, owner);
      sessionStorage.removeItem(SESSION_SECRET + owner);
      return;
    }
    if (custody === "session") sessionStorage.setItem(SESSION_SECRET + owner, value);
    else sessionStorage.removeItem(SESSION_SECRET + owner);
    await this.#database.delete("vault", owner);
  }

  /**
   * @param {SecretKind} kind
   * @param {string} id
   */
  async removeSecret(kind, id) {
    sessionStorage.removeItem(`${SESSION_SECRET}${kind}/${id}`);
    await this.#database.delete("vault", `${kind}/${id}`);
  }

  /** @returns {Promise<VaultState>} */
  async vaultState() {
    if (!await this.#database.get("vault", PASSPHRASE)) return "none";
    return this.#passphraseKey ? "open" : "locked";
  }

  /**
   * Sets a passphrase, or another one; what is kept under the one before is wrapped anew.
   *
   * @param {string} passphrase
   */
  async setPassphrase(passphrase) {
    const rows = await this.#passphraseSecrets();
    const recipe = newRecipe();
    const key = await deriveKey(passphrase, recipe);
    const check = await wrap(key, PASSPHRASE, CHECK);
    const wrapped = await Promise.all(rows.map(async ([owner, value]) =>
      /** @type {const} */ ([owner, { ...await wrap(key, owner, value), custody: "passphrase" }])));
    // All at once: half of it under another passphrase would be lost.
    const transaction = this.#database.transaction("vault", "readwrite");
    const puts = wrapped.map(([owner, row]) => transaction.store.put(row, owner));
    await Promise.all([...puts, transaction.store.put({ recipe, check }, PASSPHRASE), transaction.done]);
    this.#passphraseKey = key;
  }

  /**
   * @param {string} passphrase
   * @returns {Promise<boolean>} whether it was the right one
   */
  async unlock(passphrase) {
    const { recipe, check } = (await this.#database.get("vault", PASSPHRASE)) ?? {};
    if (!recipe) return false;
    const key = await deriveKey(passphrase, recipe);
    try {
      await unwrap(key, PASSPHRASE, check);
    } catch {
      // AES-GCM says nothing but that it does not fit.
      return false;
    }
    this.#passphraseKey = key;
    return true;
  }

  lock() {
    this.#passphraseKey = null;
  }

  /** The passphrase is forgotten, unless something is still kept under it. */
  async dropPassphrase() {
    const rows = await this.#database.getAll("vault");
    if (!rows.some((row) => row.custody === "passphrase")) await this.#database.delete("vault", PASSPHRASE);
  }

  /** @returns {Promise<[string, string][]>} owner and secret */
  async #passphraseSecrets() {
    const secrets = await this.#vaultSecrets();
    return secrets.flatMap(([owner, { value, custody }]) =>
      (custody === "passphrase" ? [/** @type {[string, string]} */ ([owner, value])] : []));
  }

  #openKey() {
    if (!this.#passphraseKey) throw new Error("The passphrase was not said yet.");
    return this.#passphraseKey;
  }

  /** @returns {Promise<[string, Secret][]>} owner and secret, of those that open now */
  async #vaultSecrets() {
    const owners = (await this.#database.getAllKeys("vault")).map(String).filter((owner) => !NOT_SECRETS.includes(owner));
    const opened = await Promise.allSettled(owners.map((owner) => this.#open(owner)));
    // One that no longer opens (another browser profile's copy) counts as absent: the user can type it again.
    return opened.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  }

  /**
   * @param {string} owner
   * @returns {Promise<[string, Secret]>}
   */
  async #open(owner) {
    /** @type {Wrapped & {custody?: Custody}} */
    const { custody = "device", ...wrapped } = await this.#database.get("vault", owner);
    const key = custody === "passphrase" ? this.#openKey() : await this.#wrappingKey();
    return [owner, { value: await unwrap(key, owner, wrapped), custody }];
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
    localStorage.setItem(DRAFTS, JSON.stringify(text ? { ...others, [conversation]: text } : others));
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
