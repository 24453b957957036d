// @ts-check

/** For how long a file may be on its way to the disk. */
export const STILL_READ_MS = 10 * 60_000;

/**
 * Hands a file to the reader, as a download.
 *
 * @param {string} name
 * @param {string} text
 * @param {string} type  its media type
 */
export function saveFile(name, text, type) {
  saveBlob(name, new Blob([text], { type }));
}

/**
 * @param {string} name
 * @param {Blob} blob
 */
export function saveBlob(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser reads a large one for a while yet.
  setTimeout(() => URL.revokeObjectURL(link.href), STILL_READ_MS);
}
