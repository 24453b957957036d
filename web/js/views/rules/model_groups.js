// @ts-check
/** @import { ModelGroup } from "../../protocol.js" */
import { groupsOf, isObject, problemsBelow } from "../../state/policies.js";
import { GROUP } from "../../state/models.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { PlusIcon } from "../parts/icons.js";

export function ModelGroups() {
  const { model } = useApp();
  const groups = groupsOf(model.config.value);
  const add = () => { model.dialog.value = { kind: "group", position: null }; };
  return html`
    <section class="page-part" aria-labelledby="groups-title">
      <div class="part-head">
        <div><h2 id="groups-title" tabindex="-1">${t`Model groups`}</h2>
          <p class="hint">${t`Several models under one name: if one cannot answer, the next is asked. They stand in the chat's list of models.`}</p></div>
        <button type="button" onClick=${add}><${PlusIcon} /> ${t`Add group`}</button>
      </div>
      ${groups.length > 0 && html`
        <ul class="cards">${groups.map((group, position) => html`
          <${GroupCard} key=${position} group=${group} position=${position} />`)}</ul>`}
    </section>`;
}

/** @param {{group: ModelGroup, position: number}} props */
function GroupCard({ group, position }) {
  const { model, actions } = useApp();
  const { name, strategy, members } = isObject(group) ? group : {};
  const shown = typeof name === "string" ? name : t`Group ${position + 1}`;
  const problems = problemsBelow(model.problems.value, `/groups/${position}`);
  const remove = () => {
    actions.policies.removeGroup(position);
    document.getElementById("groups-title")?.focus();
  };
  return html`
    <li class="card">
      <div class="card-head">
        <h3><code>${GROUP}/${shown}</code></h3>
        <span class="policy">${strategy === "weighted" ? t`Drawn by weight` : t`In this order`}</span>
      </div>
      <ol class="members">${(Array.isArray(members) ? members : []).filter(isObject).map((member) => html`
        <li><span>${String(member.model)}</span>
          ${strategy === "weighted" && html`<span class="facts">${t`weight ${String(member.weight ?? 1)}`}</span>`}</li>`)}</ol>
      ${problems.map(({ message }) => html`<p class="problem">${message}</p>`)}
      <div class="card-actions">
        <button type="button" aria-label=${t`Edit the group ${shown}`}
          onClick=${() => { model.dialog.value = { kind: "group", position }; }}>${t`Edit`}</button>
        <button type="button" class="quiet danger" aria-label=${t`Remove the group ${shown}`} onClick=${remove}>${t`Remove`}</button>
      </div>
    </li>`;
}
