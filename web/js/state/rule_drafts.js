// @ts-check
/**
 * A rule as a form holds it: one text for each field, by the field's JSON Pointer in the rule. What a form does not know,
 * or nobody touched, is written again as it came.
 *
 * @import { Rule } from "../protocol.js"
 */
import { isObject } from "./policies.js";
import { texts } from "./rules.js";
import { freeId } from "./configs.js";

/**
 * @typedef {{kind: "conditions" | "python", values: Record<string, string>}} RuleDraft
 * @typedef {{read: (raw: unknown) => string, write: (text: string) => unknown}} FieldKind  `undefined` leaves it out
 */

const LONGEST_ID = 48;
const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const FIRST_FUNCTION = `def route(request, context):
    if request["estimated_tokens"] > 100_000:
        return {"timeout": 300}
    return None
`;

/** @type {(raw: unknown) => string} */
const asText = (raw) => (raw === undefined ? "" : typeof raw === "string" ? raw : JSON.stringify(raw));

/** @type {FieldKind} */
const verbatim = { read: asText, write: (text) => text };
/** @type {FieldKind} */
const words = { read: asText, write: (text) => text.trim() || undefined };
/** @type {FieldKind} */
const list = {
  read: (raw) => (texts(raw).length ? texts(raw).join(", ") : asText(raw)),
  write: (text) => (splitList(text).length ? splitList(text) : undefined),
};
/** @type {FieldKind} What is no number is sent as it was typed, so that it is said and not guessed at. */
const count = { read: asText, write: (text) => numberFrom(text, /^(\d+|\d{1,3}([ ,_’']\d{3})+)$/) };
/** @type {FieldKind} */
const amount = { read: asText, write: (text) => numberFrom(text, /^\d+(\.\d+)?$/) };
/** @type {FieldKind} */
const clock = { read: asText, write: (text) => text.trim().replace(/^(\d:)/, "0$1") || undefined };
/** @type {FieldKind} */
const flag = {
  read: (raw) => (raw === true ? "yes" : raw === false ? "no" : asText(raw)),
  write: (text) => (text ? text === "yes" : undefined),
};

/** @type {Record<string, FieldKind>} */
const FIELDS = {
  "/name": words,
  "/when/provider": list,
  "/when/model": list,
  "/when/tokens/min": count,
  "/when/tokens/max": count,
  "/when/attachments": list,
  "/when/has_tools": flag,
  "/when/time/from": clock,
  "/when/time/to": clock,
  "/when/time/days": list,
  "/when/tags": list,
  "/then/policy": words,
  "/then/relays": list,
  "/then/strategy": words,
  "/then/timeout": amount,
  "/then/model": words,
  "/python": verbatim,
};

export const RULE_FIELDS = Object.keys(FIELDS);

/**
 * @param {Rule | undefined} rule
 * @returns {RuleDraft}
 */
export function draftOfRule(rule) {
  const isPython = isObject(rule) && "python" in rule;
  const values = Object.fromEntries(RULE_FIELDS.map((pointer) => [pointer, readField(rule, pointer)]));
  return {
    kind: isPython ? "python" : "conditions",
    values: isPython ? values : { ...values, "/python": FIRST_FUNCTION },
  };
}

/**
 * @param {RuleDraft} draft
 * @param {Rule | undefined} existing
 * @param {string[]} taken  the ids of the other rules
 * @returns {Rule}
 */
export function ruleFromDraft({ kind, values }, existing, taken) {
  const dropped = kind === "python" ? ["when", "then"] : ["python"];
  const kept = Object.entries(isObject(existing) ? existing : { enabled: true }).filter(([name]) => !dropped.includes(name));
  const changed = RULE_FIELDS.filter((pointer) =>
    !dropped.includes(pointer.split("/")[1]) && values[pointer] !== readField(existing, pointer));
  const rule = changed.reduce(
    (row, pointer) => withField(row, pointer.split("/").slice(1), FIELDS[pointer].write(values[pointer])),
    /** @type {Record<string, unknown>} */ (Object.fromEntries(kept)));
  const { id, ...others } = rule;
  const needed = kind === "python" ? { python: "" } : { when: {}, then: {} };
  return { id: idFor(id, others.name, taken), ...needed, ...others };
}

/**
 * @param {unknown} id  the rule's own, kept if it can be one
 * @param {unknown} name
 * @param {string[]} taken
 */
function idFor(id, name, taken) {
  if (typeof id === "string" && IDENTIFIER.test(id) && !taken.includes(id)) return id;
  return freeId(String(name ?? "rule").slice(0, LONGEST_ID), taken);
}

/**
 * @param {unknown} row
 * @param {string} pointer
 */
function readField(row, pointer) {
  const raw = pointer.split("/").slice(1).reduce(
    (value, name) => (isObject(value) ? value[name] : undefined), row);
  return FIELDS[pointer].read(raw);
}

/**
 * @param {Record<string, unknown>} row
 * @param {string[]} path
 * @param {unknown} value
 * @returns {Record<string, unknown>} without the field where the value is undefined, nor an object that is empty then
 */
function withField(row, [name, ...rest], value) {
  const { [name]: before, ...others } = row;
  const next = rest.length ? withField(isObject(before) ? before : {}, rest, value) : value;
  const isEmpty = next === undefined || (rest.length > 0 && !Object.keys(/** @type {object} */ (next)).length);
  return isEmpty ? others : { ...row, [name]: next };
}

/**
 * @param {string} text
 * @returns {string[]} what stands between commas
 */
export function splitList(text) {
  return text.split(",").map((word) => word.trim()).filter(Boolean);
}

/**
 * @param {string} text  a list
 * @param {string} word
 * @returns {string} the list with the word at its end, or without it where it had it
 */
export function toggled(text, word) {
  const before = splitList(text);
  return (before.includes(word) ? before.filter((other) => other !== word) : [...before, word]).join(", ");
}

/**
 * @param {string} text
 * @param {RegExp} form
 */
function numberFrom(text, form) {
  const typed = text.trim();
  return form.test(typed) ? Number(typed.replace(/[^\d.]/g, "")) : typed || undefined;
}
