// @ts-check
import { relayedOnly } from "../../state/moves.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { PlusIcon } from "../parts/icons.js";
import { CatalogueCards } from "./catalogue_cards.js";
import { ProviderCard } from "./provider_card.js";

export function Providers() {
  const { model, actions } = useApp();
  const { providers } = model.config.value;
  const add = () => { model.dialog.value = { kind: "provider", id: null }; };
  return html`
    <section class="page">
      <header class="page-head">
        <div><h1 tabindex="-1">${t`Providers`}</h1>
          <p>${t`The services you have keys for. Calls go straight to them where they allow it.`}</p></div>
        <div class="card-actions">
        ${providers.length > 0 && html`<button type="button" onClick=${() => { model.dialog.value = { kind: "moves" }; }}>${t`Test all…`}</button>`}
        ${relayedOnly(model.config.value).length > 1 && html`
          <button type="button" onClick=${() => actions.reported(actions.moves.backToDirect())}>${t`All back to direct`}</button>`}
        <button type="button" onClick=${() => { model.dialog.value = { kind: "import", source: null }; }}>${t`Import…`}</button>
        <button type="button" class="primary" onClick=${add}><${PlusIcon} /> ${t`Add provider`}</button></div>
      </header>
      ${providers.length
        ? html`<ul class="cards" aria-label=${t`Your providers`}>${providers.map((provider) =>
          html`<${ProviderCard} key=${provider.id} provider=${provider} />`)}</ul>`
        : html`<p class="nothing">${t`No provider yet. Add one with its API key, and its models appear in the chat.`}</p>`}
      <${CatalogueCards} />
    </section>`;
}
