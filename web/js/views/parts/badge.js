// @ts-check
/**
 * @import { Failure, Route } from "../../protocol.js"
 */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { rulesOf } from "../../state/policies.js";
import { t } from "../../words.js";
import { useApp } from "./context.js";
import { html } from "./html.js";
import { Told } from "./told.js";

/**
 * Which way an answer came, and on request why.
 *
 * @param {{route: Route, reason: string, isKept: boolean, detours: {route: Route, error: Failure}[],
 *   rule?: {id: string, name: string} | null}} props  `rule` is the one that decided
 */
export function Badge({ route, reason, isKept, detours, rule = null }) {
  const { model } = useApp();
  const isThere = rule && rulesOf(model.config.value).some((other) => other?.id === rule.id);
  const [isOpen, setOpen] = useState(false);
  const why = useRef(/** @type {HTMLElement | null} */ (null));
  const id = useId();
  useEffect(() => { if (isOpen) why.current?.scrollIntoView({ block: "nearest" }); }, [isOpen]);
  return html`
    <span class="badge ${isOpen ? "open" : ""}" onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") setOpen(false);
    }}>
      <button type="button" class="badge-text" data-kind=${route.kind} aria-expanded=${isOpen} aria-controls=${id}
        aria-describedby=${id} onClick=${() => setOpen(!isOpen)}>${route.label}${isKept && ` · ${t`kept answer`}`}</button>
      <span class="badge-why" id=${id} role="note" ref=${why}>
        <span>${reason ? html`<${Told} text=${reason} />` : (route.kind === "direct" ? t`This answer came straight from the provider.` : t`This answer came through a relay.`)}</span>
        ${rule && html`<span>${t`Rule: ${rule.name || rule.id}`} ${isThere
          ? html`<a href="#rules">${t`Look at the rules`}</a>` : t`(not there any more)`}</span>`}
        ${detours.map((detour) => html`<span><strong>${detour.route.label}</strong>: <${Told} text=${detour.error.message} /></span>`)}
      </span>
    </span>`;
}
