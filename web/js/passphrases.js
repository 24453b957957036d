// @ts-check
/**
 * A key made of a passphrase, by PBKDF2 with SHA-256 (RFC 8018; iterations as OWASP's *Password Storage Cheat Sheet*
 * has them). Only `store.js` uses this.
 */

const ITERATIONS = 600_000;
const SALT_BYTES = 16;

/** @typedef {{salt: Uint8Array<ArrayBuffer>, iterations: number}} Recipe  what makes the same key of the same words */

/** @returns {Recipe} */
export function newRecipe() {
  return { salt: crypto.getRandomValues(new Uint8Array(SALT_BYTES)), iterations: ITERATIONS };
}

/**
 * @param {string} passphrase
 * @param {Recipe} recipe
 * @returns {Promise<CryptoKey>} it can be used, not read
 */
export async function deriveKey(passphrase, { salt, iterations }) {
  // The same letters may be written in several ways; keyboards differ in which they send.
  const words = new TextEncoder().encode(passphrase.normalize("NFKC"));
  const base = await crypto.subtle.importKey("raw", words, "PBKDF2", false, ["deriveKey"]);
  const parameters = { name: "PBKDF2", hash: "SHA-256", salt, iterations };
  return crypto.subtle.deriveKey(parameters, base, { name: "AES-GCM", length: 256 }, false, ["encrypt", "decrypt"]);
}
