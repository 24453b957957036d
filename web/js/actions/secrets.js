// @ts-check
/**
 * @import { Secrets } from "../protocol.js"
 * @import { PageModel } from "../model.js"
 * @import { Custody, Secret, SecretBook, SecretKind } from "../store.js"
 * @import { Tabs } from "../tabs.js"
 * @import { Keeper } from "./keeper.js"
 */

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
    if ("secrets" in news) await reload();
  });

  async function reload() {
    const stored = await keeper.use((store) => store.secrets());
    if (!stored) return;
    // What another tab holds for its session alone, or in memory, is not stored; what is here of it stays.
    book = { providers: { ...kept(book.providers), ...stored.providers }, relays: { ...kept(book.relays), ...stored.relays } };
    await publish();
    changed();
  }

  async function publish() {
    model.custody.value = { providers: custodyOf(book.providers), relays: custodyOf(book.relays) };
    model.vault.value = (await keeper.use((store) => store.vaultState())) ?? "none";
  }

  /**
   * @param {SecretKind} kind
   * @param {string} id
   * @param {Secret | undefined} secret
   */
  async function put(kind, id, secret) {
    const { [id]: _, ...others } = book[kind];
    book = { ...book, [kind]: secret?.value ? { ...others, [id]: secret } : others };
    if (secret?.value) await keeper.use((store) => store.saveSecret(kind, id, secret));
    else await keeper.use((store) => store.removeSecret(kind, id));
    await publish();
    tabs.tell({ secrets: true });
  }

  /** @param {Custody} custody */
  async function moveAll(custody) {
    for (const kind of /** @type {SecretKind[]} */ (["providers", "relays"])) {
      for (const [id, { value }] of Object.entries(book[kind])) await put(kind, id, { value, custody });
    }
  }

  return {
    put,

    /** @param {SecretBook | undefined} stored */
    async begin(stored) {
      if (stored) book = stored;
      await publish();
    },

    /** @returns {Secrets} as Python is told them */
    plain() {
      return { providers: valuesOf(book.providers), relays: valuesOf(book.relays) };
    },

    /** @param {SecretKind} kind @param {string} id @returns {Secret | undefined} */
    find: (kind, id) => book[kind][id],

    /**
     * From now on new keys are kept so, and all that there are now are moved; none is lost if a step fails, since each is
     * in memory and stays where it was until it is written anew.
     *
     * @param {Custody} custody
     * @param {string} [passphrase]  where one is set or changed
     */
    async keepAll(custody, passphrase) {
      if (passphrase) await keeper.strictly((store) => store.setPassphrase(passphrase));
      await moveAll(custody);
      if (custody !== "passphrase") await keeper.use((store) => store.dropPassphrase());
      model.keptBy.value = custody;
      await keeper.saveSetting("custody", custody);
      await publish();
    },

    /**
     * @param {string} passphrase
     * @returns {Promise<boolean>} whether it was the right one
     */
    async unlock(passphrase) {
      const isRight = (await keeper.use((store) => store.unlock(passphrase))) ?? false;
      if (isRight) await reload();
      return isRight;
    },

    async lock() {
      await keeper.use(async (store) => store.lock());
      /** @param {Record<string, Secret>} kind */
      const open = (kind) => Object.fromEntries(Object.entries(kind).filter(([, { custody }]) => custody !== "passphrase"));
      book = { providers: open(book.providers), relays: open(book.relays) };
      await publish();
      changed();
    },
  };
}

/** @param {Record<string, Secret>} secrets of those that only this tab has */
function kept(secrets) {
  return Object.fromEntries(Object.entries(secrets).filter(([, { custody }]) => custody === "memory" || custody === "session"));
}

/** @param {Record<string, Secret>} secrets @returns {Record<string, Custody>} */
function custodyOf(secrets) {
  return Object.fromEntries(Object.entries(secrets).map(([id, { custody }]) => [id, custody]));
}

/** @param {Record<string, Secret>} secrets */
function valuesOf(secrets) {
  return Object.fromEntries(Object.entries(secrets).map(([id, { value }]) => [id, value]));
}
