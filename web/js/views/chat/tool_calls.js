// @ts-check
/** @import { ToolCall } from "../../state/answers.js" */
import { t } from "../../words.js";
import { html } from "../parts/html.js";

/** @param {{calls: ToolCall[]}} props */
export function ToolCalls({ calls }) {
  return html`${calls.map((call, position) => html`
    <details class="tool-call" key=${position} open=${call.arguments.length < 400}>
      <summary>${t`Asks for the tool ${call.name}`}</summary>
      <pre tabindex="0" dir="ltr">${prettyJson(call.arguments)}</pre>
    </details>`)}`;
}

/**
 * @param {string} text
 * @returns {string} as it is, where it is no JSON (yet)
 */
function prettyJson(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
