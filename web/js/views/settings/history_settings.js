// @ts-check
/** @import { Earlier } from "../../store.js" */
import { useEffect, useState } from "preact/hooks";
import { describeChange } from "../../state/changes.js";
import { formatMoment, t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Section } from "./section.js";

export function HistorySettings() {
  const { model, actions } = useApp();
  const [kept, setKept] = useState(/** @type {Earlier[]} */ ([]));
  const load = () => actions.reported(actions.history.list().then(setKept));
  useEffect(() => { void load(); }, [model.config.value]);
  if (!kept.length) return null;
  return html`
    <${Section} id="history" title=${t`Earlier configurations`}>
      <p>${t`Each change keeps what was before it, ten changes back, with its keys as they were kept.`}</p>
      <ol class="history">${kept.map((earlier, place) => {
        const change = describeChange(earlier.config, place ? kept[place - 1].config : model.config.value);
        const moment = formatMoment(earlier.at);
        return html`
          <li key=${earlier.id}>
            <span><strong>${moment}</strong> <small>${t`then: ${change}`}</small></span>
            <button type="button" aria-label=${t`Return to before ${moment}: ${change}`}
              onClick=${() => void actions.reported(actions.history.returnTo(earlier))}>${t`Return to before`}</button>
          </li>`;
      })}</ol>
      <div class="card-actions">
        <button type="button" class="quiet" onClick=${() => void actions.reported(actions.history.forget().then(load))}>${t`Forget them`}</button>
      </div>
    <//>`;
}
