// @ts-check
import { relaysNotAllowed } from "../../state/configs.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";

/** Relays that a provider could be routed through, were they allowed to see its key. @param {{provider: string}} props */
export function RelayOffers({ provider }) {
  const { model, actions } = useApp();
  const offered = relaysNotAllowed(model.config.value, provider);
  if (!offered.length) return null;
  return html`
    <p class="relay-offers">${offered.map(({ id, name }) => html`
      <button type="button" key=${id} onClick=${() => actions.moves.routeThrough(provider, id)}>${t`Route through ${name}`}</button>`)}
      <small>${t`It sees this provider's key then.`}</small></p>`;
}
