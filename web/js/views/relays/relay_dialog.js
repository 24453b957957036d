// @ts-check
/**
 * @import { SealingLevel } from "../../protocol.js"
 * @import { Custody } from "../../vaults.js"
 */
import { t } from "../../words.js";
import { useRef, useState } from "preact/hooks";
import { pairedSealing, parsePairing } from "../../state/pairings.js";
import { useApp } from "../parts/context.js";
import { OtherProblems } from "../parts/field.js";
import { FormFoot } from "../parts/form_foot.js";
import { html } from "../parts/html.js";
import { TextInput } from "../parts/inputs.js";
import { Modal } from "../parts/modal.js";
import { useSaving } from "../parts/saving.js";
import { SealingInput } from "./sealing.js";
import { CustodyChoice, SecretField } from "../parts/secret_field.js";

const SHOWN_FIELDS = ["url", "token", "name", "sealing", "weight"];

/** @param {{id: string | null, close: () => void}} props */
export function RelayDialog({ id, close }) {
  const { model, actions } = useApp();
  const existing = model.config.value.relays.find((relay) => relay.id === id);
  const [draft, setDraft] = useState({
    url: existing?.url ?? "", name: existing?.name ?? "", token: "", weight: existing?.weight === undefined || existing.weight === 1 ? "" : String(existing.weight), public_key: existing?.public_key ?? "",
    sealing: /** @type {SealingLevel} */ (existing?.sealing ?? "off"),
  });
  const [custody, setCustody] = useState(/** @type {Custody} */ (model.custody.value.relays[id ?? ""] ?? model.keptBy.value));
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const isKept = id !== null && id in model.custody.value.relays;

  const { saving, problems, save } = useSaving(form, async () => {
    const { public_key, sealing } = draft;
    const weight = draft.weight.trim() ? Number(draft.weight.replace(",", ".")) : 1;
    if (!(weight > 0)) return [{ item: "", field: "weight", message: t`A weight is a number above 0.` }];
    const relay = { ...existing, weight, id: id ?? "", name: draft.name.trim(), url: draft.url.trim(), public_key, sealing };
    const saved = await actions.settings.saveRelay(relay, draft.token.trim(), custody);
    if (saved.problems.length) return saved.problems;
    saved.notes.forEach((note) => actions.toast(note));
    close();
    return [];
  });
  /** A pairing link pasted where the address goes fills everything in. @param {string} url */
  const takeUrl = (url) => {
    const pairing = parsePairing(url);
    const sealing = pairing && pairedSealing(existing, pairing, { canSeal: isSecureContext });
    setDraft({ ...draft, url, ...pairing, .../** @type {{}} */ (sealing) });
  };

  return html`
    <${Modal} title=${existing ? t`Edit relay` : t`Add a relay`} close=${close}>
      <form ref=${form} onSubmit=${save} novalidate>
        <${TextInput} name="url" label=${t`Relay URL`} value=${draft.url} problems=${problems} inputmode="url"
          placeholder="http://127.0.0.1:8787" onChange=${takeUrl}
          hint=${t`The address your relay printed, or the whole pairing link.`} />
        <${SecretField} name="token" label=${t`Relay token`} value=${draft.token} isKept=${isKept} problems=${problems}
          onChange=${(/** @type {string} */ token) => setDraft({ ...draft, token })} />
        <${TextInput} name="name" label=${t`Name`} value=${draft.name} problems=${problems} placeholder=${t`My relay`}
          hint=${t`Answers that came this way carry it.`}
          onChange=${(/** @type {string} */ name) => setDraft({ ...draft, name })} />
        <${TextInput} name="weight" label=${t`Weight`} value=${draft.weight} problems=${problems} inputmode="decimal" placeholder="1"
          hint=${t`Its share where the relay that does best is taken: 2 gets twice as much as 1.`}
          onChange=${(/** @type {string} */ weight) => setDraft({ ...draft, weight })} />
        <${SealingInput} publicKey=${draft.public_key} pinned=${existing?.public_key ?? ""} level=${draft.sealing}
          problems=${problems} onChange=${(/** @type {SealingLevel} */ sealing) => setDraft({ ...draft, sealing })} />
        <${CustodyChoice} legend=${t`Keep the token`} value=${custody} onChange=${setCustody} />
        <${OtherProblems} problems=${problems} shown=${SHOWN_FIELDS} />
        <${FormFoot} saving=${saving} close=${close} />
      </form>
    <//>`;
}
