// The build lays Pyodide beside the page's own modules; its types are those of the npm package.
declare module "*/pyodide/pyodide.mjs" {
  export { loadPyodide, version } from "pyodide";
}
