// @ts-check
/**
 * Markdown into an element, as it grows. Blocks that can no longer change are drawn once; only the last one is
 * drawn again. Everything passes DOMPurify with a short list of what may remain.
 */
import DOMPurify from "dompurify";
import { Marked } from "marked";
import { codeBlock, finishCodeBlock } from "./code_block.js";

const CLEAN = {
  ALLOWED_TAGS: [
    "a", "blockquote", "br", "code", "dd", "del", "details", "dl", "dt", "em", "h3", "h4", "h5", "h6", "hr", "kbd", "li",
    "mark", "ol", "p", "pre", "s", "strong", "sub", "summary", "sup", "table", "tbody", "td", "th", "thead", "tr", "ul",
  ],
  ALLOWED_ATTR: ["align", "data-language", "href", "start", "title"],
  ALLOW_DATA_ATTR: false,
  ALLOW_ARIA_ATTR: false,
  ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|#)/i,
  RETURN_TRUSTED_TYPE: true,
};

const TOP_HEADING = 3;
const LOWEST_HEADING = 6;

const BARE_TAG = /(<\/?(?:br|del|details|kbd|mark|s|sub|summary|sup)\s*\/?>)/i;

/** @type {Record<string, string>} */
const ENTITIES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };

const parser = new Marked({
  gfm: true,
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
      return `<a href="${escape(href)}">${escape(text || href)}</a>`;
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
  node.setAttribute("target", "_blank");
  node.setAttribute("rel", "noopener noreferrer");
});

/** Draws one growing text into one element. */
export class MarkdownPainter {
  #container;
  #settledTo = 0;
  /** @type {Element | null} the block that may still change */
  #last = null;
  #lastRaw = "";

  /** @param {Element} container */
  constructor(container) {
    this.#container = container;
  }

  /**
   * @param {string} text  begins with what it was before
   * @param {boolean} complete
   */
  paint(text, complete) {
    const tail = text.replace(/\r\n?/g, "\n").slice(this.#settledTo);
    const tokens = parser.lexer(tail);
    const last = tokens.findLastIndex(({ type }) => type !== "space");
    tokens.forEach((token, position) => {
      if (token.type !== "space") this.#draw(token, position < last || complete);
      if (position < last) this.#settledTo += token.raw.length;
    });
    if (complete) this.#settledTo = Infinity;
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

  /** @param {import("marked").Token} token */
  #redraw(token) {
    const block = this.#last ?? this.#container.appendChild(document.createElement("div"));
    if (token.type === "code") drawCode(block, token.text, token.lang ?? "");
    else drawHtml(block, parser.parser([token]));
    return block;
  }
}

/**
 * @param {Element} block
 * @param {string} html
 */
function drawHtml(block, html) {
  block.innerHTML = /** @type {any} */ (DOMPurify.sanitize(html, CLEAN));
  for (const pre of block.querySelectorAll("pre")) {
    pre.replaceWith(codeBlock(pre.dataset.language ?? "", pre.textContent ?? ""));
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

/** @param {string} text */
function escape(text) {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]);
}
