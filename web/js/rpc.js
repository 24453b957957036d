// @ts-check
/** @import { Commands, Failure, Frame, Knowledge, StatusFrame } from "./protocol.js" */
import { localFailure } from "./protocol.js";

/** A command that ended in an error frame; `failure` is what the frame said. */
export class CommandError extends Error {
  /** @param {Failure} failure */
  constructor(failure) {
    super(failure.message);
    this.name = "CommandError";
    this.failure = failure;
  }
}

/**
 * @param {unknown} error
 * @returns {Failure}
 */
export function failureOf(error) {
  if (error instanceof CommandError) return error.failure;
  return localFailure("PageError", error instanceof Error ? error.message : String(error));
}

/**
 * @typedef {object} Listeners
 * @property {(status: StatusFrame) => void} onStatus
 * @property {(knowledge: Knowledge) => void} onLearned
 */

/** Commands to the worker and the frames that answer them. */
export class Rpc {
  #nextId = 1;
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: CommandError) => void,
   *   onEvents: (events: any[]) => void}>} */
  #running = new Map();
  #isReady = false;
  #port;
  #listeners;

  /**
   * @param {{postMessage(message: object): void, addEventListener: Worker["addEventListener"]}} port
   * @param {Listeners} listeners
   */
  constructor(port, listeners) {
    this.#port = port;
    this.#listeners = listeners;
    port.addEventListener("message", (event) => this.#receive(/** @type {MessageEvent} */ (event).data));
    port.addEventListener("error", (event) => this.#workerBroke(/** @type {ErrorEvent} */ (event)));
  }

  /**
   * @template {keyof Commands} C
   * @param {C} command
   * @param {Commands[C]["payload"]} payload
   * @returns {Promise<Commands[C]["value"]>}
   */
  call(command, payload) {
    return this.stream(command, payload, () => {}).done;
  }

  /**
   * @template {keyof Commands} C
   * @param {C} command
   * @param {Commands[C]["payload"]} payload
   * @param {(events: any[]) => void} onEvents
   * @returns {{id: number, done: Promise<Commands[C]["value"]>}}
   */
  stream(command, payload, onEvents) {
    const id = this.#nextId++;
    const done = new Promise((resolve, reject) => this.#running.set(id, { resolve, reject, onEvents }));
    this.#port.postMessage({ id, command, payload });
    return { id, done };
  }

  /** @param {Frame} frame */
  #receive(frame) {
    if (frame.kind === "status") return this.#heed(frame);
    if (frame.kind === "learned") return this.#listeners.onLearned(frame.knowledge);
    const waiting = this.#running.get(frame.id);
    if (!waiting) return;
    if (frame.kind === "events") return waiting.onEvents(frame.events);
    this.#running.delete(frame.id);
    if (frame.kind === "result") waiting.resolve(frame.value);
    else waiting.reject(new CommandError(frame.error));
  }

  /** @param {StatusFrame} status */
  #heed(status) {
    this.#isReady = status.phase === "ready";
    this.#listeners.onStatus(status);
  }

  /**
   * A worker that cannot even load its scripts sends an error event and no frame. One that is ready lives on
   * after an error.
   *
   * @param {ErrorEvent} event
   */
  #workerBroke(event) {
    if (this.#isReady) return;
    const detail = `Python did not start: ${event.message || "its files could not be loaded."}`;
    this.#listeners.onStatus({ kind: "status", phase: "failed", detail, elapsed_ms: 0 });
    for (const { reject } of this.#running.values()) {
      reject(new CommandError(localFailure("PythonUnavailable", detail, "Reload the page to start it again.")));
    }
    this.#running.clear();
  }
}
