// The build lays these beside the page's own modules; their types are those of the npm packages.
declare module "*/vendor/hpke/core/mod.js" {
  export { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from "@hpke/core";
}

// The build writes it in front of the service worker: the version, the addresses of all that is kept, and which of them
// is packed.
declare const PRECACHE: { build: string; files: string[]; packed: string };
