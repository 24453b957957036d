// @ts-check
/**
 * @import { Provider } from "../../protocol.js"
 * @import { Trialled } from "../../state/moves.js"
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { providerName } from "../../state/models.js";
import { proposedRoute, workingRelay } from "../../state/moves.js";
import { bestWay } from "../../state/trial_ways.js";
import { t, tn } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { Modal } from "../parts/modal.js";
import { StatusMark } from "../parts/status_mark.js";
import { Told } from "../parts/told.js";
import { policyName } from "./policy_names.js";
import { RelayOffers } from "./relay_offers.js";

/** All providers tried by every route, and the routes that work taken. @param {{close: () => void}} props */
export function MovesDialog({ close }) {
  const { model, actions } = useApp();
  const [rows, setRows] = useState(/** @type {Trialled[]} */ ([]));
  const [state, setState] = useState(/** @type {"before" | "running" | "over"} */ ("before"));
  const [left, setLeft] = useState(/** @type {string[]} */ ([]));
  const stop = useRef(() => {});
  useEffect(() => () => stop.current(), []);
  const { providers } = model.config.value;
  const proposals = rows.flatMap(({ id, outcomes }) => {
    const provider = providers.find((candidate) => candidate.id === id);
    const route = provider && proposedRoute(provider, outcomes);
    return route ? [{ id, route }] : [];
  });
  const taken = proposals.filter(({ id }) => !left.includes(id));
  /** @param {string[]} relays */
  const start = (relays) => {
    actions.moves.allowRelays(relays);
    setState("running");
    const running = actions.moves.testAll(setRows);
    stop.current = running.stop;
    void actions.reported(running.done.then(() => setState("over")));
  };
  const apply = () => {
    actions.moves.applyRoutes(Object.fromEntries(taken.map(({ id, route }) => [id, route])));
    close();
  };
  if (state === "before") return html`<${Before} start=${start} close=${close} />`;
  const lost = rows.filter((row) => row.state === "over" && bestWay(row.outcomes) === "none").length;
  const tried = rows.filter((row) => row.state === "over" || row.state === "stopped").length;
  return html`
    <${Modal} title=${t`Test all providers`} close=${close}>
      <div class="modal-body">
        <div aria-live="polite">${state === "running"
          ? html`<p>${t`${tried} of ${rows.length} tried.`}</p>`
          : html`<p><strong>${proposals.length ? tn(proposals.length, "{0} provider would work better by another route.", "{0} providers would work better by another route.")
            : t`No route has to be changed.`}</strong>
            ${lost > 0 && html` ${tn(lost, "For {0} provider no way works.", "For {0} providers no way works.")}`}</p>`}</div>
        ${state === "running" && html`<progress aria-label=${t`Providers tried`} value=${tried} max=${rows.length}></progress>`}
        <ul class="history" aria-label=${t`What was found`}>${rows.map((row) => html`
          <${Found} key=${row.id} row=${row} proposal=${state === "over" ? proposals.find(({ id }) => id === row.id)?.route : undefined}
            isTaken=${!left.includes(row.id)}
            toggle=${() => setLeft(left.includes(row.id) ? left.filter((id) => id !== row.id) : [...left, row.id])} />`)}</ul>
      </div>
      <footer>
        ${state === "running"
          ? html`<button type="button" onClick=${() => stop.current()}>${t`Stop the test`}</button>`
          : html`<button type="button" class="quiet" onClick=${close}>${t`Close`}</button>
            ${proposals.length > 0 && html`<button type="button" class="primary" disabled=${!taken.length} onClick=${apply}>
              ${tn(taken.length, "Change {0} route", "Change {0} routes")}</button>`}`}
      </footer>
    <//>`;
}

/** @param {{start: (relays: string[]) => void, close: () => void}} props */
function Before({ start, close }) {
  const { model } = useApp();
  const { relays, consents } = model.config.value;
  const unseen = relays.filter(({ id }) => !consents.some(({ relay, provider }) => relay === id && provider === "*"));
  const [allowed, setAllowed] = useState(/** @type {string[]} */ ([]));
  /** @param {string} id */
  const toggle = (id) => setAllowed(allowed.includes(id) ? allowed.filter((other) => other !== id) : [...allowed, id]);
  return html`
    <${Modal} title=${t`Test all providers`} close=${close}>
      <div class="modal-body">
        <p>${t`Every provider is tried directly and through every relay that may see its key. Each way that works asks its model for a few tokens, and nothing else is billed.`}</p>
        ${unseen.map(({ id, name, url }) => html`
          <label class="choice" key=${id}><input type="checkbox" checked=${allowed.includes(id)} onChange=${() => toggle(id)} />
            <span><strong>${t`${name} may see the keys of all providers`}</strong> <small dir="ltr">${url}</small></span></label>`)}
        ${!relays.length && html`<p class="hint">${t`There is no relay yet, so only the direct way can be tried.`}</p>`}
      </div>
      <footer>
        <button type="button" class="quiet" onClick=${close}>${t`Cancel`}</button>
        <button type="button" class="primary" onClick=${() => start(allowed)}>${t`Begin`}</button>
      </footer>
    <//>`;
}

/** @param {{row: Trialled, proposal: Provider["route"] | undefined, isTaken: boolean, toggle: () => void}} props */
function Found({ row: { id, state, outcomes, problem }, proposal, isTaken, toggle }) {
  const { model } = useApp();
  const name = providerName(model.modelGroups.value, id);
  return html`
    <li>
      <span><strong>${name}</strong> <small><${Result} state=${state} outcomes=${outcomes} problem=${problem} /></small></span>
      ${proposal && html`
        <label class="check"><input type="checkbox" checked=${isTaken} onChange=${toggle} aria-label=${t`${name}: ${policyName(proposal)}`} />
          ${policyName(proposal)}</label>`}
      ${state === "over" && bestWay(outcomes) === "none" && !problem && html`<${RelayOffers} provider=${id} />`}
    </li>`;
}

/** @param {Pick<Trialled, "state" | "outcomes" | "problem">} props */
function Result({ state, outcomes, problem }) {
  if (state === "waiting") return t`waits`;
  if (state === "running") return t`Trying…`;
  if (state === "stopped") return t`stopped`;
  if (problem) return html`<${Told} text=${problem} />`;
  const best = bestWay(outcomes);
  if (best === "direct") return html`<${StatusMark} grade="good" words=${t`works directly`} />`;
  if (best === "relay") return html`<${StatusMark} grade="detour" words=${t`works through ${workingRelay(outcomes)}`} />`;
  const error = outcomes.findLast((outcome) => outcome.error)?.error;
  return html`<${StatusMark} grade="bad" words=${t`No way works.`} /> ${error && html`<${Told} text=${error.message} />`}`;
}
