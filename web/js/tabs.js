// @ts-check
/**
 * The other tabs of this page: what one of them learns or changes, all of them know.
 *
 * @import { Config, Knowledge } from "./protocol.js"
 *
 * @typedef {{knowledge: Knowledge} | {saved: string} | {deleted: string} | {config: Config} | {secrets: true} | {locked: true}} News
 *   a conversation's id where it was saved or deleted; secrets themselves are never told, only that they changed
 */

export class Tabs {
  #channel = new BroadcastChannel("sidestep");

  /** @param {(news: News) => void} listener */
  listen(listener) {
    this.#channel.addEventListener("message", (event) => listener(event.data));
  }

  /** @param {News} news */
  tell(news) {
    this.#channel.postMessage(news);
  }
}
