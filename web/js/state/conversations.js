// @ts-check
/**
 * Conversations, and how they change.
 *
 * @import { WireMessage } from "../protocol.js"
 * @import { Answer } from "./answers.js"
 */
import { isRunning } from "./answers.js";

/**
 * @typedef {object} UserMessage
 * @property {string} id
 * @property {"user"} role
 * @property {string} content
 *
 * @typedef {UserMessage | Answer} Message
 *
 * @typedef {object} Conversation
 * @property {string} id
 * @property {string} title
 * @property {number} updated
 * @property {Message[]} messages
 *
 * @typedef {{id: string, title: string, updated: number}} Summary
 */

const TITLE_LENGTH = 60;

/**
 * @param {string} id
 * @param {number} now
 * @returns {Conversation}
 */
export function newConversation(id, now) {
  return { id, title: "New chat", updated: now, messages: [] };
}

/**
 * @param {Conversation} conversation
 * @returns {Summary}
 */
export function summaryOf({ id, title, updated }) {
  return { id, title, updated };
}

/**
 * @param {Summary[]} summaries
 * @param {Summary} summary
 * @returns {Summary[]} newest first
 */
export function withSummary(summaries, summary) {
  const others = summaries.filter(({ id }) => id !== summary.id);
  return [...others, summary].sort((a, b) => b.updated - a.updated);
}

/**
 * @param {string} text
 * @returns {string}
 */
export function titleFrom(text) {
  const line = text.trim().split("\n", 1)[0].trim();
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH - 1).trimEnd()}…` : line;
}

/**
 * @param {Conversation} conversation
 * @param {string} text
 * @param {Answer} answer
 * @param {{id: string, now: number}} at
 * @returns {Conversation}
 */
export function asked(conversation, text, answer, { id, now }) {
  const title = conversation.messages.length ? conversation.title : titleFrom(text);
  const question = /** @type {UserMessage} */ ({ id, role: "user", content: text });
  return { ...conversation, title, updated: now, messages: [...conversation.messages, question, answer] };
}

/**
 * @param {Conversation} conversation
 * @param {Answer} answer  takes the place of the last answer, which is kept beside it if it says anything
 * @returns {Conversation}
 */
export function askedAgain(conversation, answer) {
  const last = /** @type {Answer} */ (conversation.messages.at(-1));
  const earlier = [...last.earlier, alone(last), ...last.later].filter(({ content }) => content);
  return { ...conversation, messages: [...conversation.messages.slice(0, -1), { ...answer, earlier }] };
}

/**
 * @param {Answer} answer
 * @param {"earlier" | "later"} direction
 * @returns {Answer} its neighbour, in its place
 */
export function turned(answer, direction) {
  const { earlier, later } = answer;
  const next = direction === "earlier" ? earlier.at(-1) : later[0];
  if (!next) return answer;
  return direction === "earlier"
    ? { ...next, earlier: earlier.slice(0, -1), later: [alone(answer), ...later] }
    : { ...next, earlier: [...earlier, alone(answer)], later: later.slice(1) };
}

/**
 * @param {Answer} answer
 * @returns {Answer}
 */
function alone(answer) {
  return { ...answer, earlier: [], later: [] };
}

/**
 * @param {Conversation} conversation
 * @param {string} id
 * @param {(answer: Answer) => Answer} change
 * @returns {Conversation}
 */
export function withAnswer(conversation, id, change) {
  const messages = conversation.messages.map((message) =>
    message.role === "assistant" && message.id === id ? change(message) : message);
  return { ...conversation, messages };
}

/**
 * A conversation as it was stored, after the page that was writing it went away.
 *
 * @param {Conversation} conversation
 * @returns {Conversation}
 */
export function resumed(conversation) {
  const messages = conversation.messages.map((message) =>
    isRunning(message) ? { .../** @type {Answer} */ (message), status: /** @type {const} */ ("interrupted") } : message);
  return { ...conversation, messages };
}

/**
 * What the provider is sent: everything said so far, without answers that never began. A model gets its own answers
 * back as they came; another's signatures would mean nothing to it.
 *
 * @param {Message[]} messages
 * @param {string} model  the model that is asked
 * @returns {WireMessage[]}
 */
export function wireMessages(messages, model) {
  return messages.filter(({ content }) => content).map((message) => wireMessage(message, model));
}

/**
 * @param {Message} message
 * @param {string} model
 * @returns {WireMessage}
 */
function wireMessage(message, model) {
  const isOwn = message.role === "assistant" && (message.taken?.model ?? message.model) === model;
  return (isOwn && message.wire) || { role: message.role, content: message.content };
}
