// @ts-check
import { useState } from "preact/hooks";
import { COPIED_FOR_MS, copied } from "../../clipboard.js";
import { t } from "../../words.js";
import { html } from "./html.js";

/** @param {{text: string, label?: string, class?: string}} props */
export function CopyButton({ text, label = t`Copy`, class: look = "copy" }) {
  const [told, setTold] = useState("");
  const copy = async () => {
    setTold((await copied(text)) ? t`Copied` : t`Select it and press Ctrl+C`);
    setTimeout(() => setTold(""), COPIED_FOR_MS);
  };
  return html`<button type="button" class=${look} onClick=${copy}>${told || label}</button>`;
}
