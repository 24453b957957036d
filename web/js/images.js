// @ts-check
/** Pictures, made small enough to be sent. */
import { LARGEST_IMAGE, SENDABLE_IMAGES, fitted } from "./state/attachments.js";

const QUALITIES = [0.9, 0.75, 0.6];

/**
 * @typedef {object} Picture
 * @property {string} data  a data URL
 * @property {string} type
 * @property {number} size  in bytes
 * @property {{width: number, height: number}} from  in pixels, before
 * @property {{width: number, height: number} | null} to  after; null where it is as it was
 */

/**
 * @param {Blob} file
 * @returns {Promise<Picture>}
 * @throws {DOMException} where the browser cannot read it as a picture
 */
export async function readPicture(file) {
  const bitmap = await createImageBitmap(file);
  const from = { width: bitmap.width, height: bitmap.height };
  const to = fitted(from.width, from.height);
  const isFine = SENDABLE_IMAGES.includes(file.type) && file.size <= LARGEST_IMAGE && to.width === from.width;
  const sent = isFine ? file : await drawn(bitmap, to, file.type);
  bitmap.close();
  return { data: await dataUrl(sent), type: sent.type, size: sent.size, from, to: isFine ? null : to };
}

/**
 * @param {ImageBitmap} bitmap
 * @param {{width: number, height: number}} size  in pixels
 * @param {string} type  as it was; what may have transparent parts keeps them while that is small enough
 */
async function drawn(bitmap, { width, height }, type) {
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(bitmap, 0, 0, width, height);
  if (type !== "image/jpeg") {
    const exact = await canvas.convertToBlob({ type: "image/png" });
    if (exact.size <= LARGEST_IMAGE) return exact;
  }
  for (const quality of QUALITIES) {
    const smaller = await canvas.convertToBlob({ type: "image/jpeg", quality });
    if (smaller.size <= LARGEST_IMAGE || quality === QUALITIES.at(-1)) return smaller;
  }
  return canvas.convertToBlob({ type: "image/jpeg" });
}

/** @param {Blob} blob @returns {Promise<string>} */
function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(/** @type {string} */ (reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
