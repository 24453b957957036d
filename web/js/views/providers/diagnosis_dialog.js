// @ts-check
/** @import { Failure, Probed, Remedy, Verdict } from "../../protocol.js" */
import { useEffect, useState } from "preact/hooks";
import { providerName, providerOf } from "../../state/models.js";
import { causeInShort } from "../../state/outcomes.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { CopyButton } from "../parts/copy_button.js";
import { html } from "../parts/html.js";
import { Modal } from "../parts/modal.js";
import { ProbeList } from "../parts/probe_list.js";
import { Told, ToldInShort } from "../parts/told.js";

/** @type {Record<Verdict["certainty"], () => string>} */
const CERTAINTIES = { proven: () => t`Proven`, likely: () => t`Likely`, cannot_tell: () => t`Cannot tell` };
/** @type {Record<Probed["layer"], () => string>} */
const LAYERS = {
  browser: () => t`This browser`, permission: () => t`Local network`, address: () => t`Address`, request: () => t`Direct call`,
  server: () => t`Seen by the relay`, relay: () => t`Through the relay`,
};

/** @param {{model: string, error: Failure | null, close: () => void}} props */
export function DiagnosisDialog({ model: asked, error, close }) {
  const { model, actions } = useApp();
  const provider = providerOf(asked);
  const [probes, setProbes] = useState(/** @type {Probed[]} */ ([]));
  const [found, setFound] = useState(/** @type {{verdict?: Verdict, failure?: string}} */ ({}));
  const { verdict, failure } = found;
  const name = providerName(model.modelGroups.value, provider);

  /** @param {Failure | null} seen @param {boolean} mayPrompt */
  const run = (seen, mayPrompt) => {
    setProbes([]);
    setFound({});
    void actions.diagnosis.examine(asked, seen, mayPrompt, (probed) => setProbes((before) => [...before, probed]))
      .then(setFound);
  };
  // The browser's own question comes only after the dialog has said that it will.
  useEffect(() => run(error, false), []);

  return html`
    <${Modal} title=${t`What stands in the way of ${name}`} close=${close}>
      <div class="modal-body diagnosis">
        <div aria-live="polite" aria-busy=${!verdict && !failure}>
          ${verdict && html`<${Finding} verdict=${verdict} asked=${asked} close=${close}
            again=${() => run(null, true)} />`}
          ${failure && html`<p class="problem"><${Told} text=${failure} /></p>`}
          ${!verdict && !failure && html`<p class="waiting">${t`Looking…`}</p>`}
        </div>
        <${Probes} probes=${probes} isOver=${verdict !== undefined} />
        <p class="hint">${t`Nothing that was sent for this is billed, and no key went where it may not go.`}</p>
      </div>
      <footer>
        <button type="button" class="quiet" onClick=${() => actions.reported(actions.diagnosis.saveReport())}>
          ${t`Save a report`}</button>
        <button type="button" disabled=${!verdict && !failure} onClick=${() => run(null, true)}>${t`Look again`}</button>
        <button type="button" class="primary" onClick=${close}>${t`Close`}</button>
      </footer>
    <//>`;
}

/** @param {{verdict: Verdict, asked: string, close: () => void, again: () => void}} props */
function Finding({ verdict, asked, close, again }) {
  const { certainty, cause } = verdict;
  return html`
    <div class="finding" data-cause=${cause} data-certainty=${certainty}>
      <p class="pill certainty" data-certainty=${cause === "ok" ? "ok" : certainty}>${CERTAINTIES[certainty]()}</p>
      <${ToldInShort} class="finding-message" gist=${causeInShort(cause)} text=${verdict.message} />
    </div>
    ${verdict.remedies.length > 0 && html`
      <h3>${t`What to do`}</h3>
      <ul class="remedies">${verdict.remedies.map((remedy) => html`
        <${RemedyItem} key=${remedy.text} remedy=${remedy} asked=${asked} close=${close} again=${again} />`)}</ul>`}
    ${verdict.basis.length > 0 && html`
      <details open><summary>${t`What this rests on`}</summary>
        <ul class="basis">${verdict.basis.map((sentence) => html`<li><${Told} text=${sentence} /></li>`)}</ul>
      </details>`}`;
}

/** @param {{remedy: Remedy, asked: string, close: () => void, again: () => void}} props */
function RemedyItem({ remedy, asked, close, again }) {
  const buttons = useRemedyButtons(remedy, asked, close, again);
  return html`
    <li class="remedy">
      <p><${Told} text=${remedy.text} /></p>
      ${remedy.paste && html`
        <div class="paste"><pre tabindex="0"><code>${remedy.paste}</code></pre><${CopyButton} text=${remedy.paste} /></div>`}
      ${buttons.length > 0 && html`
        <div class="card-actions">${buttons.map(({ label, press }) => html`
          <button type="button" key=${label} onClick=${press}>${label}</button>`)}</div>`}
    </li>`;
}

/**
 * @param {Remedy} remedy
 * @param {string} asked
 * @param {() => void} close
 * @param {() => void} again
 * @returns {{label: string, press: () => void}[]} what can be done about it with a click
 */
function useRemedyButtons({ action }, asked, close, again) {
  const { model, actions } = useApp();
  const provider = providerOf(asked);
  /** @param {import("../../model.js").Dialog} dialog */
  const open = (dialog) => () => { model.dialog.value = dialog; };
  /** @param {() => void} work */
  const andClose = (work) => () => { work(); close(); };
  switch (action) {
    case "allow_relay":
      return actions.diagnosis.relaysToAllow(asked).map(({ id, name }) => ({
        label: t`Allow ${name || id} to see this key`,
        press: andClose(() => actions.settings.grant({ relay: id, provider })),
      }));
    case "route_relay":
      return [{ label: t`Always use the relay`, press: andClose(() => actions.settings.routeThroughRelays(provider)) }];
    case "add_relay":
      return [{ label: t`Add relay`, press: open({ kind: "relay", id: null }) }];
    case "edit_relay":
      return [{ label: t`Open the relays`, press: andClose(() => { location.hash = "#relays"; }) }];
    case "edit_key":
    case "edit_address":
      return [{ label: t`Open the provider's settings`, press: open({ kind: "provider", id: provider }) }];
    case "pick_model":
      return [{ label: t`Pick a model`, press: andClose(() => { location.hash = "#chat"; }) }];
    case "open_permission":
      return [{ label: t`Let the browser ask`, press: again }];
    case "wait":
    case "retry":
      return [{ label: t`Look again`, press: again }];
    default:
      return [];
  }
}

/** @param {{probes: Probed[], isOver: boolean}} props */
function Probes({ probes, isOver }) {
  if (!probes.length) return null;
  return html`
    <details open=${!isOver}>
      <summary>${t`What was looked at`}</summary>
      <${ProbeList} probes=${probes} names=${LAYERS} />
    </details>`;
}
