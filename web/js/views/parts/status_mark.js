// @ts-check
/** @import { Grade } from "../../state/statuses.js" */
import { html } from "./html.js";
import { CheckIcon, CrossIcon, DetourIcon, QuestionIcon } from "./icons.js";

const ICONS = { good: CheckIcon, detour: DetourIcon, bad: CrossIcon, unknown: QuestionIcon };

/** A status by colour, shape and words. @param {{grade: Grade, words: string}} props */
export function StatusMark({ grade, words }) {
  const Icon = ICONS[grade];
  return html`<span class="status-mark" data-grade=${grade}><${Icon} /> ${words}</span>`;
}
