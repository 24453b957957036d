// @ts-check

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
  URL.revokeObjectURL(link.href);
}
