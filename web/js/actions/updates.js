// @ts-check
/** @import { PageModel } from "../model.js" */
import { registerServiceWorker } from "../workers.js";

// Not the one beside this module, which is of this very build.
const BUILD = new URL("build.json", document.baseURI);
const LOOK_EVERY_MS = 3600 * 1000;

/**
 * The page is kept for when there is no network, and a newer one is noticed; nothing is reloaded unasked.
 *
 * @param {{model: PageModel, now?: () => number}} app
 */
export function updateActions({ model, now = Date.now }) {
  const mine = /** @type {HTMLMetaElement | null} */ (document.querySelector("meta[name=build]"))?.content;
  let lookedAt = now();
  /** @type {ServiceWorkerRegistration | null} */
  let registration = null;

  async function look() {
    if (!mine || model.hasUpdate.value || now() - lookedAt < LOOK_EVERY_MS) return;
    lookedAt = now();
    try {
      const answer = await fetch(BUILD, { cache: "no-cache" });
      const { build } = answer.ok ? await answer.json() : { build: mine };
      if (build === undefined || build === mine) return;
      await registration?.update();
      // Where one is being fetched, it says itself when it is there.
      if (!registration?.installing) model.hasUpdate.value = true;
    } catch {
      // Offline, or the server is away: there is no hurry.
    }
  }

  function noteFresh() {
    // The first one of all is of this page's own version.
    if (!registration?.installing || !registration.active) return;
    const fresh = registration.installing;
    fresh.addEventListener("statechange", () => { if (fresh.state === "installed") model.hasUpdate.value = true; });
  }

  return {
    /** Looks when the reader comes back to the page, and at most once an hour. */
    watch() {
      addEventListener("visibilitychange", () => { if (!document.hidden) void look(); });
      setInterval(() => void look(), LOOK_EVERY_MS);
      const tell = () => { model.isOffline.value = !navigator.onLine; };
      tell();
      addEventListener("online", tell);
      addEventListener("offline", tell);
      // As long as it is held, this version's files stay.
      void navigator.locks?.request(`sidestep-page-${mine}`, { mode: "shared" }, () => new Promise(() => {}));
    },

    /** To be called once the page has what it needs: what is kept is fetched in the background. */
    async keepPage() {
      registration = await registerServiceWorker();
      if (!registration) return;
      if (registration.waiting) model.hasUpdate.value = true;
      registration.active?.postMessage("tidy");
      noteFresh();
      registration.addEventListener("updatefound", noteFresh);
    },

    /** The newer version is opened in this one's place. */
    takeUpdate() {
      if (!registration?.waiting) return location.reload();
      navigator.serviceWorker.addEventListener("controllerchange", () => location.reload());
      registration.waiting.postMessage("take over");
    },
  };
}
