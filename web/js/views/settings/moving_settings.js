// @ts-check
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Section } from "./section.js";

export function MovingSettings() {
  const { model } = useApp();
  return html`
    <${Section} id="moving" title=${t`Move in and out`}>
      <p>${t`Bring providers, relays and rules from another app or another browser, or take them there.`}</p>
      <div class="card-actions">
        <button type="button" onClick=${() => { model.dialog.value = { kind: "import", source: null }; }}>${t`Import…`}</button>
        <button type="button" onClick=${() => { model.dialog.value = { kind: "export" }; }}>${t`Export…`}</button>
      </div>
    <//>`;
}
