// @ts-check
/** What a message carries beside its words: which files can be sent, and as what. */
import { formatBytes, t } from "../words.js";

/**
 * @typedef {object} Attachment
 * @property {string} id
 * @property {"image" | "text"} kind
 * @property {string} name
 * @property {string} type  its media type
 * @property {number} size  in bytes, as it is sent
 * @property {string} data  of an image a data URL, of a text file its text
 * @property {string} [note]  what was done to it, for the reader
 */

/** Sent as they are; every provider that takes images takes these. */
export const SENDABLE_IMAGES = ["image/png", "image/jpeg", "image/webp", "image/gif"];
/** In bytes. Base64 makes a third more of it, and some providers take no more than 5 MB then. */
export const LARGEST_IMAGE = 3_500_000;
/** In pixels, of the longer edge. Providers scale down what is larger, and some refuse it. */
export const LONGEST_EDGE = 2048;
/** In bytes; about 250,000 tokens, more than most models read at once. */
export const LARGEST_TEXT = 1_000_000;
/** In bytes; beyond it decoding alone may take a small device's memory. */
export const LARGEST_FILE = 100_000_000;
export const MOST_ATTACHMENTS = 20;

const TEXT_TYPES = ["application/json", "application/xml", "application/javascript", "application/yaml", "application/toml",
  "application/sql", "application/x-sh", "image/svg+xml"];

/**
 * @param {{type: string}} file
 * @returns {boolean} whether it is to be looked at as a picture; an SVG file is text that models read
 */
export function isImage({ type }) {
  return type.startsWith("image/") && !TEXT_TYPES.includes(type);
}

/**
 * @param {{name: string, type: string, size: number}} file
 * @returns {string} why it cannot be sent, or nothing
 */
export function refusalOf({ name, type, size }) {
  if (!size) return t`“${name}” is empty.`;
  if (isImage({ type })) return size > LARGEST_FILE ? tooLarge(name, size, LARGEST_FILE) : "";
  if (/^(audio|video)\//.test(type)) return t`“${name}” is sound or film. Images and text files can be sent.`;
  if (type === "application/pdf") return t`“${name}” is a PDF. Images and text files can be sent; copy the text out of it, or send a picture of the page.`;
  return size > LARGEST_TEXT ? tooLarge(name, size, LARGEST_TEXT) : "";
}

/** @param {string} name @param {number} size @param {number} most */
function tooLarge(name, size, most) {
  return t`“${name}” has ${formatBytes(size)}; at most ${formatBytes(most)} can be sent.`;
}

/**
 * @param {Uint8Array} bytes
 * @returns {string | null} null where it is no text in UTF-8 or UTF-16
 */
export function decodeText(bytes) {
  const encoding = bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8";
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
    return text.includes("\0") ? null : text;
  } catch {
    return null;
  }
}

/**
 * @param {number} width  in pixels
 * @param {number} height
 * @returns {{width: number, height: number}} as it is sent
 */
export function fitted(width, height) {
  const scale = Math.min(1, LONGEST_EDGE / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}
