// @ts-check
/**
 * Finds formulas in markdown: `$…$` and `\(…\)` in a line, `$$…$$` and `\[…\]` set off.
 *
 * @import { TokenizerAndRendererExtension } from "marked"
 *
 * @typedef {"line" | "block"} FormulaKind
 */

/**
 * As in Pandoc: no blank inside of either dollar, and no digit after the last, so that prices stay prices.
 */
const DOLLARS = /^\$(?![\s$])((?:\\[\s\S]|[^$\\])*?)(?<!\s)\$(?![\d$])/;
const PARENTHESES = /^\\\(([\s\S]+?)\\\)/;
const LINE_BLOCK = /^\$\$([^$]+?)\$\$|^\\\[([\s\S]+?)\\\]/;
const BLOCK = /^ {0,3}(?:\$\$((?:(?!\n\s*\n)[\s\S])+?)\$\$|\\\[((?:(?!\n\s*\n)[\s\S])+?)\\\])[ \t]*(?:\n|$)/;
/** Longer ones are not set: no formula is that long. */
const LONGEST = 4000;

/**
 * @param {(kind: FormulaKind, source: string) => string} render
 * @returns {TokenizerAndRendererExtension[]}
 */
export function formulas(render) {
  return [
    extension("blockFormula", "block", (source) => source.search(/^ {0,3}(?:\$\$|\\\[)/m), [["block", BLOCK]], render),
    extension("formula", "inline", (source) => source.search(/\$|\\[([]/),
      [["block", LINE_BLOCK], ["line", DOLLARS], ["line", PARENTHESES]], render),
  ];
}

/**
 * @param {string} name
 * @param {"block" | "inline"} level
 * @param {(source: string) => number} start  where one might begin
 * @param {[FormulaKind, RegExp][]} forms
 * @param {(kind: FormulaKind, source: string) => string} render
 * @returns {TokenizerAndRendererExtension}
 */
function extension(name, level, start, forms, render) {
  return {
    name, level,
    start: (source) => { const place = start(source); return place < 0 ? undefined : place; },
    tokenizer(source) {
      for (const [kind, form] of forms) {
        const match = form.exec(source);
        const text = match?.slice(1).find((group) => group !== undefined)?.trim();
        if (match && text && text.length <= LONGEST) return { type: name, raw: match[0], kind, text };
      }
      return undefined;
    },
    renderer: (token) => render(token.kind, token.text),
  };
}
