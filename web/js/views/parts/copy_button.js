// @ts-check
import { useState } from "preact/hooks";
import { COPIED_FOR_MS, copied } from "../../clipboard.js";
import { html } from "./html.js";

/** @param {{text: string}} props */
export function CopyButton({ text }) {
  const [label, setLabel] = useState("Copy");
  const copy = async () => {
    setLabel((await copied(text)) ? "Copied" : "Select it and press Ctrl+C");
    setTimeout(() => setLabel("Copy"), COPIED_FOR_MS);
  };
  return html`<button type="button" class="copy" onClick=${copy}>${label}</button>`;
}
