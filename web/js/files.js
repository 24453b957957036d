// @ts-check

/**
 * Hands a file to the reader, as a download.
 *
 * @param {string} name
 * @param {string} text
 * @param {string} type  its media type
 */
export function saveFile(name, text, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
