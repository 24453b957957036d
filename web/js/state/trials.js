// @ts-check
/**
 * A request made up to try rules with. It goes to the rules alone.
 *
 * @import { WireMessage } from "../protocol.js"
 */
import { splitList } from "./rule_drafts.js";
import { DAYS } from "./rules.js";

/**
 * @typedef {object} Trial
 * @property {string} model
 * @property {string} text
 * @property {string} tokens  how long the conversation was before
 * @property {string} time  of day, `hh:mm`; now where it is empty
 * @property {string} day  `mon` … `sun`; today where it is empty
 * @property {string} with  of `image`, `file` and `tools`, a list
 * @property {string} tags  a list
 */

/** @type {Record<string, object>} */
const PARTS = {
  image: { type: "image_url", image_url: { url: "data:image/png;base64,AA==" } },
  file: { type: "file", file: { filename: "any.pdf", file_data: "data:application/pdf;base64,AA==" } },
};
const ANY_TOOL = { type: "function", function: { name: "any", parameters: { type: "object" } } };
const BYTES_A_TOKEN = 4;
const MOST_TOKENS = 2_000_000;

/** @returns {Trial} */
export function newTrial() {
  return { model: "", text: "", tokens: "", time: "", day: "", with: "", tags: "" };
}

/**
 * @param {Trial} trial
 * @returns {{model: string, messages: WireMessage[], tags: string[], parameters: Record<string, unknown>}}
 */
export function wireTrial({ model, text, tokens, with: withText, tags }) {
  const having = splitList(withText);
  const earlier = Math.min(Number(tokens.replace(/\D/g, "")), MOST_TOKENS);
  const said = earlier ? [{ role: "assistant", content: "x".repeat(earlier * BYTES_A_TOKEN) }] : [];
  const parts = having.flatMap((kind) => PARTS[kind] ?? []);
  const content = parts.length ? [{ type: "text", text }, ...parts] : text;
  return {
    model, messages: [...said, { role: "user", content }], tags: splitList(tags),
    parameters: having.includes("tools") ? { tools: [ANY_TOOL] } : {},
  };
}

/**
 * @param {Trial} trial
 * @param {Date} now
 * @returns {{minute: number, weekday: number} | null} null for now
 */
export function localTimeOf({ time, day }, now) {
  if (!time && !day) return null;
  const [hour, minute] = time ? time.split(":").map(Number) : [now.getHours(), now.getMinutes()];
  const weekday = day ? Object.keys(DAYS).indexOf(day) : (now.getDay() + 6) % 7;
  return { minute: hour * 60 + minute, weekday };
}
