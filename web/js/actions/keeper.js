// @ts-check
/**
 * @import { PageModel } from "../model.js"
 * @import { Conversation } from "../state/conversations.js"
 * @import { Settings } from "../store.js"
 */
import { Store, keepUnsaved, takeUnsaved } from "../store.js";

const SAVE_EVERY_MS = 1000;

/** Saves what the page knows, and says so once when the browser refuses; the page goes on in memory then. */
export class Keeper {
  /** @type {Store | null} */
  #store = null;
  #model;
  /** @type {Map<string, Conversation>} conversations to be saved when the timer rings */
  #pending = new Map();
  /** @type {Partial<Settings>} settings whose write the browser has not confirmed */
  #unsaved = {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {PageModel} model */
  constructor(model) {
    this.#model = model;
  }

  async open() {
    await this.#guarded(async () => {
      const store = await Store.open();
      for (const [name, value] of Object.entries(takeUnsaved())) {
        await store.saveSetting(/** @type {keyof Settings} */ (name), value);
      }
      this.#store = store;
    });
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
   * @template {keyof Settings} K
   * @param {K} name
   * @param {Settings[K]} value
   */
  async saveSetting(name, value) {
    this.#unsaved[name] = value;
    await this.use((store) => store.saveSetting(name, value));
    if (this.#unsaved[name] === value) delete this.#unsaved[name];
  }

  /** @param {Conversation} conversation */
  save(conversation) {
    this.#pending.delete(conversation.id);
    return this.use((store) => store.saveConversation(conversation));
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
  forget(id) {
    this.#pending.delete(id);
    return this.use((store) => store.deleteConversation(id));
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
      const why = error instanceof DOMException && error.name === "QuotaExceededError"
        ? "This browser's storage for the page is full."
        : "This browser does not let the page store anything (a private window may be the reason).";
      this.#model.storageProblem.value = `${why} Everything works, but new changes are gone when the tab closes.`;
      return undefined;
    }
  }
}
