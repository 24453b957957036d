// @ts-check
/**
 * Markdown into an element, as it grows. Blocks that can no longer change are drawn once; only the last one is
 * drawn again, and one that is too long for that is added to. Everything passes DOMPurify with a short list of what
 * may remain.
 */
import DOMPurify from "dompurify";
import { Marked } from "marked";
import { harmless } from "./characters.js";
import { codeBlock, finishCodeBlock } from "./code_block.js";
import { formulas } from "./formula_tokens.js";
import { imageOffer } from "./image_offer.js";
import { addPlainly } from "./plain_text.js";

const CLEAN = {
  ALLOWED_TAGS: [
    "a", "blockquote", "br", "code", "dd", "del", "details", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr", "kbd", "li",
    "mark", "ol", "p", "pre", "s", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
  ],
  ALLOWED_ATTR: ["align", "data-formula", "data-image", "data-language", "href", "start", "title"],
  // Their values are no addresses.
  ADD_URI_SAFE_ATTR: ["align", "data-formula", "data-image", "data-language", "start", "title"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#|data:image\/(?:png|jpeg|gif|webp);base64,)/i,
  RETURN_TRUSTED_TYPE: true,
};

const TOP_HEADING = 3;
const LOWEST_HEADING = 6;
/** In characters: a growing block beyond this is added to as plain text, since parsing it each frame would show. */
const LONGEST_REDRAWN = 16_000;
/** A fenced block is added to anyway; beyond this even finding its end takes too long. */
const LONGEST_FENCED = 500_000;
const LONGEST_PARSED = 100_000;
const FENCE = /^ {0,3}(?:```|~~~)/;

const BARE_TAG = /(<\/?(?:br|del|details|kbd|mark|s|sub|summary|sup)\s*\/?>)/i;
const SHOWN_AT_ONCE = /^data:image\//i;

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

const parser = new Marked({
  gfm: true,
  extensions: formulas((kind, source) => `<span data-formula="${kind}">${escape(source)}</span>`),
  renderer: {
    heading({ tokens, depth }) {
      // The page's own headings stand above those of an answer.
      const level = Math.min(LOWEST_HEADING, depth + TOP_HEADING - 1);
      return `<h${level}>${this.parser.parseInline(tokens)}</h${level}>\n`;
    },
    code({ text, lang }) {
      return `<pre data-language="${escape((lang ?? "").split(/\s/, 1)[0])}"><code>${escape(text)}</code></pre>\n`;
    },
    image({ href, text }) {
      // Loading it would tell its server who reads this, and could carry the conversation along.
      return `<a data-image="" href="${escape(href)}">${escape(text)}</a>`;
    },
    html({ text }) {
      // Shown as it was written, but for a few bare tags. DOMPurify would clean the rest too, yet only after
      // the browser had complained of every inline handler it was given to parse.
      return text.split(BARE_TAG).map((part, odd) => (odd % 2 ? part : escape(part))).join("");
    },
    checkbox({ checked }) {
      return checked ? "☑ " : "☐ ";
    },
  },
});

DOMPurify.addHook("afterSanitizeAttributes", (node) => {
  if (node.tagName !== "A") return;
  // Pictures in the text itself are shown; as a link such an address would lead nowhere good.
  if (!node.hasAttribute("data-image") && SHOWN_AT_ONCE.test(node.getAttribute("href") ?? "")) node.removeAttribute("href");
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});

/** Draws one growing text into one element. */
export class MarkdownPainter {
  #container;
  /** How much of the text was taken, and the rest of it that is not settled yet. */
  #taken = 0;
  #tail = "";
  #isComplete = false;
  /** @type {Element | null} the block that may still change */
  #last = null;
  #lastRaw = "";
  /** @type {Element | null} the block that is only added to */
  #plain = null;
  /** @type {typeof import("./formulas.js") | null} */
  #formulas = null;

  /** @param {Element} container */
  constructor(container) {
    this.#container = container;
  }

  /**
   * @param {string} text  begins with what it was before
   * @param {boolean} complete  it may grow again even so: a broken answer is gone on with
   */
  paint(text, complete) {
    if (this.#isComplete) {
      if (text.length === this.#taken && complete) return;
      this.#begin();
    }
    this.#take(text, complete);
    this.#isComplete = complete;
    if (!complete && this.#isTooLong()) return this.#addPlainly();
    if (this.#plain) return this.#endPlainly();
    this.#drawTail(complete);
  }

  #begin() {
    this.#container.replaceChildren();
    this.#taken = 0;
    this.#tail = "";
    this.#last = null;
    this.#plain = null;
  }

  /** @param {string} text @param {boolean} complete */
  #take(text, complete) {
    // A line end may be torn in two.
    const end = !complete && text.endsWith("\r") ? text.length - 1 : text.length;
    this.#tail += harmless(text.slice(this.#taken, end));
    this.#taken = end;
  }

  #isTooLong() {
    return this.#plain !== null || this.#tail.length > (FENCE.test(this.#tail) ? LONGEST_FENCED : LONGEST_REDRAWN);
  }

  #addPlainly() {
    this.#plain ??= this.#last ?? this.#newBlock();
    if (this.#last) this.#last.replaceChildren();
    this.#last = null;
    addPlainly(this.#plain, this.#tail);
    this.#tail = "";
  }

  #endPlainly() {
    const block = /** @type {Element} */ (this.#plain);
    addPlainly(block, this.#tail);
    this.#tail = "";
    this.#plain = null;
    const text = block.textContent ?? "";
    if (text.length > LONGEST_PARSED) return;
    block.remove();
    this.#tail = text;
    this.#drawTail(true);
  }

  /** @param {boolean} complete */
  #drawTail(complete) {
    const tokens = parser.lexer(this.#tail);
    const last = tokens.findLastIndex(({ type }) => type !== "space");
    let settled = 0;
    tokens.forEach((token, position) => {
      if (token.type !== "space") this.#draw(token, position < last || complete);
      if (position < last) settled += token.raw.length;
    });
    this.#tail = complete ? "" : this.#tail.slice(settled);
  }

  /**
   * @param {import("marked").Token} token
   * @param {boolean} settled
   */
  #draw(token, settled) {
    const isTheSame = this.#last !== null && this.#lastRaw === token.raw;
    const block = isTheSame ? /** @type {Element} */ (this.#last) : this.#redraw(token);
    if (settled) {
      for (const code of block.querySelectorAll(".code-block")) finishCodeBlock(code);
      this.#last = null;
    } else {
      this.#last = block;
      this.#lastRaw = token.raw;
    }
  }

  #newBlock() {
    const block = this.#container.appendChild(document.createElement("div"));
    block.dir = "auto";
    return block;
  }

  /** @param {import("marked").Token} token */
  #redraw(token) {
    const block = this.#last ?? this.#newBlock();
    if (token.type === "code") drawCode(block, token.text, token.lang ?? "");
    else if (token.raw.length > LONGEST_PARSED) drawPlainly(block, token.raw);
    else this.#drawHtml(block, parser.parser([token]));
    return block;
  }

  /**
   * @param {Element} block
   * @param {string} html
   */
  #drawHtml(block, html) {
    block.innerHTML = /** @type {any} */ (DOMPurify.sanitize(html, CLEAN));
    for (const pre of block.querySelectorAll("pre")) {
      pre.replaceWith(codeBlock(pre.dataset.language ?? "", pre.textContent ?? ""));
    }
    for (const link of block.querySelectorAll("a[data-image]")) {
      link.replaceWith(imageOffer(link.getAttribute("href") ?? "", link.textContent ?? ""));
    }
    // A wide table scrolls by itself, also by keyboard.
    for (const table of block.querySelectorAll("table")) {
      const frame = document.createElement("div");
      frame.className = "table-frame";
      frame.tabIndex = 0;
      table.replaceWith(frame);
      frame.append(table);
    }
    const written = /** @type {HTMLElement[]} */ ([...block.querySelectorAll("[data-formula]")]);
    if (written.length) void this.#drawFormulas(written);
  }

  /** @param {HTMLElement[]} written */
  async #drawFormulas(written) {
    this.#formulas ??= await import("./formulas.js");
    for (const element of written) this.#formulas.drawFormula(element);
  }
}

/**
 * Code that is still arriving is only added to: a long block costs no more per frame than a short one.
 *
 * @param {Element} block
 * @param {string} text
 * @param {string} info
 */
function drawCode(block, text, info) {
  const language = info.split(/\s/, 1)[0];
  const drawn = block.querySelector(":scope > .code-block > pre > code");
  const before = drawn?.textContent ?? "";
  const begins = drawn && drawn.parentElement?.dataset.language === language && text.startsWith(before);
  if (begins) drawn.append(text.slice(before.length));
  else block.replaceChildren(codeBlock(language, text));
}

/** @param {Element} block @param {string} text */
function drawPlainly(block, text) {
  block.replaceChildren();
  addPlainly(block, text);
}

/** @param {string} text */
function escape(text) {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
