// @ts-check
/** The page's two workers: Python's, and the one that keeps the page for when there is no network. */

const PYTHON = new URL("./worker.js", import.meta.url).href;
const KEEPER = new URL("service_worker.js", document.baseURI).href;

/**
 * Python's worker, started before the page's own modules are there. What it says until somebody listens is kept.
 */
export class PythonWorker {
  /** @type {Record<string, Event[]>} */
  #early = { message: [], error: [] };
  /** @type {Record<string, (event: any) => void>} */
  #listeners = {};
  #worker;

  constructor() {
    let takesModules = false;
    const options = {
      name: "python",
      // A browser that has no module workers never looks at it.
      get type() {
        takesModules = true;
        return /** @type {const} */ ("module");
      },
    };
    this.#worker = new Worker(/** @type {string} */ (trust(PYTHON)), options);
    for (const type of ["message", "error"]) this.#worker.addEventListener(type, (event) => this.#hear(type, event));
    if (takesModules) return;
    this.#worker.terminate();
    this.#hear("error", new ErrorEvent("error", { message: "this browser is too old, a current one is needed." }));
  }

  /** @param {object} message */
  postMessage(message) {
    this.#worker.postMessage(message);
  }

  /**
   * @param {string} type  `message` or `error`
   * @param {(event: any) => void} listener
   */
  addEventListener(type, listener) {
    this.#listeners[type] = listener;
    this.#early[type].splice(0).forEach(listener);
  }

  /** @param {string} type @param {Event} event */
  #hear(type, event) {
    const listener = this.#listeners[type];
    if (listener) listener(event);
    else this.#early[type].push(event);
  }
}

/**
 * @returns {Promise<ServiceWorkerRegistration | null>} null where the browser keeps none: over plain http, in some private
 *   windows, and where storage is refused
 */
export async function registerServiceWorker() {
  if (!navigator.serviceWorker) return null;
  try {
    const options = /** @type {const} */ ({ scope: "./", updateViaCache: "none" });
    return await navigator.serviceWorker.register(/** @type {string} */ (trust(KEEPER)), options);
  } catch {
    // Whatever forbids it, the page works as it did before there was one.
    return null;
  }
}

/**
 * Workers may be started from two addresses only, and this policy is where that is held.
 *
 * @param {string} url
 * @returns {unknown}
 */
function trust(url) {
  const { trustedTypes } = /** @type {any} */ (globalThis);
  if (!trustedTypes) return url;
  const policy = trustedTypes.createPolicy("sidestep-workers", {
    /** @param {string} wanted */
    createScriptURL(wanted) {
      if (wanted !== PYTHON && wanted !== KEEPER) throw new TypeError("Only the page's own workers may be started.");
      return wanted;
    },
  });
  return policy.createScriptURL(url);
}
