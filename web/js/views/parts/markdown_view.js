// @ts-check
import { useEffect, useRef } from "preact/hooks";
import { MarkdownPainter } from "../../markdown/markdown.js";
import { html } from "./html.js";

/**
 * Painted at most once a frame, however fast the text arrives.
 *
 * @param {{text: string, complete: boolean}} props
 */
export function MarkdownView({ text, complete }) {
  const element = useRef(/** @type {HTMLElement | null} */ (null));
  const painter = useRef(/** @type {MarkdownPainter | null} */ (null));
  const latest = useRef({ text, complete });
  const frame = useRef(0);
  latest.current = { text, complete };

  useEffect(() => {
    if (frame.current) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = 0;
      painter.current ??= new MarkdownPainter(/** @type {HTMLElement} */ (element.current));
      painter.current.paint(latest.current.text, latest.current.complete);
    });
  }, [text, complete]);
  useEffect(() => () => cancelAnimationFrame(frame.current), []);
  return html`<div class="markdown" ref=${element}></div>`;
}
