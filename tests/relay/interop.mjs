// The page's side of sealing, in Node: one JSON request a line in, one answer a line out; bytes are base64.
import { createInterface } from "node:readline";
import { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from "./vendor/hpke/core/mod.js";
import { seal } from "./js/sealer.js";

const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() });
const bytes = (text) => Uint8Array.from(Buffer.from(text, "base64"));
const text = (data) => Buffer.from(data).toString("base64");
const kept = [];

const commands = {
  async seal({ publicKey, info, parts }) {
    const sealed = await seal(bytes(publicKey), bytes(info), parts.map((part) => part.map(bytes)));
    return { handle: kept.push(sealed) - 1, enc: text(sealed.enc), ciphertexts: sealed.ciphertexts.map(text) };
  },
  async makeOpener({ handle, keyContext, nonceContext }) {
    return { handle: kept.push(await kept[handle].makeOpener(bytes(keyContext), bytes(nonceContext))) - 1 };
  },
  async open({ handle, frames }) {
    return { pieces: (await kept[handle].open(frames.map((frame) => frame.map(bytes)))).map(text) };
  },
  async makeKeyPair() {
    const pair = await suite.kem.generateKeyPair();
    return { handle: kept.push(pair) - 1, publicKey: text(await suite.kem.serializePublicKey(pair.publicKey)) };
  },
  async receive({ handle, enc, info, parts, exported }) {
    const parameters = { recipientKey: kept[handle].privateKey, enc: bytes(enc), info: bytes(info) };
    const context = await suite.createRecipientContext(parameters);
    const opened = [];
    for (const [aad, ciphertext] of parts) opened.push(text(await context.open(bytes(ciphertext), bytes(aad))));
    return { opened, exported: text(await context.export(bytes(exported), 32)) };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...parameters } = JSON.parse(line);
  const answer = await commands[command](parameters).catch((error) => ({ error: error.name }));
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
