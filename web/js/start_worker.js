// @ts-check

const WORKER = new URL("./worker.js", import.meta.url);

/** @returns {Worker} */
export function startWorker() {
  return new Worker(/** @type {string} */ (trusted(WORKER.href)), { type: "module", name: "python" });
}

/**
 * Workers may be started from one address only, and this policy is where that is held.
 *
 * @param {string} url
 * @returns {unknown}
 */
function trusted(url) {
  const { trustedTypes } = /** @type {any} */ (globalThis);
  if (!trustedTypes) return url;
  const policy = trustedTypes.createPolicy("sidestep-worker", {
    /** @param {string} wanted */
    createScriptURL(wanted) {
      if (wanted !== WORKER.href) throw new TypeError("Only the page's own worker may be started.");
      return wanted;
    },
  });
  return policy.createScriptURL(url);
}
