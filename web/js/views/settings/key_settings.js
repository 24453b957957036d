// @ts-check
/** @import { Custody } from "../../vaults.js" */
import { useState } from "preact/hooks";
import { CUSTODIES, custodyName, custodyProtection } from "../../state/custodies.js";
import { t, tn } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { NewPassphrase, useNewPassphrase } from "../parts/new_passphrase.js";
import { Section } from "./section.js";

export function KeySettings() {
  const { model, actions } = useApp();
  const [asked, setAsked] = useState(false);
  const { providers, relays } = model.custody.value;
  const count = Object.keys(providers).length + Object.keys(relays).length;
  const isLocked = model.vault.value === "locked";
  const keptBy = asked ? "passphrase" : model.keptBy.value;
  /** @param {Custody} custody */
  const choose = (custody) => {
    setAsked(custody === "passphrase" && model.vault.value === "none");
    if (custody !== "passphrase" || model.vault.value === "open") void actions.reported(actions.secrets.keepAll(custody));
  };
  return html`
    <${Section} id="keys" title=${t`Keys`}>
      <p>${tn(count, "This page holds {0} key or relay token. It is never in an address or a log, and in an export only under a passphrase.",
        "This page holds {0} keys and relay tokens. They are never in an address or a log, and in an export only under a passphrase.")}</p>
      <fieldset class="custody-choices" disabled=${isLocked}>
        <legend>${t`Keep all keys`}</legend>
        ${CUSTODIES.map((custody) => html`
          <label class="choice" key=${custody}>
            <input type="radio" name="custody" checked=${keptBy === custody} onChange=${() => choose(custody)} />
            <span><strong>${custodyName(custody)}</strong> <small>${custodyProtection(custody)}</small></span>
          </label>`)}
      </fieldset>
      ${isLocked && html`
        <button type="button" onClick=${() => { model.dialog.value = { kind: "unlock" }; }}>${t`Unlock to change this`}</button>`}
      ${asked && html`<${PassphraseForm} done=${() => setAsked(false)} />`}
      ${model.vault.value === "open" && !asked && html`
        <div class="card-actions">
          <button type="button" onClick=${() => void actions.reported(actions.secrets.lock())}>${t`Lock now`}</button>
          <button type="button" onClick=${() => setAsked(true)}>${t`Change the passphrase`}</button>
        </div>`}
    <//>`;
}

/** @param {{done: () => void}} props */
function PassphraseForm({ done }) {
  const { actions } = useApp();
  const { fields, take } = useNewPassphrase();
  /** @param {Event} event */
  const set = async (event) => {
    event.preventDefault();
    const passphrase = take();
    if (passphrase === null) return;
    await actions.reported(actions.secrets.keepAll("passphrase", passphrase));
    done();
  };
  return html`
    <form class="passphrase" onSubmit=${set}>
      <${NewPassphrase} label=${t`New passphrase`} ...${fields}
        hint=${t`A sentence that only you would say is best. It is asked for when the page opens.`} />
      <div class="card-actions">
        <button type="submit" class="primary">${t`Set the passphrase`}</button>
        <button type="button" class="quiet" onClick=${done}>${t`Cancel`}</button>
      </div>
    </form>`;
}
