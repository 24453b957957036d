// @ts-check
/**
 * Python for the worker: its memory is taken up as the build put it away, or, where that fails, Pyodide is booted in full
 * (docs/decisions/0033).
 *
 * @typedef {object} Build  what build.json says; its addresses are relative to that file
 * @property {string} interpreter  Pyodide's folder
 * @property {string} empty_library
 * @property {{file: string, bytes: number}} snapshot  Python's memory, and its length when unpacked
 * @property {object} lock
 * @property {string} micropip
 * @property {string} yaml  what reads YAML
 * @property {string} sidestep
 *
 * @typedef {{pyodide: any, origin: "snapshot" | "plain", failure: unknown}} Interpreter  `failure` made it a plain one
 *
 * @typedef {(options: object) => Promise<any>} Loader
 */

/**
 * @param {Build} build
 * @param {URL} root  what the build's addresses are relative to
 * @param {(failure: unknown) => void} onPlain  told before Python is booted in full
 * @returns {Promise<Interpreter>}
 */
export async function startInterpreter(build, root, onPlain) {
  /** @param {string} address */
  const locate = (address) => new URL(address, root).href;
  const memory = fetchMemory(locate(build.snapshot.file), build.snapshot.bytes);
  // It is looked at once Pyodide's code is there; until then its failure is nobody's surprise.
  memory.catch(() => {});
  // Side by side, where Pyodide would fetch the second only when the first is there.
  const [{ loadPyodide: load }, { default: createPyodideModule }] = await Promise.all(
    ["pyodide.mjs", "pyodide.asm.mjs"].map((name) => import(locate(build.interpreter + name))));
  /** @type {Loader} */
  const loadPyodide = (options) => loadOrFail(load, options);
  const lockFileContents = JSON.stringify(build.lock);
  const options = { indexURL: locate(build.interpreter), lockFileContents, createPyodideModule };
  try {
    const pyodide = await loadPyodide({ ...options, stdLibURL: locate(build.empty_library), _loadSnapshot: memory });
    awaken(pyodide, locate(`${build.interpreter}python_stdlib.zip`), locate(build.yaml));
    return { pyodide, origin: "snapshot", failure: null };
  } catch (failure) {
    onPlain(failure);
    return { pyodide: await boot(loadPyodide, options, build, locate), origin: "plain", failure };
  }
}

/**
 * Pyodide waits for ever for WebAssembly that does not come, or comes under a type that is not its own (seen in 314.0.7).
 *
 * @param {Loader} load
 * @param {object} options
 */
async function loadOrFail(load, options) {
  const { instantiateStreaming } = WebAssembly;
  try {
    return await new Promise((resolve, reject) => {
      WebAssembly.instantiateStreaming = (source, imports) => {
        const started = Promise.resolve(source).then((response) => instantiateStreaming(asWebAssembly(response), imports));
        started.catch(reject);
        return started;
      };
      load(options).then(resolve, reject);
    });
  } finally {
    WebAssembly.instantiateStreaming = instantiateStreaming;
  }
}

/** @param {Response} response */
function asWebAssembly(response) {
  if (!response.ok) throw new Error(`Python's own file was answered with ${response.status}.`);
  if (response.headers.get("Content-Type") === "application/wasm") return response;
  return new Response(response.body, { headers: { "Content-Type": "application/wasm" } });
}

/**
 * @param {string} address
 * @param {number} bytes
 * @returns {Promise<Uint8Array>}
 */
async function fetchMemory(address, bytes) {
  const response = await fetch(address);
  if (!response.ok || !response.body) throw new Error(`The snapshot was answered with ${response.status}.`);
  const reader = (await unpack(response.body)).getReader();
  const memory = new Uint8Array(bytes);
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (length + value.length <= bytes) memory.set(value, length);
    length += value.length;
  }
  if (length !== bytes) throw new Error(`The snapshot is damaged: it has ${length} bytes and should have ${bytes}.`);
  return memory;
}

/**
 * The file is gzipped; a host that sends it in another encoding has had it unpacked by the browser.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @returns {Promise<ReadableStream<Uint8Array>>}
 */
async function unpack(body) {
  const [peeked, whole] = body.tee();
  const reader = peeked.getReader();
  const { value: start = new Uint8Array() } = await reader.read();
  void reader.cancel();
  // RFC 1952, section 2.3.1.
  const isPacked = start[0] === 0x1f && start[1] === 0x8b;
  return isPacked ? whole.pipeThrough(/** @type {any} */ (new DecompressionStream("gzip"))) : whole;
}

/**
 * @param {any} pyodide
 * @param {string} library
 * @param {string} yaml
 */
function awaken(pyodide, library, yaml) {
  const module = pyodide.pyimport("sidestep.snapshots");
  try {
    module.awaken(() => readNow(library), () => readNow(yaml));
  } finally {
    module.destroy();
  }
}

/**
 * An import cannot wait, and in a worker it need not.
 *
 * @param {string} address
 * @returns {ArrayBuffer | undefined} nothing, Python's None, where it cannot be had
 */
function readNow(address) {
  const request = new XMLHttpRequest();
  request.open("GET", address, false);
  request.responseType = "arraybuffer";
  try {
    request.send();
  } catch {
    return undefined;
  }
  return request.status === 200 ? request.response : undefined;
}

/**
 * @param {Loader} loadPyodide
 * @param {object} options
 * @param {Build} build
 * @param {(address: string) => string} locate
 */
async function boot(loadPyodide, options, build, locate) {
  const pyodide = await loadPyodide(options);
  await pyodide.loadPackage(locate(build.micropip), { messageCallback() {}, checkIntegrity: false });
  const micropip = pyodide.pyimport("micropip");
  try {
    // Without dependencies, so that no package index is ever asked.
    for (const wheel of [build.yaml, build.sidestep]) await micropip.install.callKwargs(locate(wheel), { deps: false });
  } finally {
    micropip.destroy();
  }
  return pyodide;
}
