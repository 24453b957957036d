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
 * @property {"assistant"} role
 * @property {string} model
 * @property {string} content
 * @property {string} reasoning
 * @property {ToolCall[]} toolCalls
 * @property {AnswerStatus} status
 * @property {Route | null} route
 * @property {string} reason
 * @property {{model: string, reason: string} | null} [taken]  another model than the one asked for, and why
 * @property {boolean} [isKept]  whether the answer was kept from an earlier, identical request
 * @property {{route: Route, error: Failure}[]} detours
 * @property {Retrying | null} retrying
 * @property {Failure | null} error
 * @property {Usage | null} usage
 * @property {Timing | null} timing
 * @property {string} finishReason
 * @property {WireMessage | null} [wire]  the turn as its provider wants it back, with its signatures
 * @property {Answer[]} earlier  other answers to the same question, before this one
 * @property {Answer[]} later  and after it
 */

/**
 * @param {string} id
 * @param {string} model
 * @returns {Answer}
 */
export function newAnswer(id, model) {
  return {
    id, role: "assistant", model, content: "", reasoning: "", toolCalls: [], status: "waiting", route: null,
    reason: "", detours: [], retrying: null, error: null, usage: null, timing: null, finishReason: "", earlier: [],
    later: [],
  };
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
 * @returns {Answer}
 */
export function withEvents(answer, events) {
  /** @type {Answer} */
  const next = { ...answer, status: "streaming" };
  for (const event of events) apply(next, event);
  return next;
}

/**
 * @param {Answer} answer a fresh copy, safe to change
 * @param {ChatEvent} event
 */
function apply(answer, event) {
  answer.retrying = event.type === "retrying" ? event : null;
  switch (event.type) {
    case "model_taken":
      answer.taken = { model: event.model, reason: event.reason };
      break;
    case "route_taken":
      answer.route = event.route;
      answer.reason = event.reason;
      answer.isKept = event.is_cached;
      break;
    case "route_failed":
      answer.detours = [...answer.detours, { route: event.route, error: event.error }];
      break;
    case "text_delta":
      answer.content += event.text;
      break;
    case "reasoning_delta":
      answer.reasoning += event.text;
      break;
    case "tool_call_delta":
      answer.toolCalls = withToolCall(answer.toolCalls, event);
      break;
    case "usage":
      answer.usage = event;
      break;
    case "finished":
      answer.finishReason = event.reason;
      break;
  }
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
 * @returns {Answer}
 */
export function finished(answer, result) {
  return {
    ...answer, status: "done", finishReason: result.finish_reason, usage: result.usage ?? answer.usage,
    timing: result.timing, route: answer.route ?? result.route, wire: result.message,
  };
}

/**
 * @param {Answer} answer
 * @param {Failure} failure
 * @returns {Answer}
 */
export function failed(answer, failure) {
  if (failure.type === CANCELLED) return { ...answer, status: "stopped" };
  return { ...answer, status: "failed", error: failure, route: answer.route ?? failure.route };
}
