// @ts-check
import { useState } from "preact/hooks";
import { COPIED_FOR_MS, copied } from "../../clipboard.js";
import { t } from "../../words.js";
import { html } from "./html.js";

/** @param {{text: string}} props */
export function CopyButton({ text }) {
  const [label, setLabel] = useState("");
  const copy = async () => {
    setLabel((await copied(text)) ? t`Copied` : t`Select it and press Ctrl+C`);
    setTimeout(() => setLabel(""), COPIED_FOR_MS);
  };
  return html`<button type="button" class="copy" onClick=${copy}>${label || t`Copy`}</button>`;
}
