// @ts-check
/**
 * One answer, and how it grows. Plain values in, plain values out, as everywhere in this folder.
 *
 * @import { ChatEvent, ChatResult, Failure, Route, Timing, Usage, WireMessage } from "../protocol.js"
 * @import { Message } from "./conversations.js"
 */
import { CANCELLED } from "../protocol.js";

/**
 * @typedef {{id: string, name: string, arguments: string}} ToolCall
 * @typedef {{wait_ms: number, attempt: number, error: Failure}} Retrying  why and how long nothing is sent yet
 * @typedef {"waiting" | "streaming" | "done" | "stopped" | "failed" | "interrupted"} AnswerStatus
 *
 * @typedef {object} Answer
 * @property {string} id
 * @property {string | null} parent  the message that it answers
 * @property {number} created  in milliseconds since 1970
 * @property {"assistant"} role
 * @property {string} model
 * @property {string} content
 * @property {string} reasoning
 * @property {ToolCall[]} toolCalls
 * @property {AnswerStatus} status
 * @property {Route | null} route
 * @property {string} reason
 * @property {{model: string, reason: string} | null} [taken]  another model than the one asked for, and why
 * @property {{id: string, name: string} | null} [rule]  the one that decided how it goes
 * @property {boolean} [isKept]  whether the answer was kept from an earlier, identical request
 * @property {{route: Route, error: Failure}[]} detours
 * @property {Retrying | null} retrying
 * @property {Failure | null} error
 * @property {Usage | null} usage
 * @property {Timing | null} timing
 * @property {string} finishReason
 * @property {WireMessage | null} [wire]  the turn as its provider wants it back, with its signatures
 * @property {number | null} [thinkingSince]  in milliseconds since 1970; null while it does not think
 * @property {number} [thoughtFor]  in milliseconds
 * @property {boolean} [isRedacted]  whether the provider keeps some of the reasoning to itself
 * @property {number | null} [cost]  in dollars, where the model's prices are known
 * @property {Usage | null} [spent]  what earlier requests for the same answer used, where it was continued
 */

/**
 * @param {string} id
 * @param {string} model
 * @param {number} created  in milliseconds since 1970
 * @returns {Answer}
 */
export function newAnswer(id, model, created) {
  return {
    id, parent: null, created, role: "assistant", model, content: "", reasoning: "", toolCalls: [], status: "waiting",
    route: null, reason: "", detours: [], retrying: null, error: null, usage: null, timing: null, finishReason: "",
  };
}

/**
 * @param {Answer} answer
 * @returns {boolean} whether the model can be asked to go on with it
 */
export function isUnfinished({ status, content, finishReason }) {
  if (!content) return false;
  return ["stopped", "interrupted", "failed"].includes(status) || (status === "done" && finishReason === "length");
}

/**
 * @param {Answer} answer
 * @returns {Answer} about to grow again
 */
export function continued(answer) {
  return { ...answer, status: "waiting", error: null, finishReason: "", wire: null, spent: answer.usage, timing: null };
}

/**
 * @param {Message | undefined} message
 * @returns {boolean}
 */
export function isRunning(message) {
  return message?.role === "assistant" && (message.status === "waiting" || message.status === "streaming");
}

/**
 * @param {Answer} answer
 * @param {ChatEvent[]} events
 * @param {number} now  in milliseconds since 1970
 * @returns {Answer}
 */
export function withEvents(answer, events, now) {
  /** @type {Answer} */
  const next = { ...answer, status: "streaming" };
  for (const event of events) apply(next, event, now);
  return next;
}

/**
 * @param {Answer} answer a fresh copy, safe to change
 * @param {ChatEvent} event
 * @param {number} now
 */
function apply(answer, event, now) {
  answer.retrying = event.type === "retrying" ? event : null;
  if (["text_delta", "tool_call_delta", "finished"].includes(event.type)) endThinking(answer, now);
  switch (event.type) {
    case "model_taken":
      answer.taken = { model: event.model, reason: event.reason };
      break;
    case "route_taken":
      answer.route = event.route;
      answer.reason = event.reason;
      answer.isKept = event.is_cached;
      answer.rule = event.rule;
      break;
    case "route_failed":
      answer.detours = [...answer.detours, { route: event.route, error: event.error }];
      break;
    case "text_delta":
      answer.content += event.text;
      break;
    case "reasoning_delta":
      answer.thinkingSince ??= now;
      answer.reasoning += event.text;
      break;
    case "reasoning_signature":
      answer.isRedacted ||= event.is_redacted;
      break;
    case "tool_call_delta":
      answer.toolCalls = withToolCall(answer.toolCalls, event);
      break;
    case "usage":
      answer.usage = added(answer.spent, event);
      break;
    case "finished":
      answer.finishReason = event.reason;
      break;
  }
}

/** @param {Answer} answer a fresh copy, safe to change @param {number} now */
function endThinking(answer, now) {
  if (answer.thinkingSince == null) return;
  answer.thoughtFor = (answer.thoughtFor ?? 0) + now - answer.thinkingSince;
  answer.thinkingSince = null;
}

/**
 * @param {ToolCall[]} calls
 * @param {{index: number, id?: string | null, name?: string | null, arguments?: string | null}} delta
 * @returns {ToolCall[]}
 */
function withToolCall(calls, delta) {
  const before = calls[delta.index] ?? { id: "", name: "", arguments: "" };
  const next = [...calls];
  next[delta.index] = {
    id: delta.id || before.id,
    name: delta.name || before.name,
    arguments: before.arguments + (delta.arguments ?? ""),
  };
  return next;
}

/**
 * @param {Answer} answer
 * @param {ChatResult} result
 * @param {number} now  in milliseconds since 1970
 * @returns {Answer}
 */
export function finished(answer, result, now) {
  return {
    ...thoughtToEnd(answer, now), cost: withCost(answer, result.cost), status: "done", finishReason: result.finish_reason,
    usage: result.usage ? added(answer.spent, result.usage) : answer.usage, timing: result.timing,
    // Of an answer in pieces the provider has signed only the last one.
    route: answer.route ?? result.route, wire: answer.spent === undefined ? result.message : null,
  };
}

/**
 * @param {Usage | null | undefined} before
 * @param {Usage} usage
 * @returns {Usage}
 */
function added(before, usage) {
  if (!before) return usage;
  /** @param {keyof Usage} name */
  const sum = (name) => (before[name] == null && usage[name] == null ? null : (before[name] ?? 0) + (usage[name] ?? 0));
  return {
    input_tokens: sum("input_tokens"), output_tokens: sum("output_tokens"), reasoning_tokens: sum("reasoning_tokens"),
    cached_tokens: sum("cached_tokens"),
  };
}

/**
 * @param {Answer} answer
 * @param {number | null} cost  of the last request, in dollars
 * @returns {number | null} of all the requests for it; unknown where that of one is
 */
function withCost({ spent, cost: before }, cost) {
  if (cost === null || spent == null) return cost;
  return before == null ? null : before + cost;
}

/**
 * @param {Answer} answer
 * @param {Failure} failure
 * @param {number} now  in milliseconds since 1970
 * @returns {Answer}
 */
export function failed(answer, failure, now) {
  const ended = { ...thoughtToEnd(answer, now), retrying: null };
  if (failure.type === CANCELLED) return { ...ended, status: "stopped" };
  return { ...ended, status: "failed", error: failure, route: answer.route ?? failure.route };
}

/** @param {Answer} answer @param {number} now @returns {Answer} */
function thoughtToEnd(answer, now) {
  const ended = { ...answer };
  endThinking(ended, now);
  return ended;
}
