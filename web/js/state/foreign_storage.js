// @ts-check
/** What other apps of the same origin keep in the browser's storage. It is read, never changed. */

const OURS = "sidestep.";
/** Characters of one entry; what is longer holds chats. */
const LONGEST_ENTRY = 1_000_000;

/** @param {Storage} storage @returns {Record<string, string>} */
export function foreignEntries(storage) {
  const names = Object.keys(storage).filter((name) => !name.startsWith(OURS));
  const entries = names.map((name) => /** @type {[string, string]} */ ([name, storage.getItem(name) ?? ""]));
  return Object.fromEntries(entries.filter(([, text]) => text.length <= LONGEST_ENTRY));
}

/** @param {Record<string, string>} entries @returns {string} another one when they change; empty where there are none */
export function signatureOf(entries) {
  return Object.keys(entries).sort().map((name) => `${name}:${entries[name].length}`).join(" ");
}
