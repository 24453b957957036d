// @ts-check
/** @import { InputProps } from "../parts/inputs.js" */
import { useEffect, useRef } from "preact/hooks";
import { Field } from "../parts/field.js";
import { html } from "../parts/html.js";
import { giving } from "../parts/inputs.js";

const INDENT = "    ";

/** Python to be written: Tab indents, and Escape gives Tab its usual meaning back for once. @param {InputProps} props */
export function PythonInput({ name, label, value, onChange, problems, hint }) {
  const leaves = useRef(false);
  const box = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    const area = /** @type {HTMLTextAreaElement} */ (event.target);
    const isLeaving = leaves.current;
    leaves.current = event.key === "Escape" && !isLeaving;
    // The first Escape must not close the dialog; the second does.
    if (leaves.current) event.preventDefault();
    if (event.shiftKey || event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (event.key === "Tab" && !isLeaving) insert(event, INDENT);
    if (event.key === "Enter") insert(event, `\n${indentAfter(area.value.slice(0, area.selectionStart))}`);
  }
  return html`
    <${Field} name=${name} label=${label} problems=${problems} hint=${hint}>
      ${(/** @type {object} */ field) => html`
        <div class="code-editor">
          <${Colours} text=${value} box=${box} />
          <textarea ...${field} ref=${box} class="code" rows="12" wrap="off" spellcheck=${false} autocapitalize="off" dir="ltr"
            autocomplete="off" value=${value} onInput=${giving(onChange)} onKeyDown=${onKeyDown}></textarea>
        </div>`}
    <//>`;
}

/**
 * The same text in colours, behind the box whose own letters are then unseen. Nothing but a picture: it is read and edited
 * in the box.
 *
 * @param {{text: string, box: {current: HTMLTextAreaElement | null}}} props
 */
function Colours({ text, box }) {
  const layer = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const code = /** @type {HTMLElement} */ (layer.current?.querySelector("code"));
    code.textContent = `${text}\n`;
    let isWanted = true;
    void import("../../markdown/highlighting.js").then(({ highlight }) => { if (isWanted) highlight(code, "python"); });
    return () => { isWanted = false; };
  }, [text]);
  useEffect(() => {
    const area = box.current;
    const follow = () => {
      if (layer.current && area) [layer.current.scrollTop, layer.current.scrollLeft] = [area.scrollTop, area.scrollLeft];
    };
    area?.addEventListener("scroll", follow);
    return () => area?.removeEventListener("scroll", follow);
  }, []);
  return html`<pre class="code colours" aria-hidden="true" ref=${layer}><code></code></pre>`;
}

/**
 * @param {KeyboardEvent} event
 * @param {string} text
 */
function insert(event, text) {
  event.preventDefault();
  // The only way that keeps it among what Ctrl+Z takes back.
  document.execCommand("insertText", false, text);
}

/**
 * @param {string} before
 * @returns {string} how far the line after it is indented
 */
function indentAfter(before) {
  const line = before.slice(before.lastIndexOf("\n") + 1);
  const own = /^ */.exec(line)?.[0] ?? "";
  return line.trimEnd().endsWith(":") ? own + INDENT : own;
}
