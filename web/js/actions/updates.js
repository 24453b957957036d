// @ts-check
/** @import { PageModel } from "../model.js" */

// Not the one beside this module, which is of this very build.
const BUILD = new URL("build.json", document.baseURI);
const LOOK_EVERY_MS = 3600 * 1000;

/**
 * Notices that the server has a newer page than this one; nothing is reloaded unasked.
 *
 * @param {{model: PageModel, now?: () => number}} app
 */
export function updateActions({ model, now = Date.now }) {
  const mine = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=build]"))?.content;
  let lookedAt = now();

  async function look() {
    if (!mine || model.hasUpdate.value || now() - lookedAt < LOOK_EVERY_MS) return;
    lookedAt = now();
    try {
      const answer = await fetch(BUILD, { cache: "no-cache" });
      const { build } = answer.ok ? await answer.json() : { build: mine };
      model.hasUpdate.value = build !== undefined && build !== mine;
    } catch {
      // Offline, or the server is away: there is no hurry.
    }
  }

  return {
    /** Looks when the reader comes back to the page, and at most once an hour. */
    watch() {
      addEventListener("visibilitychange", () => { if (!document.hidden) void look(); });
      setInterval(() => void look(), LOOK_EVERY_MS);
    },
  };
}
