// @ts-check
/**
 * Wraps secrets for storage on this device. The wrapping key never leaves WebCrypto: it can be stored and
 * used, not read. Only `store.js` uses this.
 */

/** @typedef {{iv: Uint8Array<ArrayBuffer>, data: ArrayBuffer}} Wrapped */

const ALGORITHM = "AES-GCM";
const IV_BYTES = 12;

/** @returns {Promise<CryptoKey>} */
export function newWrappingKey() {
  return crypto.subtle.generateKey({ name: ALGORITHM, length: 256 }, false, ["encrypt", "decrypt"]);
}

/**
 * @param {CryptoKey} key
 * @param {string} owner whose secret it is; a wrapped secret opens only for the same owner
 * @param {string} secret
 * @returns {Promise<Wrapped>}
 */
export async function wrap(key, owner, secret) {
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const data = await crypto.subtle.encrypt(parameters(iv, owner), key, new TextEncoder().encode(secret));
  return { iv, data };
}

/**
 * @param {CryptoKey} key
 * @param {string} owner
 * @param {Wrapped} wrapped
 * @returns {Promise<string>}
 */
export async function unwrap(key, owner, { iv, data }) {
  return new TextDecoder().decode(await crypto.subtle.decrypt(parameters(iv, owner), key, data));
}

/**
 * @param {Uint8Array<ArrayBuffer>} iv
 * @param {string} owner
 * @returns {AesGcmParams}
 */
function parameters(iv, owner) {
  return { name: ALGORITHM, iv, additionalData: new TextEncoder().encode(owner) };
}
