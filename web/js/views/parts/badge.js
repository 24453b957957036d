// @ts-check
/**
 * @import { Failure, Route } from "../../protocol.js"
 */
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { html } from "./html.js";

/**
 * Which way an answer came, and on request why.
 *
 * @param {{route: Route, reason: string, isKept: boolean, detours: {route: Route, error: Failure}[]}} props
 */
export function Badge({ route, reason, isKept, detours }) {
  const [isOpen, setOpen] = useState(false);
  const why = useRef(/** @type {HTMLElement | null} */ (null));
  const id = useId();
  useEffect(() => { if (isOpen) why.current?.scrollIntoView({ block: "nearest" }); }, [isOpen]);
  return html`
    <span class="badge ${isOpen ? "open" : ""}" onKeyDown=${(/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Escape") setOpen(false);
    }}>
      <button type="button" class="badge-text" data-kind=${route.kind} aria-expanded=${isOpen} aria-controls=${id}
        aria-describedby=${id} onClick=${() => setOpen(!isOpen)}>${route.label}${isKept && " · kept answer"}</button>
      <span class="badge-why" id=${id} role="note" ref=${why}>
        <span>${reason || `This answer came ${route.kind === "direct" ? "straight from the provider" : "through a relay"}.`}</span>
        ${detours.map((detour) => html`<span><strong>${detour.route.label}</strong>: ${detour.error.message}</span>`)}
      </span>
    </span>`;
}
