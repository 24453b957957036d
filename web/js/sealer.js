// @ts-check
/**
 * HPKE for Python (docs/sealing.md): `sidestep.transports.page_sealer` calls these, and knows what is sealed.
 * The keys stay here.
 */
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from "../vendor/hpke/core/mod.js";

/** @typedef {[aad: Uint8Array<ArrayBuffer>, text: Uint8Array<ArrayBuffer>]} Part */

const KEY_SIZE = 32;
const NONCE_SIZE = 12;
const HALF = 2 ** 32;

const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });

/**
 * @param {Uint8Array<ArrayBuffer>} publicKey
 * @param {Uint8Array<ArrayBuffer>} info
 * @param {Part[]} parts
 */
export async function seal(publicKey, info, parts) {
  const recipientPublicKey = await suite.kem.deserializePublicKey(exact(publicKey));
  const context = await suite.createSenderContext({ recipientPublicKey, info: exact(info) });
  const ciphertexts = [];
  // One after the other: each has the next number of the context.
  for (const [aad, text] of parts) ciphertexts.push(new Uint8Array(await context.seal(exact(text), exact(aad))));
  return {
    enc: new Uint8Array(context.enc),
    ciphertexts,
    /**
     * @param {Uint8Array<ArrayBuffer>} keyContext
     * @param {Uint8Array<ArrayBuffer>} nonceContext
     */
    async makeOpener(keyContext, nonceContext) {
      const exported = await context.export(exact(keyContext), KEY_SIZE);
      const key = await crypto.subtle.importKey("raw", exported, "AES-GCM", false, ["decrypt"]);
      return new AnswerOpener(key, new Uint8Array(await context.export(exact(nonceContext), NONCE_SIZE)));
    },
  };
}

class AnswerOpener {
  #key;
  #nonce;
  #count = 0;

  /**
   * @param {CryptoKey} key
   * @param {Uint8Array<ArrayBuffer>} nonce
   */
  constructor(key, nonce) {
    this.#key = key;
    this.#nonce = nonce;
  }

  /**
   * @param {Part[]} frames  the next ones, in order
   * @returns {Promise<Uint8Array[]>} rejected if one does not open
   */
  open(frames) {
    return Promise.all(frames.map(async ([additionalData, text]) => {
      const algorithm = { name: "AES-GCM", iv: this.#nextNonce(), additionalData };
      return new Uint8Array(await crypto.subtle.decrypt(algorithm, this.#key, text));
    }));
  }

  #nextNonce() {
    const nonce = this.#nonce.slice();
    const view = new DataView(nonce.buffer);
    const high = Math.floor(this.#count / HALF);
    view.setUint32(NONCE_SIZE - 8, view.getUint32(NONCE_SIZE - 8) ^ high);
    view.setUint32(NONCE_SIZE - 4, view.getUint32(NONCE_SIZE - 4) ^ (this.#count % HALF));
    this.#count += 1;
    return nonce;
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes  may be a window into something larger
 * @returns {ArrayBuffer} them alone
 */
function exact(bytes) {
  return bytes.slice().buffer;
}
