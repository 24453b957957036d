// @ts-check
/**
 * A file under a passphrase: its whole text in AES-256-GCM (NIST SP 800-38D), by a key that PBKDF2 makes of the passphrase.
 *
 * @import { Sealed } from "../protocol.js"
 */
import { deriveKey, newRecipe } from "../passphrases.js";

const CIPHER = "AES-256-GCM";
const KDF = "PBKDF2-SHA-256";
const IV_BYTES = 12;
/** Many more would only keep the page busy; whoever writes a file chooses their number. */
const MOST_ITERATIONS = 10_000_000;
const PURPOSE = new TextEncoder().encode("sidestep-config");

/**
 * @param {string} text
 * @param {string} passphrase
 * @returns {Promise<string>} the file
 */
export async function sealText(text, passphrase) {
  const sealed = await seal(text, passphrase);
  return JSON.stringify({ format: "sidestep-config", version: 2, sealed }, null, 2) + "\n";
}

/**
 * @param {string} text
 * @param {string} passphrase
 * @returns {Promise<Sealed>}
 */
export async function seal(text, passphrase) {
  const recipe = newRecipe();
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const key = await deriveKey(passphrase, recipe);
  const data = await crypto.subtle.encrypt(parameters(iv), key, new TextEncoder().encode(text));
  return { cipher: CIPHER, kdf: KDF, iterations: recipe.iterations, salt: toBase64(recipe.salt), iv: toBase64(iv),
    data: toBase64(new Uint8Array(data)) };
}

/**
 * @param {Partial<Sealed>} sealed  as a file has it, which anybody may have written
 * @param {string} passphrase
 * @returns {Promise<string | null>} the text; null where the passphrase is another one, or the file was changed
 */
export async function openSealed({ cipher, kdf, iterations, salt, iv, data }, passphrase) {
  const isKnown = cipher === CIPHER && kdf === KDF && Number.isInteger(iterations);
  if (!isKnown || Number(iterations) < 1 || Number(iterations) > MOST_ITERATIONS) return null;
  try {
    const key = await deriveKey(passphrase, { salt: fromBase64(salt), iterations: Number(iterations) });
    const text = await crypto.subtle.decrypt(parameters(fromBase64(iv)), key, fromBase64(data));
    return new TextDecoder("utf-8", { fatal: true }).decode(text);
  } catch {
    // WebCrypto says nothing but that it does not fit.
    return null;
  }
}

/** @param {Uint8Array<ArrayBuffer>} iv @returns {AesGcmParams} */
function parameters(iv) {
  return { name: "AES-GCM", iv, additionalData: PURPOSE };
}

/** @param {Uint8Array} bytes */
function toBase64(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}

/** @param {unknown} text @returns {Uint8Array<ArrayBuffer>} */
function fromBase64(text) {
  return Uint8Array.from(atob(String(text)), (character) => character.charCodeAt(0));
}
