// @ts-check
/**
 * @import { PageModel } from "../model.js"
 * @import { Conversation } from "../state/conversations.js"
 * @import { Settings } from "../store.js"
 * @import { Tabs } from "../tabs.js"
 */
import { changedMessages } from "../state/conversations.js";
import { eraseScratchFiles } from "../scratch_files.js";
import { t } from "../words.js";
import { Store, isOutOfRoom, keepUnsaved, takeUnsaved } from "../store.js";

const SAVE_EVERY_MS = 1000;
/** Of what the browser grants; beyond it the page says so, while everything can still be stored. */
const NEARLY_FULL = 0.9;

/** Saves what the page knows, and says so once when the browser refuses; the page goes on in memory then. */
export class Keeper {
  /** @type {Store | null} */
  #store = null;
  #model;
  #tabs;
  /** @type {Map<string, Conversation>} conversations to be saved when the timer rings */
  #pending = new Map();
  /** @type {Map<string, Conversation>} as they are stored */
  #stored = new Map();
  /** @type {Partial<Settings>} settings whose write the browser has not confirmed */
  #unsaved = {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {PageModel} model @param {Tabs} tabs */
  constructor(model, tabs) {
    this.#model = model;
    this.#tabs = tabs;
  }

  async open() {
    await this.#guarded(async () => {
      const store = await Store.open(() => this.#close());
      this.#store = store;
      for (const [name, value] of Object.entries(takeUnsaved())) {
        await store.saveSetting(/** @type {keyof Settings} */ (name), value);
      }
    });
    void this.#lookForRoom();
  }

  /**
   * @template T
   * @param {(store: Store) => Promise<T>} use
   * @returns {Promise<T | undefined>} nothing where the browser keeps nothing
   */
  async use(use) {
    const store = this.#store;
    return store ? this.#guarded(() => use(store)) : undefined;
  }

  /**
   * For what must not go on in memory alone.
   *
   * @template T
   * @param {(store: Store) => Promise<T>} use
   * @returns {Promise<T>}
   * @throws {Error} where the browser keeps nothing
   */
  async strictly(use) {
    if (!this.#store) throw new Error(t`This browser keeps nothing for this page.`);
    return use(this.#store);
  }

  /**
   * @template {keyof Settings} K
   * @param {K} name
   * @param {Settings[K]} value
   */
  async saveSetting(name, value) {
    this.#unsaved[name] = value;
    await this.use((store) => store.saveSetting(name, value));
    if (this.#unsaved[name] === value) delete this.#unsaved[name];
  }

  /**
   * @param {string} id
   * @returns {Promise<Conversation | undefined>} as it is stored
   */
  async conversation(id) {
    const conversation = await this.use((store) => store.conversation(id));
    if (conversation) this.#stored.set(id, conversation);
    return conversation;
  }

  /** What is stored has changed behind its back. */
  forgetStored() {
    this.#stored.clear();
  }

  /** @param {Conversation} conversation */
  async save(conversation) {
    const { id } = conversation;
    this.#pending.delete(id);
    const changed = changedMessages(this.#stored.get(id), conversation);
    const isSaved = await this.use(async (store) => {
      await store.saveConversation(conversation, changed);
      return true;
    });
    if (!isSaved) return;
    this.#stored.set(id, conversation);
    this.#tabs.tell({ saved: id });
  }

  /** @param {Conversation} conversation */
  saveSoon(conversation) {
    this.#pending.set(conversation.id, conversation);
    this.#timer ??= setTimeout(() => this.flush(), SAVE_EVERY_MS);
  }

  flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    for (const conversation of [...this.#pending.values()]) void this.save(conversation);
  }

  /** The page is going away: what is not saved yet is, or is left where the next start finds it. */
  leave() {
    keepUnsaved(this.#unsaved);
    this.flush();
  }

  /** @param {string} id */
  async forget(id) {
    this.#pending.delete(id);
    this.#stored.delete(id);
    await this.use((store) => store.deleteConversation(id));
    this.#tabs.tell({ deleted: id });
  }

  /** Everything stored is deleted; what could not be read goes with it. */
  async erase() {
    await Promise.all([Store.erase(), eraseScratchFiles()]);
  }

  #close() {
    this.#store = null;
    this.#model.storage.value = "outdated";
  }

  async #lookForRoom() {
    const { usage = 0, quota = 0 } = (await navigator.storage?.estimate?.()) ?? {};
    if (quota && usage > quota * NEARLY_FULL && this.#model.storage.value === "good") {
      this.#model.storage.value = "nearly full";
    }
  }

  /**
   * @template T
   * @param {() => Promise<T>} work
   * @returns {Promise<T | undefined>}
   */
  async #guarded(work) {
    try {
      return await work();
    } catch (error) {
      this.#model.storage.value = stateAfter(error);
      return undefined;
    }
  }
}

/**
 * @param {unknown} error  what the browser said to an attempt to store or read
 * @returns {PageModel["storage"]["value"]}
 */
function stateAfter(error) {
  if (isOutOfRoom(error)) return "full";
  const name = error instanceof DOMException ? error.name : "";
  // The data is of a newer page than this tab's.
  if (name === "VersionError") return "outdated";
  if (["UnknownError", "DataError", "NotFoundError", "InvalidStateError", "DataCloneError"].includes(name)) return "broken";
  return "refused";
}
