// @ts-check
/**
 * Keys and tokens where they are kept: in this tab's session, or wrapped in IndexedDB, on the device or under a passphrase.
 * Only `store.js` makes one.
 *
 * @import { Recipe } from "./passphrases.js"
 * @import { Wrapped } from "./secrets.js"
 * @import { IDBPDatabase } from "idb"
 */
import { deriveKey, newRecipe } from "./passphrases.js";
import { newWrappingKey, unwrap, wrap } from "./secrets.js";

/**
 * @typedef {"memory" | "session" | "device" | "passphrase"} Custody
 * @typedef {"none" | "locked" | "open"} VaultState  of what is kept under a passphrase
 * @typedef {"providers" | "relays"} SecretKind
 * @typedef {{value: string, custody: Custody}} Secret  the value is empty while it is locked
 * @typedef {Record<SecretKind, Record<string, Secret>>} SecretBook
 *
 * @typedef {Wrapped & {custody?: Custody}} Row
 * @typedef {{recipe: Recipe, check: Wrapped}} PassphraseRow
 */

/** @type {SecretKind[]} */
const KINDS = ["providers", "relays"];
const STORE = "vault";
const HISTORY = "history";
const WRAPPING_KEY = "wrapping-key";
const PASSPHRASE = "passphrase";
/** Opened to see whether a passphrase is the right one. */
const CHECK = "check";
const NOT_SECRETS = [WRAPPING_KEY, PASSPHRASE];
const SESSION_SECRET = "sidestep.secret.";

/** The passphrase was not said yet, or another tab has changed it. */
export class LockedError extends Error {}

export class Vault {
  #database;
  /** @type {CryptoKey | null} made of the passphrase, once it was said */
  #passphraseKey = null;

  /** @param {IDBPDatabase<any>} database */
  constructor(database) {
    this.#database = database;
  }

