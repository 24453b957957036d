// @ts-check
/** The parameters of a chat, as they are typed and as they are sent. */
/** @import { Offer } from "../protocol.js" */
import { formatNumber, t } from "../words.js";

/** @type {Record<string, () => string>} */
const NAMES = {
  temperature: () => t`Temperature`,
  top_p: () => t`Top P`,
  max_tokens: () => t`Longest answer, in tokens`,
  stop: () => t`Stop where the answer says, one text per line`,
  seed: () => t`Seed`,
  presence_penalty: () => t`Presence penalty`,
  frequency_penalty: () => t`Frequency penalty`,
  reasoning_effort: () => t`Reasoning effort`,
};
/** @type {Record<string, () => string>} */
const HINTS = {
  temperature: () => t`Lower is steadier, higher is more varied.`,
  top_p: () => t`Only the likeliest words that together have this share are chosen from.`,
  seed: () => t`The same seed makes the same answer likelier.`,
  presence_penalty: () => t`Higher makes new subjects likelier.`,
  frequency_penalty: () => t`Higher makes repeated words rarer.`,
};
/** @type {Record<string, () => string>} */
const EFFORTS = {
  none: () => t`None`, minimal: () => t`Minimal`, low: () => t`Low`, medium: () => t`Medium`, high: () => t`High`,
  max: () => t`Most`,
};

/** @param {string} name  the field's in a chat's `parameters` @returns {string} */
export function parameterName(name) {
  return NAMES[name]?.() ?? name;
}

/** @param {string} name @returns {string} what it does; empty where its name says it */
export function parameterHint(name) {
  return HINTS[name]?.() ?? "";
}

/** @param {string} choice @returns {string} */
export function choiceName(choice) {
  return EFFORTS[choice]?.() ?? choice;
}

/**
 * @param {Record<string, unknown>} parameters
 * @param {string} name
 * @param {unknown} value  undefined to leave it to the provider
 */
export function withParameter(parameters, name, value) {
  const { [name]: _, ...others } = parameters;
  return value === undefined ? others : { ...others, [name]: value };
}

/**
 * @param {Offer} offer
 * @param {unknown} value
 * @returns {string}
 */
export function typedParameter({ kind }, value) {
  if (value === undefined || value === null) return "";
  return kind === "texts" && Array.isArray(value) ? value.join("\n") : String(value);
}

/**
 * @param {Offer} offer
 * @param {string} typed
 * @returns {{value: unknown} | {problem: string}} the value is undefined where nothing is typed
 */
export function readParameter({ kind, minimum, maximum }, typed) {
  if (kind === "texts") {
    const lines = typed.split("\n").filter(Boolean);
    return { value: lines.length ? lines : undefined };
  }
  if (!typed.trim()) return { value: undefined };
  if (kind === "choice") return { value: typed };
  const number = Number(typed.replace(",", "."));
  if (!Number.isFinite(number) || (kind === "integer" && !Number.isInteger(number))) {
    return { problem: kind === "integer" ? t`Write a whole number.` : t`Write a number.` };
  }
  if (minimum !== null && number < minimum) return { problem: t`At least ${formatNumber(minimum)}.` };
  if (maximum !== null && number > maximum) return { problem: t`At most ${formatNumber(maximum)}.` };
  return { value: number };
}
