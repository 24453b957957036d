// @ts-check
/** Looking for words in what was said. */

const BEFORE = 40;
const AFTER = 100;

/**
 * @typedef {object} Match
 * @property {string} conversation
 * @property {string} message
 * @property {string[]} excerpt  pieces; every second one is what was looked for
 */

/**
 * @param {any[]} rows  messages as they are stored
 * @param {string} words  all of them must occur
 * @returns {Match[]}
 */
export function findMatches(rows, words) {
  const wanted = wordsIn(words);
  return rows.flatMap(({ conversation, id, content }) => {
    const text = typeof content === "string" ? content.toLowerCase() : "";
    if (!wanted.length || !wanted.every((word) => text.includes(word))) return [];
    return [{ conversation, message: id, excerpt: excerptOf(content, wanted) }];
  });
}

/** @param {string} words */
export function wordsIn(words) {
  return words.toLowerCase().split(/\s+/).filter(Boolean);
}

/**
 * @param {string} content
 * @param {string[]} wanted  in lower case
 * @returns {string[]}
 */
function excerptOf(content, wanted) {
  const first = Math.min(...wanted.map((word) => content.toLowerCase().indexOf(word)));
  const start = Math.max(0, first - BEFORE);
  const end = first + AFTER;
  const shown = content.slice(start, end).replace(/\s+/g, " ");
  const pieces = shown.split(new RegExp(`(${wanted.map(escape).join("|")})`, "i"));
  pieces[0] = `${start > 0 ? "…" : ""}${pieces[0]}`;
  pieces[pieces.length - 1] += end < content.length ? "…" : "";
  return pieces;
}

/** @param {string} text */
function escape(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}