  /** @returns {Promise<VaultState>} */
  async state() {
    if (!await this.#database.get(STORE, PASSPHRASE)) return "none";
    return this.#passphraseKey ? "open" : "locked";
  }

  /** @returns {Promise<SecretBook>} all that this tab can have, and those that are locked without their values */
  async secrets() {
    /** @type {SecretBook} */
    const book = { providers: {}, relays: {} };
    for (const [owner, row] of Object.entries(await rowsIn(this.#database.transaction(STORE).store))) {
      const secret = await this.#open(owner, row);
      if (secret) enter(book, owner, secret);
    }
    for (const [owner, value] of sessionSecrets()) enter(book, owner, { value, custody: "session" });
    return book;
  }

  /**
   * @param {SecretKind} kind
   * @param {string} id
   * @param {Secret} secret
   * @throws {LockedError} where it is to be under a passphrase that was not said
   */
  async save(kind, id, { value, custody }) {
    const owner = `${kind}/${id}`;
    if (custody === "session") sessionStorage.setItem(SESSION_SECRET + owner, value);
    if (custody === "device" || custody === "passphrase") {
      const key = custody === "device" ? await this.#wrappingKey() : await this.#fittingKey();
      await this.#database.put(STORE, { ...await wrap(key, owner, value), custody }, owner);
    } else {
      await this.#database.delete(STORE, owner);
    }
    // Taken away last, so that no step can lose it.
    if (custody !== "session") sessionStorage.removeItem(SESSION_SECRET + owner);
  }

  /**
   * @param {SecretKind} kind
   * @param {string} id
   * @returns {Promise<() => Promise<void>>} puts it back as it was, locked or not
   */
  async takeOut(kind, id) {
    const owner = `${kind}/${id}`;
    const row = await this.#database.get(STORE, owner);
    const ofSession = sessionStorage.getItem(SESSION_SECRET + owner);
    await this.#database.delete(STORE, owner);
    sessionStorage.removeItem(SESSION_SECRET + owner);
    return async () => {
      if (row) await this.#database.put(STORE, row, owner);
      if (ofSession !== null) sessionStorage.setItem(SESSION_SECRET + owner, ofSession);
    };
  }

  /**
   * Keeps all of *book* so from now on. What is wrapped is written in one transaction: either all of it moved, or none.
   *
   * @param {SecretBook} book
   * @param {Custody} custody
   * @param {string} [passphrase]  where one is set or changed
   * @returns {Promise<SecretBook>} as it is then
   * @throws {LockedError} while something of it is locked
   */
  async move(book, custody, passphrase) {
    const secrets = entriesOf(book);
    if (secrets.some(([, { value }]) => !value)) throw new LockedError();
    const set = passphrase ? await makePassphrase(passphrase) : null;
    const rows = await this.#wrapAll(secrets, custody, set?.key ?? null);
    const earlier = await this.#rewrapHistory(custody, set?.key ?? null);
    if (custody === "session") for (const [owner, { value }] of secrets) sessionStorage.setItem(SESSION_SECRET + owner, value);
    const transaction = this.#database.transaction([STORE, HISTORY], "readwrite");
    const store = transaction.objectStore(STORE);
    const writes = secrets.map(([owner], place) => (rows ? store.put(rows[place], owner) : store.delete(owner)));
    if (set) writes.push(store.put(set.row, PASSPHRASE));
    else if (custody !== "passphrase") writes.push(store.delete(PASSPHRASE));
    for (const entry of earlier) writes.push(transaction.objectStore(HISTORY).put(entry));
    await Promise.all([...writes, transaction.done]);
    if (set) this.#passphraseKey = set.key;
    if (custody !== "passphrase") this.#passphraseKey = null;
    if (custody !== "session") for (const [owner] of secrets) sessionStorage.removeItem(SESSION_SECRET + owner);
    return bookOf(secrets.map(([owner, { value }]) => [owner, { value, custody }]));
  }

  /**
   * @param {string} passphrase
   * @returns {Promise<boolean>} whether it was the right one
   */
  async unlock(passphrase) {
    /** @type {PassphraseRow | undefined} */
    const row = await this.#database.get(STORE, PASSPHRASE);
    if (!row) return false;
    const key = await deriveKey(passphrase, row.recipe);
    const fits = await opens(key, row.check);
    if (fits) this.#passphraseKey = key;
    return fits;
  }

  lock() {
    this.#passphraseKey = null;
  }

  /**
   * @param {[string, Secret][]} secrets
   * @param {Custody} custody
   * @param {CryptoKey | null} fresh  of a passphrase that is being set
   * @returns {Promise<Row[] | null>} null where nothing is to be written down
   */
  async #wrapAll(secrets, custody, fresh) {
    if (custody !== "device" && custody !== "passphrase") return null;
    const key = custody === "device" ? await this.#wrappingKey() : fresh ?? await this.#fittingKey();
    return Promise.all(secrets.map(async ([owner, { value }]) => ({ ...await wrap(key, owner, value), custody })));
  }

  /**
   * Earlier keys are kept as the present ones are, or not at all: a passphrase that is set is for them too.
   *
   * @param {Custody} custody
   * @param {CryptoKey | null} fresh
   * @returns {Promise<object[]>}
   */
  async #rewrapHistory(custody, fresh) {
    const entries = await this.#database.getAll(HISTORY);
    return Promise.all(entries.map(async (entry) => {
      const opened = await Promise.all(Object.entries(entry.rows).map(async ([owner, row]) =>
        /** @type {[string, Secret | null]} */ ([owner, await this.#open(owner, /** @type {Row} */ (row))])));
      const secrets = /** @type {[string, Secret][]} */ (opened.filter(([, secret]) => secret?.value));
      const rows = await this.#wrapAll(secrets, custody, fresh) ?? [];
      return { ...entry, rows: Object.fromEntries(rows.map((row, place) => [secrets[place][0], row])) };
    }));
  }

  /**
   * @param {string} owner
   * @param {Row} row
   * @returns {Promise<Secret | null>} null where it opens no more (another browser profile's copy): it can be typed again
   */
  async #open(owner, { custody = "device", ...wrapped }) {
    const key = custody === "passphrase" ? this.#passphraseKey : await this.#wrappingKey();
    if (!key) return { value: "", custody };
    try {
      return { value: await unwrap(key, owner, wrapped), custody };
    } catch {
      // AES-GCM says nothing but that it does not fit. Under a passphrase, another tab has changed it.
      if (custody !== "passphrase") return null;
      this.lock();
      return { value: "", custody };
    }
  }

  /** @returns {Promise<CryptoKey>} the passphrase's, as it is now */
  async #fittingKey() {
    /** @type {PassphraseRow | undefined} */
    const row = await this.#database.get(STORE, PASSPHRASE);
    const key = this.#passphraseKey;
    if (key && row && await opens(key, row.check)) return key;
    this.lock();
    throw new LockedError();
  }

  /** @returns {Promise<CryptoKey>} */
  async #wrappingKey() {
    const kept = await this.#database.get(STORE, WRAPPING_KEY);
    if (kept) return kept;
    const fresh = await newWrappingKey();
    const transaction = this.#database.transaction(STORE, "readwrite");
    // Another tab may have made one meanwhile; the first one stays.
    const earlier = await transaction.store.get(WRAPPING_KEY);
    if (!earlier) await transaction.store.put(fresh, WRAPPING_KEY);
    await transaction.done;
    return earlier ?? fresh;
  }
}

/**
 * @param {any} store  the vault's, of a transaction
 * @returns {Promise<Record<string, Row>>} by owner
 */
export async function rowsIn(store) {
  const [owners, rows] = await Promise.all([store.getAllKeys(), store.getAll()]);
  const entries = owners.map((/** @type {unknown} */ owner, /** @type {number} */ place) => [String(owner), rows[place]]);
  return Object.fromEntries(entries.filter((/** @type {[string, Row]} */ [owner]) => !NOT_SECRETS.includes(owner)));
}

/** @param {string} passphrase @returns {Promise<{key: CryptoKey, row: PassphraseRow}>} */
async function makePassphrase(passphrase) {
  const recipe = newRecipe();
  const key = await deriveKey(passphrase, recipe);
  return { key, row: { recipe, check: await wrap(key, PASSPHRASE, CHECK) } };
}

/** @param {CryptoKey} key @param {Wrapped} check */
async function opens(key, check) {
  try {
    return await unwrap(key, PASSPHRASE, check) === CHECK;
  } catch {
    return false;
  }
}

/** @returns {[string, string][]} owner and secret */
function sessionSecrets() {
  return Object.keys(sessionStorage)
    .filter((name) => name.startsWith(SESSION_SECRET))
    .map((name) => [name.slice(SESSION_SECRET.length), /** @type {string} */ (sessionStorage.getItem(name))]);
}

/** @param {SecretBook} book @returns {[string, Secret][]} owner and secret */
function entriesOf(book) {
  return KINDS.flatMap((kind) => Object.entries(book[kind]).map(([id, secret]) =>
    /** @type {[string, Secret]} */ ([`${kind}/${id}`, secret])));
}

/** @param {[string, Secret][]} entries @returns {SecretBook} */
function bookOf(entries) {
  /** @type {SecretBook} */
  const book = { providers: {}, relays: {} };
  for (const [owner, secret] of entries) enter(book, owner, secret);
  return book;
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
