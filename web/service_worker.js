// @ts-check
/**
 * Keeps the page and its Python, so that both open at once and without a network (docs/decisions/0035).
 *
 * Each version has a cache of its own, filled before it is used: no page is ever put together from two. The build writes
 * `PRECACHE` above this.
 */
const PREFIX = "sidestep-page-";
const CACHE = PREFIX + PRECACHE.build;
const SIDE_BY_SIDE = 8;
const HTTP_OK = 200;
/** What lies there is named by its contents. */
const UNCHANGING = /^(app|pyodide)\//;

const worker = /** @type {any} */ (self);
/** @type {string} */
const scope = worker.registration.scope;

/** @type {Promise<Cache> | undefined} */
let opened;

/** @param {string} address  relative to the scope */
const locate = (address) => new URL(address, scope).href;

/** Everything is kept, or this version is not installed. A fill that was cut short goes on where it was. */
async function fill() {
  const cache = await caches.open(CACHE);
  const waiting = [...PRECACHE.files];
  async function work() {
    for (let address = waiting.shift(); address !== undefined; address = waiting.shift()) await keep(cache, address);
  }
  try {
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, work));
  } catch (error) {
    waiting.length = 0;
    // What is left of it must not take the room that chats need.
    if (error instanceof DOMException && error.name === "QuotaExceededError") await caches.delete(CACHE);
    throw error;
  }
}

/**
 * @param {Cache} cache
 * @param {string} address
 */
async function keep(cache, address) {
  const url = locate(address);
  const isUnchanging = UNCHANGING.test(address);
  if (isUnchanging) {
    if (await cache.match(url)) return;
    const kept = await caches.match(url);
    if (kept) return cache.put(url, kept);
  }
  let response = await fetch(url, { cache: isUnchanging ? "default" : "no-cache" });
  // Some hosts let a browser keep their refusals too.
  if (response.status !== HTTP_OK) response = await fetch(url, { cache: "reload" });
  if (response.status !== HTTP_OK || !response.body) throw new Error(`${address} was answered with ${response.status}.`);
  return cache.put(url, address === "./" ? await ofThisBuild(response) : await plain(response, address));
}

/**
 * The server may have another version by now; its page would ask for what is not here.
 *
 * @param {Response} response
 */
async function ofThisBuild(response) {
  const html = await response.text();
  if (!html.includes(`content="${PRECACHE.build}"`)) throw new Error("The server has another version.");
  return new Response(html, { headers: ownHeaders(response) });
}

/**
 * The response as it is wanted each time: unpacked, since unpacking takes longer than reading, of the right type, and not
 * redirected, which no navigation takes.
 *
 * @param {Response} response
 * @param {string} address
 */
async function plain(response, address) {
  const headers = ownHeaders(response);
  if (address.endsWith(".wasm")) headers.set("Content-Type", "application/wasm");
  const body = /** @type {ReadableStream<Uint8Array>} */ (response.body);
  return new Response(address === PRECACHE.packed ? await unpack(body) : body, { headers });
}

/** @param {Response} response */
function ownHeaders(response) {
  const headers = new Headers(response.headers);
  for (const name of ["Content-Encoding", "Content-Length", "Vary"]) headers.delete(name);
  return headers;
}

/**
 * As in `interpreters.js`, which a service worker can not import in every browser.
 *
 * @param {ReadableStream<Uint8Array>} body  gzipped, unless the browser has unpacked it already
 */
async function unpack(body) {
  const [peeked, whole] = body.tee();
  const reader = peeked.getReader();
  const { value: start = new Uint8Array() } = await reader.read();
  void reader.cancel();
  const isPacked = start[0] === 0x1f && start[1] === 0x8b;
  return isPacked ? whole.pipeThrough(/** @type {any} */ (new DecompressionStream("gzip"))) : whole;
}

/** Versions that no open page runs any more are forgotten; each page holds a lock of its version's name. */
async function tidy() {
  // What comes next has its files here too, and no page yet.
  if (worker.registration.installing || worker.registration.waiting) return;
  const { held = [] } = await navigator.locks.query();
  const inUse = new Set([CACHE, ...held.map(({ name }) => name)]);
  const names = (await caches.keys()).filter((name) => name.startsWith(PREFIX) && !inUse.has(name));
  await Promise.all(names.map((name) => caches.delete(name)));
}

/**
 * @param {Request} request
 * @returns {string | null} the address to answer by what is kept; null for what is the network's
 */
function addressOf(request) {
  const url = request.url.split(/[?#]/, 1)[0];
  if (request.method !== "GET" || !url.startsWith(scope)) return null;
  const address = url.slice(scope.length);
  if (request.mode === "navigate") return address === "" || address === "index.html" ? "./" : null;
  return UNCHANGING.test(address) || PRECACHE.files.includes(address) ? address : null;
}

/**
 * @param {Request} request
 * @param {string} address
 */
async function answer(request, address) {
  const url = locate(address);
  // An older page that is still open finds its own version's files.
  opened ??= caches.open(CACHE);
  const kept = await (await opened).match(url) ?? (UNCHANGING.test(address) && await caches.match(url));
  if (kept) return kept;
  const response = await fetch(request);
  // The rest of Python's library, once it was asked for.
  if (address.startsWith("pyodide/") && response.status === HTTP_OK) {
    await (await opened).put(url, await plain(response.clone(), address)).catch(() => {});
  }
  return response;
}

worker.addEventListener("install", (/** @type {any} */ event) =>
  event.waitUntil(navigator.locks.request(CACHE, { mode: "shared" }, fill)));
worker.addEventListener("message", (/** @type {any} */ event) => {
  if (event.data === "take over") worker.skipWaiting();
  if (event.data === "tidy") event.waitUntil(tidy());
});
worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const address = addressOf(event.request);
  if (address !== null) event.respondWith(answer(event.request, address));
});
