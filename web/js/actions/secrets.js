// @ts-check
/**
 * @import { Secrets } from "../protocol.js"
 * @import { PageModel } from "../model.js"
 * @import { Custody, Secret, SecretBook, SecretKind } from "../vaults.js"
 * @import { Tabs } from "../tabs.js"
 * @import { Keeper } from "./keeper.js"
 */
import { custodyName } from "../state/custodies.js";
import { LockedError } from "../vaults.js";
import { t } from "../words.js";

/**
 * Keys and tokens, in memory and where they are kept. No signal ever holds one: no view has a reason to.
 *
 * @param {object} app
 * @param {PageModel} app.model
 * @param {Keeper} app.keeper
 * @param {Tabs} app.tabs
 * @param {() => void} app.changed  called when Python is to be told
 */
export function secretActions({ model, keeper, tabs, changed }) {
  /** @type {SecretBook} */
  let book = { providers: {}, relays: {} };

  tabs.listen(async (news) => {
    if ("locked" in news) await lock();
    else if ("secrets" in news) await reload();
  });

  async function reload() {
    const stored = await keeper.use((store) => store.vault.secrets());
    if (!stored) return;
    // What no other tab has is not stored where others look; what is here of it stays.
    book = { providers: { ...ofThisTab(book.providers), ...stored.providers }, relays: { ...ofThisTab(book.relays), ...stored.relays } };
    model.keptBy.value = (await keeper.use((store) => store.settings()))?.custody ?? model.keptBy.value;
    await publish();
    changed();
  }

  async function publish() {
    model.custody.value = { providers: custodyOf(book.providers), relays: custodyOf(book.relays) };
    model.vault.value = (await keeper.use((store) => store.vault.state())) ?? "none";
  }

  async function lock() {
    await keeper.use(async (store) => store.vault.lock());
    book = { providers: closed(book.providers), relays: closed(book.relays) };
    await publish();
    changed();
  }

  return {
    /**
     * Keeps a secret; where it is empty, what there is stays as it is, also while it is locked.
     *
     * @param {SecretKind} kind
     * @param {string} id
     * @param {Secret} secret
     * @throws {Error} where it is to be under a passphrase that was not said
     */
    async put(kind, id, secret) {
      if (!secret.value) return;
      // Said before anything is tried: the page goes on in memory where the browser keeps nothing, but not unlocked.
      if (secret.custody === "passphrase" && model.vault.value !== "open") throw new Error(lockedWords());
      await keeper.use((store) => store.vault.save(kind, id, secret));
      book = { ...book, [kind]: { ...book[kind], [id]: secret } };
      await publish();
      tabs.tell({ secrets: true });
    },

    /**
     * @param {SecretKind} kind
     * @param {string} id
     * @returns {Promise<() => Promise<void>>} puts it back as it was, locked or not
     */
    async takeOut(kind, id) {
      const { [id]: secret, ...others } = book[kind];
      const putBack = await keeper.use((store) => store.vault.takeOut(kind, id));
      book = { ...book, [kind]: others };
      await publish();
      tabs.tell({ secrets: true });
      return async () => {
        if (!secret) return;
        await putBack?.();
        book = { ...book, [kind]: { ...book[kind], [id]: secret } };
        await publish();
        tabs.tell({ secrets: true });
      };
    },

    /**
     * @param {SecretKind} kind
     * @param {string} id
     * @param {Secret} secret
     * @returns {Promise<() => Promise<void>>} puts back what was there before
     */
    async replace(kind, id, secret) {
      const putBack = await this.takeOut(kind, id);
      try {
        await this.put(kind, id, secret);
      } catch (error) {
        await putBack();
        throw error;
      }
      return async () => {
        await this.takeOut(kind, id);
        await putBack();
      };
    },

    /**
     * Changes many, all or none.
     *
     * @param {Record<SecretKind, string[]>} gone  whose secrets are taken out, where they have one
     * @param {Record<SecretKind, Record<string, string>>} come  by kind and id
     * @returns {Promise<() => Promise<void>>} puts back what was there before
     */
    async exchange(gone, come) {
      /** @type {(() => Promise<void>)[]} */
      const restorers = [];
      const putBack = async () => { for (const restore of restorers.reverse()) await restore(); };
      try {
        for (const kind of /** @type {SecretKind[]} */ (["providers", "relays"])) {
          for (const id of gone[kind]) if (book[kind][id]) restorers.push(await this.takeOut(kind, id));
          for (const [id, value] of Object.entries(come[kind])) {
            restorers.push(await this.replace(kind, id, { value, custody: model.keptBy.value }));
          }
        }
      } catch (error) {
        await putBack();
        throw error;
      }
      return putBack;
    },

    /**
     * What is kept has changed with the configuration. Keys that only this tab has are not sent where others were.
     *
     * @param {Record<SecretKind, string[]>} moved  those whose address is another one now
     */
    async takeUp(moved) {
      for (const [kind, ids] of Object.entries(moved)) {
        for (const id of ids) {
          const { custody } = book[/** @type {SecretKind} */ (kind)][id] ?? {};
          if (custody === "memory" || custody === "session") await this.takeOut(/** @type {SecretKind} */ (kind), id);
        }
      }
      await reload();
      tabs.tell({ secrets: true });
    },

    /** @param {SecretBook | undefined} stored */
    async begin(stored) {
      if (stored) book = stored;
      await publish();
    },

    /** @returns {Secrets} as Python is told them */
    plain() {
      return { providers: valuesOf(book.providers), relays: valuesOf(book.relays) };
    },

    /** @param {SecretKind} kind @param {string} id @returns {Secret | undefined} without a value while it is locked */
    find: (kind, id) => book[kind][id],

    /**
     * From now on new keys are kept so, and all that there are now are moved at once.
     *
     * @param {Custody} custody
     * @param {string} [passphrase]  where one is set or changed
     * @throws {Error} where they could not be moved; each is then where it was
     */
    async keepAll(custody, passphrase) {
      try {
        book = await keeper.strictly((store) => store.vault.move(book, custody, passphrase));
      } catch (error) {
        await publish();
        throw new Error(error instanceof LockedError ? lockedWords() : t`Your keys could not be moved, and are where they were.`);
      }
      model.keptBy.value = custody;
      await keeper.saveSetting("custody", custody);
      await publish();
      model.announcement.value = t`All keys are kept so now: ${custodyName(custody)}.`;
      tabs.tell({ secrets: true });
    },

    /**
     * @param {string} passphrase
     * @returns {Promise<boolean>} whether it was the right one
     */
    async unlock(passphrase) {
      const isRight = await keeper.strictly((store) => store.vault.unlock(passphrase));
      if (isRight) await reload();
      return isRight;
    },

    /** In every tab. */
    async lock() {
      await lock();
      tabs.tell({ locked: true });
    },
  };
}

function lockedWords() {
  return t`Your keys are locked. Unlock them first.`;
}

/** @param {Record<string, Secret>} secrets @returns {Record<string, Secret>} without what only the passphrase gives */
function closed(secrets) {
  return Object.fromEntries(Object.entries(secrets).map(([id, { value, custody }]) =>
    [id, { value: custody === "passphrase" ? "" : value, custody }]));
}

/** @param {Record<string, Secret>} secrets @returns {Record<string, Secret>} those that no other tab has */
function ofThisTab(secrets) {
  return Object.fromEntries(Object.entries(secrets).filter(([, { custody }]) => custody === "memory" || custody === "session"));
}

/** @param {Record<string, Secret>} secrets @returns {Record<string, Custody>} */
function custodyOf(secrets) {
  return Object.fromEntries(Object.entries(secrets).map(([id, { custody }]) => [id, custody]));
}

/** @param {Record<string, Secret>} secrets @returns {Record<string, string>} */
function valuesOf(secrets) {
  return Object.fromEntries(Object.entries(secrets).flatMap(([id, { value }]) => (value ? [[id, value]] : [])));
}
