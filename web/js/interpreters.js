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
 * @property {string} sidestep
 *
 * @typedef {{pyodide: any, origin: "snapshot" | "plain", failure: unknown}} Interpreter  `failure` made it a plain one
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
  const { loadPyodide } = await import(locate(`${build.interpreter}pyodide.mjs`));
  const options = { indexURL: locate(build.interpreter), lockFileContents: JSON.stringify(build.lock) };
  try {
    const pyodide = await loadPyodide({ ...options, stdLibURL: locate(build.empty_library), _loadSnapshot: memory });
    awaken(pyodide, locate(`${build.interpreter}python_stdlib.zip`));
    return { pyodide, origin: "snapshot", failure: null };
  } catch (failure) {
    onPlain(failure);
    return { pyodide: await boot(loadPyodide, options, build, locate), origin: "plain", failure };
  }
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
 */
function awaken(pyodide, library) {
  const module = pyodide.pyimport("sidestep.snapshots");
  try {
    module.awaken(() => readNow(library));
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
 * @param {(options: object) => Promise<any>} loadPyodide
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
    await micropip.install.callKwargs(locate(build.sidestep), { deps: false });
  } finally {
    micropip.destroy();
  }
  return pyodide;
}
