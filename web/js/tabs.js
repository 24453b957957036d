// @ts-check
/** @import { Knowledge } from "./protocol.js" */

/** The other tabs of this page: what one of them learns, all of them know. */
export class Tabs {
  #channel = new BroadcastChannel("sidestep");

  /** @param {(knowledge: Knowledge) => void} onKnowledge */
  constructor(onKnowledge) {
    this.#channel.addEventListener("message", (event) => onKnowledge(event.data.knowledge));
  }

  /** @param {Knowledge} knowledge */
  tell(knowledge) {
    this.#channel.postMessage({ knowledge });
  }
}
