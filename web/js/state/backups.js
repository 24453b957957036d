// @ts-check
/**
 * Everything as one file of lines, each a JSON value of its own (JSON Lines), and keys only sealed: written and read a piece
 * at a time, so that no size of it blocks the page. The last line tells how much there should be: a file that ends early is
 * known.
 *
 * @import { Config, Sealed } from "../protocol.js"
 * @import { Settings } from "../store.js"
 */
import { t } from "../words.js";

const FORMAT = "sidestep-backup";
const VERSION = 1;
/** Characters. */
const PIECE = 1 << 20;
/** Bytes; files of the earlier form are read whole. */
const LARGEST_WHOLE = 200_000_000;
/** For how long is read without letting the page do anything else, in milliseconds. */
const LONGEST_TURN_MS = 12;
const LISTS = ["conversation", "message"];

/**
 * @typedef {{conversations: number, messages: number}} Counts
 * @typedef {{kind: "config", config: Config} | {kind: "settings", settings: Partial<Settings>}
 *   | {kind: "keys", sealed: Partial<Sealed>} | {kind: "conversation", row: any} | {kind: "message", row: any}} BackupLine
 * @typedef {BackupLine & {size: number}} ReadLine  `size` in characters
 */

/** The file is none of ours, damaged, or newer; the message says which. */
export class BackupError extends Error {}

/** Puts the lines of a backup together, and writes them some at a time. */
export class BackupWriter {
  #write;
  /** @type {string[]} */
  #lines = [];
  #length = 0;
  /** @type {Counts} */
  #counts = { conversations: 0, messages: 0 };

  /** @param {(text: string) => Promise<void>} write @param {string} saved  when, as in ISO 8601 */
  constructor(write, saved) {
    this.#write = write;
    this.#put({ format: FORMAT, version: VERSION, saved });
  }

  /** @param {BackupLine} line @returns {Promise<number>} how many characters it takes */
  async add(line) {
    if (line.kind === "conversation") this.#counts.conversations++;
    if (line.kind === "message") this.#counts.messages++;
    const length = this.#put(line);
    if (this.#length > PIECE) await this.#flush();
    return length;
  }

  /** @returns {Promise<Counts>} what is in it */
  async finish() {
    this.#put({ kind: "end", ...this.#counts });
    await this.#flush();
    return this.#counts;
  }

  /** @param {object} value @returns {number} */
  #put(value) {
    const line = JSON.stringify(value) + "\n";
    this.#lines.push(line);
    this.#length += line.length;
    return line.length;
  }

  async #flush() {
    const text = this.#lines.join("");
    this.#lines = [];
    this.#length = 0;
    await this.#write(text);
  }
}

/**
 * @param {Blob} file
 * @param {(done: number) => void} onProgress  from 0 to 1
 * @returns {AsyncGenerator<ReadLine>}
 * @throws {BackupError} what was given before it is not to be trusted either
 */
export async function* readBackup(file, onProgress) {
  let place = 0;
  /** @type {Counts} */
  const counts = { conversations: 0, messages: 0 };
  let isWhole = false;
  for await (const { text, read } of linesOf(file)) {
    onProgress(file.size ? read / file.size : 1);
    place++;
    if (!text.trim()) continue;
    if (isWhole) throw new BackupError(t`Something follows the end of this backup, in line ${place}.`);
    const value = parse(text, place);
    if (place === 1 && value === null) {
      yield* readEarlier(file);
      return;
    }
    if (value === null) throw new BackupError(t`This backup is damaged in line ${place}.`);
    if (place === 1) checkHeader(value);
    else if (value.kind === "end") isWhole = checkEnd(value, counts);
    else yield { ...checkLine(value, counts, place), size: text.length };
  }
  if (place === 0) throw new BackupError(t`The file is empty.`);
  if (!isWhole) throw new BackupError(t`This backup ends in the middle, after line ${place}: the rest of it is missing.`);
}

/** @param {string} text @param {number} place @returns {any} null where it is no object */
function parse(text, place) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    // The first line of the earlier form is a brace alone.
    if (place === 1) return null;
    throw new BackupError(t`This backup is damaged in line ${place}.`);
  }
}

/** @param {any} value */
function checkHeader({ format, version }) {
  if (format !== FORMAT) throw new BackupError(t`This is no backup of Sidestep.`);
  if (!Number.isInteger(version) || version > VERSION) {
    throw new BackupError(t`This backup is of version ${String(version)}; this page knows ${VERSION}. Open it with a newer Sidestep.`);
  }
}

/** @param {any} value @param {Counts} counts @returns {true} */
function checkEnd({ conversations, messages }, counts) {
  if (conversations !== counts.conversations || messages !== counts.messages) {
    throw new BackupError(t`Parts of this backup are missing: it should hold ${messages} messages, and holds ${counts.messages}.`);
  }
  return true;
}

/** @param {any} value @param {Counts} counts @param {number} place @returns {BackupLine} */
function checkLine(value, counts, place) {
  const isRow = LISTS.includes(value.kind) && typeof value.row?.id === "string";
  const isWhole = (value.kind === "config" && value.config) || (value.kind === "settings" && value.settings)
    || (value.kind === "keys" && value.sealed);
  if (!isRow && !isWhole) throw new BackupError(t`This backup is damaged in line ${place}.`);
  if (value.kind === "conversation") counts.conversations++;
  if (value.kind === "message") counts.messages++;
  return value;
}

/** The file that earlier versions saved: one JSON document. @param {Blob} file @returns {AsyncGenerator<ReadLine>} */
async function* readEarlier(file) {
  const document = file.size <= LARGEST_WHOLE ? parseWhole(await file.text()) : null;
  if (document?.format !== "sidestep-data" || !Array.isArray(document.chats)) {
    throw new BackupError(t`This is no backup of Sidestep.`);
  }
  if (document.config) yield { kind: "config", config: document.config, size: 0 };
  for (const [position, chat] of document.chats.entries()) {
    const messages = Object.values(chat?.messages ?? {});
    if (![chat, ...messages].every((row) => typeof row?.id === "string")) {
      throw new BackupError(t`This backup is damaged in chat ${position + 1}.`);
    }
    const { messages: _, ...head } = chat;
    yield { kind: "conversation", row: head, size: 0 };
    for (const message of messages) yield { kind: "message", row: { ...message, conversation: head.id }, size: 0 };
  }
}

/** @param {string} text */
function parseWhole(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/**
 * What is read already is given without waiting, so that the page would get no turn of its own. A timer's would be late in
 * a tab that nobody looks at.
 *
 * @returns {Promise<void>}
 */
function nextTurn() {
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** @param {Blob} file @returns {AsyncGenerator<{text: string, read: number}>}  `read` bytes so far */
async function* linesOf(file) {
  const reader = file.stream().getReader();
  const decoder = new TextDecoder();
  /** @type {string[]} */
  let begun = [];
  let read = 0;
  let began = performance.now();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    if (performance.now() - began > LONGEST_TURN_MS) {
      await nextTurn();
      began = performance.now();
    }
    read += value.length;
    const [first, ...others] = decoder.decode(value, { stream: true }).split("\n");
    begun.push(first);
    for (const next of others) {
      yield { text: begun.join(""), read };
      begun = [next];
    }
  }
  const last = begun.join("") + decoder.decode();
  if (last) yield { text: last, read };
}
