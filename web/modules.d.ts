// The build lays these beside the page's own modules; their types are those of the npm packages.
declare module "*/vendor/hpke/core/mod.js" {
  export { Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from "@hpke/core";
}
declare module "*/pyodide/pyodide.mjs" {
  export { loadPyodide, version } from "pyodide";
}
