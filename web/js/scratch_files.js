// @ts-check
/**
 * Files that are written a piece at a time, on disk where the browser gives a page a place for them (File System
 * standard, origin private file system): there no size is too large for memory, and a browser that keeps large blobs in
 * memory cannot refuse them. Elsewhere, and where that place is full, they are in memory.
 */
import { STILL_READ_MS } from "./files.js";
import { isOutOfRoom } from "./store.js";

const FOLDER = "sidestep-scratch";

/** @typedef {{write: (text: string) => Promise<void>, finish: () => Promise<Blob>}} ScratchFile */

/**
 * @param {(file: ScratchFile) => Promise<void>} write  called again with another file where the first had no room
 * @returns {Promise<Blob>} what was written; of a file on disk it can be read for ten minutes
 */
export async function writeScratchFile(write) {
  const onDisk = await openDiskFile();
  if (onDisk) {
    try {
      await write(onDisk);
      return await onDisk.finish();
    } catch (error) {
      await onDisk.discard();
      if (!isOutOfRoom(error)) throw error;
    }
  }
  const inMemory = openMemoryFile();
  await write(inMemory);
  return inMemory.finish();
}

/** Deletes those that nobody reads any more, also of a page that was closed before it could. */
export async function dropOldScratchFiles() {
  const folder = await findFolder();
  if (!folder) return;
  for await (const [name, handle] of folder.entries()) {
    if (handle.kind === "file" && await isUnread(handle)) await drop(folder, name);
  }
}

/** Deletes all of them. */
export async function eraseScratchFiles() {
  const folder = await findFolder();
  if (!folder) return;
  for await (const name of folder.keys()) await drop(folder, name);
}

/** @returns {Promise<(ScratchFile & {discard: () => Promise<void>}) | null>} null where the browser has no such place */
async function openDiskFile() {
  const folder = "createWritable" in (globalThis.FileSystemFileHandle?.prototype ?? {}) && await findFolder({ create: true });
  if (!folder) return null;
  const name = crypto.randomUUID();
  const handle = await folder.getFileHandle(name, { create: true });
  const writable = await handle.createWritable();
  return {
    write: (text) => writable.write(text),
    async finish() {
      await writable.close();
      setTimeout(() => void drop(folder, name), STILL_READ_MS);
      return handle.getFile();
    },
    async discard() {
      // One that has failed is closed already.
      await writable.abort().catch(() => {});
      await drop(folder, name);
    },
  };
}

/** @returns {ScratchFile} */
function openMemoryFile() {
  /** @type {Blob[]} */
  const pieces = [];
  return {
    // A browser may keep blobs on disk, where texts would stay in memory.
    write: async (text) => { pieces.push(new Blob([text])); },
    finish: async () => new Blob(pieces),
  };
}

/** @param {{create?: boolean}} [how] @returns {Promise<FileSystemDirectoryHandle | null>} */
async function findFolder(how) {
  try {
    const root = await navigator.storage?.getDirectory?.();
    return (await root?.getDirectoryHandle(FOLDER, how)) ?? null;
  } catch {
    // It is not there, or the browser has it closed: private windows, and pages that may keep nothing.
    return null;
  }
}

/** @param {FileSystemFileHandle} handle */
async function isUnread(handle) {
  try {
    return Date.now() - (await handle.getFile()).lastModified > STILL_READ_MS;
  } catch {
    // Another tab has dropped it since it was listed.
    return false;
  }
}

/** @param {FileSystemDirectoryHandle} folder @param {string} name */
async function drop(folder, name) {
  // Another tab may have dropped it, or still be writing it.
  await folder.removeEntry(name).catch(() => {});
}
