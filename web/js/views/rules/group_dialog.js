// @ts-check
/**
 * @import { ModelGroup, Problem } from "../../protocol.js"
 * @import { GroupDraft } from "../../state/group_drafts.js"
 */
import { useRef, useState } from "preact/hooks";
import { draftOfGroup, groupFromDraft } from "../../state/group_drafts.js";
import { groupsOf, moved } from "../../state/policies.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { OtherProblems } from "../parts/field.js";
import { FormFoot } from "../parts/form_foot.js";
import { html } from "../parts/html.js";
import { CloseIcon, DownIcon, PlusIcon, UpIcon } from "../parts/icons.js";
import { SelectInput, TextInput } from "../parts/inputs.js";
import { Modal } from "../parts/modal.js";
import { ModelInput } from "../parts/model_inputs.js";
import { useSaving } from "../parts/saving.js";

const STRATEGIES = () => [
  { value: "order", name: t`In their order` },
  { value: "weighted", name: t`Drawn by weight, anew for each request` },
];

/** @param {{position: number | null, close: () => void}} props */
export function GroupDialog({ position, close }) {
  const { model, actions } = useApp();
  const existing = /** @type {ModelGroup | undefined} */ (
    position === null ? undefined : groupsOf(model.config.value)[position]);
  const [draft, setDraft] = useState(() => draftOfGroup(existing));
  const form = useRef(/** @type {HTMLFormElement | null} */ (null));
  const { saving, problems, save } = useSaving(form, async () => {
    const found = await actions.policies.saveGroup(position, groupFromDraft(draft, existing));
    if (!found.length) close();
    return found;
  });
  /** @param {Partial<GroupDraft>} change */
  const change = (change) => setDraft({ ...draft, ...change });
  const shown = ["/name", "/strategy", ...draft.members.flatMap((_, place) => [`/members/${place}/model`, `/members/${place}/weight`])];
  return html`
    <${Modal} title=${existing ? t`Edit group` : t`Add a model group`} close=${close}>
      <form ref=${form} onSubmit=${save} novalidate>
        <${TextInput} name="/name" label=${t`Name`} value=${draft.name} problems=${problems} placeholder="fast"
          hint=${t`It is asked for as group/${draft.name.trim() || "fast"}.`}
          onChange=${(/** @type {string} */ name) => change({ name })} />
        <${SelectInput} name="/strategy" label=${t`Asked`} value=${draft.strategy} options=${STRATEGIES()} problems=${problems}
          onChange=${(/** @type {GroupDraft["strategy"]} */ strategy) => change({ strategy })} />
        <${Members} draft=${draft} problems=${problems} onChange=${change} />
        <${OtherProblems} problems=${problems} shown=${shown} />
        <${FormFoot} saving=${saving} close=${close} />
      </form>
    <//>`;
}

/** @param {{draft: GroupDraft, problems: Problem[], onChange: (change: Partial<GroupDraft>) => void}} props */
function Members({ draft, problems, onChange }) {
  const { members, strategy } = draft;
  /** @param {number} place @param {object} change */
  const changeMember = (place, change) => onChange({ members: members.with(place, { ...members[place], ...change }) });
  return html`
    <fieldset class="part">
      <legend>${t`Models`}</legend>
      <ol class="member-fields">
        ${members.map((member, place) => html`
          <li key=${place} data-weighted=${strategy === "weighted"}>
            <${ModelInput} name=${`/members/${place}/model`} label=${t`Model ${place + 1}`} value=${member.model}
              problems=${problems} onChange=${(/** @type {string} */ model) => changeMember(place, { model })} />
            ${strategy === "weighted" && html`<${TextInput} name=${`/members/${place}/weight`} label=${t`Weight`}
              value=${member.weight} problems=${problems} inputmode="decimal" placeholder="1"
              onChange=${(/** @type {string} */ weight) => changeMember(place, { weight })} />`}
            <span class="moves">
              <button type="button" class="quiet square" aria-label=${t`Move model ${place + 1} up`} aria-disabled=${place === 0}
                onClick=${() => onChange({ members: moved(members, place, place - 1) })}><${UpIcon} /></button>
              <button type="button" class="quiet square" aria-label=${t`Move model ${place + 1} down`}
                aria-disabled=${place === members.length - 1}
                onClick=${() => onChange({ members: moved(members, place, place + 1) })}><${DownIcon} /></button>
              <button type="button" class="quiet square danger" aria-label=${t`Take out model ${place + 1}`}
                disabled=${members.length === 1}
                onClick=${() => onChange({ members: members.toSpliced(place, 1) })}><${CloseIcon} /></button>
            </span>
          </li>`)}
      </ol>
      <button type="button" class="add-member"
        onClick=${() => onChange({ members: [...members, { model: "", weight: "", existing: {} }] })}>
        <${PlusIcon} /> ${t`Add model`}</button>
    </fieldset>`;
}
