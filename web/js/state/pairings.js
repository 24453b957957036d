// @ts-check
/**
 * Pairing links: what a relay prints, and the page reads.
 *
 * @import { Relay } from "../protocol.js"
 */

/** A point of P-256, uncompressed, in base64url. */
const PUBLIC_KEY = /^B[A-Za-z0-9_-]{86}$/;

/**
 * @typedef {{url: string, token: string, name: string, public_key: string}} Pairing  `public_key` may be empty
 */

/**
 * Reads a pairing link, or its fragment alone.
 *
 * @param {string} link
 * @returns {Pairing | null} null where it is not a pairing link that can be understood
 */
export function parsePairing(link) {
  const encoded = /#relay=([A-Za-z0-9_-]+)=*\s*$/.exec(link)?.[1];
  if (!encoded) return null;
  try {
    const bytes = Uint8Array.from(atob(encoded.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return checkedPairing(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch {
    return null;
  }
}

/**
 * @param {any} data
 * @returns {Pairing | null}
 */
function checkedPairing(data) {
  const { url, token, name = "", key = "" } = data ?? {};
  if (![url, token, name, key].every((field) => typeof field === "string") || !token) return null;
  // A key that is damaged must not count as none.
  if (key && !PUBLIC_KEY.test(key)) return null;
  const { protocol, host, username, password } = new URL(url);
  if (!["http:", "https:"].includes(protocol) || username || password) return null;
  return { url, token, name: name.trim() || host, public_key: key };
}

/**
 * @param {Relay | undefined} known  the relay at the address of the pairing
 * @param {Pairing} pairing
 * @param {{canSeal: boolean}} page
 * @returns {Pick<Relay, "public_key" | "sealing">} a link without a key takes no key away
 */
export function pairedSealing(known, { public_key }, { canSeal }) {
  const isPinned = Boolean(known?.public_key);
  const level = public_key && canSeal ? "exchange" : "off";
  return { public_key: public_key || known?.public_key || "", sealing: isPinned ? known?.sealing : level };
}
