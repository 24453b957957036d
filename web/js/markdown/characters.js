// @ts-check

/** What can turn text around, so that it reads as something that it is not (Unicode Technical Report 36). */
const TURNING = /[\u202a-\u202e\u2066-\u2069]/g;
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g;
const PICTURES = 0x2400;
const DELETE = 0x7f;
const DELETE_PICTURE = "\u2421";

/**
 * @param {string} text
 * @returns {string} with what nobody sees made visible, and one kind of line end
 */
export function harmless(text) {
  return text
    .replace(/\r\n?/g, "\n")
    .replace(CONTROL, (character) => {
      const code = character.charCodeAt(0);
      return code === DELETE ? DELETE_PICTURE : String.fromCharCode(PICTURES + code);
    })
    .replace(TURNING, (character) => `[U+${character.charCodeAt(0).toString(16).toUpperCase()}]`);
}
