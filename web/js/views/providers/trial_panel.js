// @ts-check
/**
 * @import { Problem, Provider, Tested, TrialOutcome } from "../../protocol.js"
 * @import { TrialWay } from "../../state/trial_ways.js"
 */
import { useEffect, useRef, useState } from "preact/hooks";
import { bestWay, waysOf } from "../../state/trial_ways.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { ProbeList } from "../parts/probe_list.js";
import { Told } from "../parts/told.js";
import { RelayOffers } from "./relay_offers.js";

/** @type {Record<Tested["layer"], () => string>} */
const LAYERS = {
  address: () => t`Address`, relay: () => t`Relay`, reach: () => t`Reached`, cors: () => t`Lets pages read`, key: () => t`Key`,
  models: () => t`Models`, chat: () => t`Chat`,
};

/** @typedef {{steps: Tested[], outcomes: TrialOutcome[], state: "idle" | "running" | "over", failure: string}} TrialState */

/**
 * @returns {{trial: TrialState, start: (provider: Provider, typedKey: string) => Promise<Problem[]>, stop: () => void}}
 */
export function useTrial() {
  const { actions } = useApp();
  const [trial, setTrial] = useState(/** @type {TrialState} */ ({ steps: [], outcomes: [], state: "idle", failure: "" }));
  const stop = useRef(() => {});
  useEffect(() => () => stop.current(), []);
  return {
    trial,
    stop: () => stop.current(),
    async start(provider, typedKey) {
      setTrial({ steps: [], outcomes: [], state: "running", failure: "" });
      const running = actions.settings.testProvider(provider, typedKey, (steps) =>
        setTrial((before) => ({ ...before, steps: [...before.steps, ...steps] })));
      stop.current = running.stop;
      const { problems, outcomes, failure } = await running.done;
      setTrial((before) => ({ ...before, outcomes, failure, state: problems.length ? "idle" : "over" }));
      return problems;
    },
  };
}

/**
 * @param {{trial: TrialState, stop: () => void, useRelays?: () => void, provider?: string}} props  `useRelays` routes it
 *   through relays only; `provider` where it is a saved one
 */
export function TrialPanel({ trial: { steps, outcomes, state, failure }, stop, useRelays, provider }) {
  if (state === "idle") return null;
  const ways = waysOf(steps, outcomes);
  return html`
    <section class="connection" aria-label=${t`Test of the connection`} aria-busy=${state === "running"}>
      ${ways.map((way) => html`<${Way} key=${way.route.label} way=${way} />`)}
      ${state === "running" && html`
        <p class="waiting">${t`Trying…`} <button type="button" class="link" onClick=${stop}>${t`Stop the test`}</button></p>`}
      ${failure && html`<p class="problem"><${Told} text=${failure} /></p>`}
      ${state === "over" && !failure && html`<${Summary} outcomes=${outcomes} ways=${ways} useRelays=${useRelays} provider=${provider} />`}
      <p class="hint">${t`The last step asks the model for a few tokens; nothing else of it is billed.`}</p>
    </section>`;
}

/** @param {{way: TrialWay}} props */
function Way({ way: { route, steps } }) {
  return html`
    <div class="trial-way">
      <h3><span class="badge-text" data-kind=${route.kind}>${route.label}</span></h3>
      <${ProbeList} probes=${steps} names=${LAYERS} />
    </div>`;
}

/** @param {{outcomes: TrialOutcome[], ways: TrialWay[], useRelays?: () => void, provider?: string}} props */
function Summary({ outcomes, ways, useRelays, provider }) {
  const best = bestWay(outcomes);
  const isMissingConsent = ways.some(({ outcome }) => outcome === null);
  const remedy = outcomes.find(({ works }) => !works)?.error?.remedy;
  return html`
    <div class="trial-summary" data-best=${best} role="group" aria-label=${t`Result`} aria-live="polite">
      ${best === "direct" && html`<p><strong>${t`It works directly.`}</strong></p>`}
      ${best === "relay" && html`
        <p><strong>${t`It works through a relay.`}</strong> ${t`With the route “Auto” that way is taken by itself.`}</p>
        ${useRelays && html`<button type="button" onClick=${useRelays}>${t`Always use the relay`}</button>`}`}
      ${best === "none" && html`<p><strong>${t`No way works.`}</strong> ${remedy && html`<${Told} text=${remedy} />`}</p>`}
      ${best !== "direct" && isMissingConsent && html`<p>${t`A relay that may not see this key was left out; the relay's page can allow it.`}</p>`}
      ${best === "none" && provider && html`<${RelayOffers} provider=${provider} />`}
    </div>`;
}
