// @ts-check
/**
 * A rule in one plain sentence, also where something is wrong with it: what that is stands beside it.
 *
 * @import { Rule, RuleAction } from "../protocol.js"
 */
import { formatNumber, t } from "../words.js";
import { isObject } from "./policies.js";

/** @typedef {{providers: Record<string, string>, relays: Record<string, string>}} Names  by id */

/** In their order, by their names in a rule. */
export const DAYS = {
  mon: () => t`Monday`, tue: () => t`Tuesday`, wed: () => t`Wednesday`, thu: () => t`Thursday`, fri: () => t`Friday`,
  sat: () => t`Saturday`, sun: () => t`Sunday`,
};
const WORKING_DAYS = "mon,tue,wed,thu,fri";
const WEEKEND = "sat,sun";
/** @type {Record<string, () => string>} */
const ATTACHMENTS = { image: () => t`an image`, file: () => t`a file` };

/**
 * @param {Rule} rule
 * @param {Names} names
 * @returns {string}
 */
export function describeRule(rule, names) {
  if (!isObject(rule)) return t`This is no rule.`;
  if ("python" in rule) return t`A function in Python decides.`;
  return `${describeConditions(rule.when, names)} ${describeAction(rule.then, names)}.`;
}

/**
 * @param {Rule} rule
 * @param {number} position
 * @returns {string} what a person calls it
 */
export function nameOfRule(rule, position) {
  const { name, id } = isObject(rule) ? rule : {};
  const named = [name, id].find((text) => typeof text === "string" && text.trim());
  return /** @type {string | undefined} */ (named) ?? t`Rule ${position + 1}`;
}

/** @type {Record<string, (value: any, names: Names) => string>} In the order in which they are told. */
const CONDITIONS = {
  provider: (value, names) => listed(texts(value), (id) => names.providers[id] ?? quoted(id), (all) => t`to ${all}`),
  model: (value) => listed(texts(value), quoted, (all) => t`for the model ${all}`),
  tokens: (value) => describeTokens(objectOf(value)),
  attachments: (value) => listed(texts(value), (kind) => ATTACHMENTS[kind]?.() ?? quoted(kind), (all) => t`with ${all}`),
  has_tools: (value) => (typeof value === "boolean" ? (value ? t`with tools` : t`without tools`) : ""),
  tags: (value) => listed(texts(value), quoted, (all) => t`tagged ${all}`),
  time: (value) => describeTime(objectOf(value)),
};

/**
 * A condition that is left out would make the rule sound as if it were for more than it says.
 *
 * @param {unknown} when
 * @param {Names} names
 */
function describeConditions(when, names) {
  if (!isObject(when)) return t`Requests that are not understood`;
  const unknown = Object.keys(when).filter((name) => !(name in CONDITIONS));
  const parts = [...Object.keys(CONDITIONS).filter((name) => name in when), ...unknown].map((name) =>
    CONDITIONS[name]?.(when[name], names) || t`with ${quoted(name)} (not understood)`);
  if (!parts.length) return t`All requests`;
  return `${t`Requests ${parts.join(", ")}`}${parts.length > 1 ? "," : ""}`;
}

/** @param {{min?: unknown, max?: unknown}} tokens */
function describeTokens({ min, max }) {
  const [least, most] = [number(min), number(max)];
  if (least && most) return t`of ${least} to ${most} tokens`;
  if (least) return t`of ${least} tokens or more`;
  return most && t`of ${most} tokens at most`;
}

/** @param {{from?: unknown, to?: unknown, days?: unknown}} time */
function describeTime({ from, to, days }) {
  const hours = typeof from === "string" && typeof to === "string" ? t`from ${from} to ${to}` : "";
  return [hours, describeDays(texts(days))].filter(Boolean).join(" ");
}

/** @param {string[]} days */
function describeDays(days) {
  const order = Object.keys(DAYS);
  const sorted = [...days].sort((one, other) => order.indexOf(one) - order.indexOf(other));
  if (sorted.join() === WORKING_DAYS) return t`on working days`;
  if (sorted.join() === WEEKEND) return t`at the weekend`;
  return listed(sorted, (day) => /** @type {Record<string, () => string>} */ (DAYS)[day]?.() ?? quoted(day), (all) => t`on ${all}`, "and");
}

/**
 * @param {RuleAction | null | undefined} then
 * @param {Names} names
 * @returns {string} what happens to these requests, as the end of a sentence about them
 */
export function describeAction(then, names) {
  const { model, timeout } = objectOf(then);
  const parts = [
    typeof model === "string" && t`are answered by ${describeModel(model, names)} instead`,
    describeWay(objectOf(then), names),
    number(timeout) && t`wait up to ${number(timeout)} s for an answer to begin`,
  ].flatMap((part) => part || []);
  return joined(parts, "and") || t`go as they would without rules`;
}

/**
 * @param {RuleAction} then
 * @param {Names} names
 */
function describeWay({ policy, relays, strategy }, names) {
  const chosen = describeRelays(texts(relays), strategy, names);
  if (policy === "direct") return t`go directly and never over a relay`;
  if (policy === "relay") return t`go only over ${chosen || t`a relay`}`;
  if (policy === "auto") return t`go directly where that works, else over ${chosen || t`a relay`}`;
  return chosen && (texts(relays).length ? t`use no relay but ${chosen}` : t`use ${chosen}`);
}

/**
 * @param {string[]} relays
 * @param {RuleAction["strategy"]} strategy
 * @param {Names} names
 */
function describeRelays(relays, strategy, names) {
  if (relays.length === 1) return names.relays[relays[0]] ?? quoted(relays[0]);
  const all = relays.map((id) => names.relays[id] ?? quoted(id));
  if (strategy === "balanced") return all.length ? t`${joined(all, "or")}, whichever does best` : t`the relay that does best`;
  if (all.length) return all.reduce((before, next) => t`${before}, then ${next}`);
  return strategy === "order" ? t`relays in their order` : "";
}

/**
 * @param {string} model
 * @param {Names} names
 */
function describeModel(model, names) {
  const slash = model.indexOf("/");
  const provider = names.providers[model.slice(0, slash)];
  return provider ? t`${model.slice(slash + 1)} of ${provider}` : model;
}

// Words

/**
 * @param {string[]} words
 * @param {(word: string) => string} write
 * @param {(all: string) => string} put  where they belong
 * @param {"or" | "and"} [last]
 */
function listed(words, write, put, last = "or") {
  return words.length ? put(joined(words.map(write), last)) : "";
}

/**
 * @param {string[]} words
 * @param {"or" | "and"} last
 */
function joined(words, last) {
  const link = last === "or" ? t`or` : t`and`;
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(", ")} ${link} ${words.at(-1)}`;
}

/** @param {string} text */
function quoted(text) {
  return t`“${text}”`;
}

/** @param {unknown} value */
function number(value) {
  return typeof value === "number" ? formatNumber(value) : "";
}

/**
 * @param {unknown} value
 * @returns {string[]}
 */
export function texts(value) {
  return (Array.isArray(value) ? value : [value]).filter((one) => typeof one === "string");
}

/**
 * @template T
 * @param {T | null | undefined} value  of a document that may come from elsewhere
 * @returns {Partial<T>}
 */
function objectOf(value) {
  return isObject(value) ? /** @type {any} */ (value) : {};
}
