// @ts-check
import { useEffect } from "preact/hooks";
import { parsePairing } from "../../state/pairings.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { PlusIcon } from "../parts/icons.js";
import { HostingGuide } from "./hosting_guide.js";
import { RelayCard } from "./relay_card.js";

export function Relays() {
  const { model } = useApp();
  const { relays } = model.config.value;
  usePastedLinks();
  return html`
    <section class="page">
      <header class="page-head">
        <div><h1 tabindex="-1">${t`Relays`}</h1>
          <p>${t`A relay is a small server of your own that carries calls to providers which refuse browsers.`}</p></div>
        <button type="button" class="primary" onClick=${() => { model.dialog.value = { kind: "relay", id: null }; }}>
          <${PlusIcon} /> ${t`Add relay`}</button>
      </header>
      ${relays.length > 0 && html`
        <ul class="cards" aria-label=${t`Your relays`}>${relays.map((relay, position) => html`
          <${RelayCard} key=${relay.id} relay=${relay} position=${position} isLast=${position === relays.length - 1} />`)}</ul>`}
      ${relays.length > 1 && html`
        <p class="hint">${t`They are tried in this order, unless a rule says that the one that does best is taken; then their weights count.`}</p>`}
      ${!relays.length && html`
        <div class="nothing">
          <p>${t`No relay yet. Providers that answer browsers need none.`}</p>
          <p>${t`A pairing link can be opened, pasted anywhere in this view, or typed into the form.`}</p>
        </div>`}
      <${HostingGuide} isOpen=${!relays.length} />
    </section>`;
}

/** A pairing link that is pasted where nothing is typed is taken like one that was opened. */
function usePastedLinks() {
  const { model, actions } = useApp();
  useEffect(() => {
    /** @param {ClipboardEvent} event */
    const onPaste = (event) => {
      const target = /** @type {HTMLElement} */ (event.target);
      if (model.dialog.value || target.matches("input, textarea, select")) return;
      const pairing = parsePairing(event.clipboardData?.getData("text/plain") ?? "");
      if (!pairing) return;
      event.preventDefault();
      void actions.offerPairing(pairing);
    };
    addEventListener("paste", onPaste);
    return () => removeEventListener("paste", onPaste);
  }, []);
}
