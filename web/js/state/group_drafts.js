// @ts-check
/**
 * A model group as a form holds it. What a form does not know is kept with it.
 *
 * @import { ModelGroup } from "../protocol.js"
 */
import { isObject } from "./policies.js";

/**
 * @typedef {{model: string, weight: string, existing: object}} MemberDraft
 * @typedef {{name: string, strategy: "order" | "weighted", members: MemberDraft[]}} GroupDraft
 */

/**
 * @param {ModelGroup | undefined} group
 * @returns {GroupDraft}
 */
export function draftOfGroup(group) {
  const { name = "", strategy = "order", members } = isObject(group) ? group : {};
  const rows = Array.isArray(members) ? members.filter(isObject) : [];
  const drafts = rows.map((existing) => ({
    model: String(existing.model ?? ""), weight: String(existing.weight ?? ""), existing,
  }));
  // Two to begin with: a group of one would fall to nothing.
  const empty = () => ({ model: "", weight: "", existing: {} });
  return { name: String(name), strategy, members: drafts.length ? drafts : [empty(), empty()] };
}

/**
 * @param {GroupDraft} draft
 * @param {ModelGroup | undefined} existing
 * @returns {ModelGroup}
 */
export function groupFromDraft({ name, strategy, members }, existing) {
  return {
    ...(isObject(existing) ? existing : {}), name: name.trim(), strategy,
    members: members.map(({ model, weight, existing: before }) => {
      const { weight: _, ...kept } = /** @type {{weight?: unknown}} */ (before);
      const typed = weight.trim();
      return { ...kept, model: model.trim(), ...(typed && { weight: /** @type {number} */ (numberOr(typed)) }) };
    }),
  };
}

/**
 * @param {string} typed
 * @returns {number | string} what is no number stays as it was typed, so that it is said and not guessed at
 */
function numberOr(typed) {
  return /^\d+(\.\d+)?$/.test(typed) ? Number(typed) : typed;
}
