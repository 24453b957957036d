// @ts-check
/**
 * Python's side of the page: starts Pyodide, hands every command to `sidestep.bridge` and posts its frames back.
 *
 * @import { Build } from "./interpreters.js"
 * @import { CommandFrame, Frame, Phase, StatusFrame } from "./protocol.js"
 */
import { startInterpreter } from "./interpreters.js";
import { CANCELLED, localFailure } from "./protocol.js";

const ROOT = new URL("..", import.meta.url);

/** @typedef {{handle(frame: string): void}} Bridge  starts a command; everything it answers comes as frames */

const started = performance.now();

/** @type {CommandFrame[]} */
const queue = [];
/** @type {Bridge | null} */
let bridge = null;
/** @type {string | null} */
let bootFailure = null;

/** @param {Frame} frame */
function post(frame) {
  self.postMessage(frame);
}

/**
 * @param {Phase} phase
 * @param {string} detail
 * @param {Partial<StatusFrame>} [more]
 */
function report(phase, detail, more) {
  const elapsed = Math.round(performance.now() - started);
  post({ kind: "status", phase, detail, elapsed_ms: elapsed, ...more });
}

/**
 * @param {number} id
 * @param {import("./protocol.js").Failure} error
 */
function postError(id, error) {
  post({ kind: "error", id, error });
}

/** @param {CommandFrame} frame */
function deliver(frame) {
  try {
    /** @type {Bridge} */ (bridge).handle(JSON.stringify(frame));
  } catch (error) {
    postError(frame.id, localFailure("PythonError", lastLine(error)));
  }
}

/** @param {CommandFrame} frame */
function receive(frame) {
  if (bridge) deliver(frame);
  else if (bootFailure) postError(frame.id, unavailable());
  else if (frame.command === "stop") stopQueued(frame);
  else queue.push(frame);
}

/** @param {CommandFrame} frame */
function stopQueued(frame) {
  const { target } = /** @type {{target: number}} */ (frame.payload);
  const position = queue.findIndex((queued) => queued.id === target);
  if (position >= 0) {
    queue.splice(position, 1);
    postError(target, localFailure(CANCELLED, "Stopped before it was sent."));
  }
  post({ kind: "result", id: frame.id, value: { stopped: position >= 0 } });
}

function unavailable() {
  return localFailure("PythonUnavailable", `Python did not start: ${bootFailure}`, "Reload the page to try again.");
}

/** @param {unknown} error */
function lastLine(error) {
  // A Python error's message is its whole traceback; its last line is the sentence.
  const lines = String(error instanceof Error ? error.message : error).trim().split("\n");
  return lines[lines.length - 1];
}

async function readBuild() {
  const response = await fetch(new URL("build.json", ROOT));
  if (!response.ok) throw new Error(`build.json answered ${response.status}`);
  return /** @type {Build} */ (await response.json());
}

/** @param {any} pyodide */
function createBridge(pyodide) {
  const module = pyodide.pyimport("sidestep.bridge");
  try {
    return /** @type {Bridge} */ (module.create_bridge(postFrame, lazySealer));
  } finally {
    module.destroy();
  }
}

/** Loaded when the first request is sealed, and not before: most pages need no relay. */
const lazySealer = {
  /** @type {typeof import("./sealer.js").seal} */
  async seal(...parameters) {
    const sealer = await import("./sealer.js");
    return sealer.seal(...parameters);
  },
};

/** @param {string} json  Python's bridge has joined events already, so that fast streams do not flood the page */
function postFrame(json) {
  post(/** @type {Frame} */ (JSON.parse(json)));
}

async function boot() {
  report("loading", "Loading Python");
  const { pyodide, origin, failure } = await startInterpreter(await readBuild(), ROOT,
    (failure) => report("installing", `Booting Python in full: ${lastLine(failure)}`));
  bridge = createBridge(pyodide);
  report("ready", failure ? lastLine(failure) : "Python is ready", { origin });
  for (const frame of queue.splice(0)) deliver(frame);
}

self.addEventListener("message", (event) => receive(event.data));
boot().catch((error) => {
  bootFailure = lastLine(error);
  report("failed", `Python did not start: ${bootFailure}`);
  for (const frame of queue.splice(0)) postError(frame.id, unavailable());
});
