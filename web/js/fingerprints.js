// @ts-check
/** What people compare of a relay's sealing key (docs/sealing.md). */

const LABEL = "sidestep sealing key\0";
const SIZE = 20;
const DIGITS = "abcdefghijklmnopqrstuvwxyz234567";
const BITS = 5;

/**
 * @param {string} publicKey  base64url
 * @returns {Promise<string>} empty where this page may not hash: it came unencrypted from another computer
 */
export async function makeFingerprint(publicKey) {
  if (!publicKey || !globalThis.crypto?.subtle) return "";
  const label = new TextEncoder().encode(LABEL);
  const key = Uint8Array.from(atob(publicKey.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const hash = await crypto.subtle.digest("SHA-256", new Uint8Array([...label, ...key]));
  return writeBase32(new Uint8Array(hash, 0, SIZE)).replace(/.{4}(?=.)/g, "$&-");
}

/** @param {Uint8Array} bytes  a multiple of five */
function writeBase32(bytes) {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0")).join("");
  return bits.replace(new RegExp(`.{${BITS}}`, "g"), (digit) => DIGITS[Number.parseInt(digit, 2)]);
}
