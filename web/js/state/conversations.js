// @ts-check
/**
 * Conversations, and how they change. A conversation is a tree: what was said otherwise stays beside what took its
 * place, with all that followed. What is shown is the thread from the beginning to `current`.
 *
 * @import { Answer } from "./answers.js"
 * @import { Attachment } from "./attachments.js"
 */
import { isRunning } from "./answers.js";
import { t } from "../words.js";

/**
 * @typedef {object} UserMessage
 * @property {string} id
 * @property {string | null} parent
 * @property {number} created  in milliseconds since 1970
 * @property {"user"} role
 * @property {string} content
 * @property {Attachment[]} [attachments]
 * @property {string[]} [compared]  the models that were asked side by side
 *
 * @typedef {UserMessage | Answer} Message
 *
 * @typedef {object} Head  a conversation without what was said in it
 * @property {string} id
 * @property {string} title
 * @property {number} created  in milliseconds since 1970
 * @property {number} updated
 * @property {boolean} isPinned
 * @property {string} system  the system prompt; empty for none
 * @property {Record<string, unknown>} parameters  as chosen, also those that the present model does not take
 * @property {string | null} current  id of the last message that is shown
 *
 * @typedef {Head & {messages: Record<string, Message>}} Conversation
 */

const TITLE_LENGTH = 60;
const DAY_MS = 24 * 3600 * 1000;

/**
 * @param {string} id
 * @param {number} now
 * @returns {Conversation}
 */
export function newConversation(id, now) {
  return {
    id, title: t`New chat`, created: now, updated: now, isPinned: false, system: "", parameters: {}, current: null,
    messages: {},
  };
}

/**
 * @param {Conversation} conversation
 * @returns {Head}
 */
export function headOf({ messages: _, ...head }) {
  return head;
}

/**
 * @param {Head[]} heads
 * @param {Head} head
 * @returns {Head[]} as `inOrder` orders them
 */
export function withHead(heads, head) {
  return inOrder([...heads.filter(({ id }) => id !== head.id), head]);
}

/**
 * @param {Head[]} heads
 * @returns {Head[]} the pinned ones first, each kind newest first
 */
export function inOrder(heads) {
  return heads.toSorted((a, b) => Number(b.isPinned) - Number(a.isPinned) || b.updated - a.updated);
}

/**
 * @param {Head[]} heads  as `inOrder` orders them
 * @param {number} now
 * @returns {{age: "pinned" | "today" | "yesterday" | "week" | "earlier", heads: Head[]}[]} by the reader's own days
 */
export function groupedByAge(heads, now) {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  /** @param {Head} head */
  const ageOf = ({ isPinned, updated }) => {
    if (isPinned) return "pinned";
    if (updated >= midnight) return "today";
    if (updated >= midnight - DAY_MS) return "yesterday";
    return updated >= midnight - 7 * DAY_MS ? "week" : "earlier";
  };
  return [...Map.groupBy(heads, ageOf)].map(([age, group]) => ({ age, heads: group }));
}

/**
 * @param {string} text
 * @returns {string}
 */
export function titleFrom(text) {
  const line = text.trim().split("\n", 1)[0].trim();
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH - 1).trimEnd()}…` : line;
}

// The tree

/**
 * @param {Conversation} conversation
 * @param {string | null} [leaf]  the last message
 * @returns {Message[]} from the first message to the last
 */
export function thread({ messages, current }, leaf = current) {
  const found = [];
  const seen = new Set();
  for (let id = leaf; id && messages[id] && !seen.has(id); id = messages[id].parent) {
    seen.add(id);
    found.push(messages[id]);
  }
  return found.reverse();
}

/** @type {WeakMap<Record<string, Message>, Map<string | null, Message[]>>} */
const families = new WeakMap();

/**
 * @param {Conversation} conversation
 * @param {string | null} parent
 * @returns {Message[]} what directly follows it, oldest first
 */
export function childrenOf({ messages }, parent) {
  let family = families.get(messages);
  if (!family) {
    family = Map.groupBy(Object.values(messages), (message) => message.parent);
    for (const children of family.values()) children.sort((a, b) => a.created - b.created);
    families.set(messages, family);
  }
  return family.get(parent) ?? [];
}

/**
 * @param {Conversation} conversation
 * @param {Message} message
 * @returns {Message[]} what was said in its place, itself among it, oldest first
 */
export function versionsOf(conversation, message) {
  const versions = childrenOf(conversation, message.parent).filter(({ role }) => role === message.role);
  if (message.role === "user") return versions;
  const { compared } = comparisonOf(conversation, message);
  const own = compared.length ? versions.filter((other) => /** @type {Answer} */ (other).model === message.model) : versions;
  // An answer that never began is no version, unless it is the one that is looked at.
  return own.filter((version) => version.content || version.id === message.id || isRunning(version));
}

/**
 * @param {Conversation} conversation
 * @param {string} id
 * @returns {string} the end of what followed it most lately
 */
export function leafBelow(conversation, id) {
  for (let last = childrenOf(conversation, id).at(-1); last; last = childrenOf(conversation, id).at(-1)) id = last.id;
  return id;
}

/**
 * @param {Conversation} conversation
 * @param {string} id
 * @param {"earlier" | "later"} direction
 * @returns {Conversation} with the neighbouring version in its place, and what followed that one
 */
export function turned(conversation, id, direction) {
  const versions = versionsOf(conversation, conversation.messages[id]);
  const next = versions[versions.findIndex((version) => version.id === id) + (direction === "earlier" ? -1 : 1)];
  return next ? { ...conversation, current: leafBelow(conversation, next.id) } : conversation;
}

// Comparing

/**
 * @param {Conversation} conversation
 * @param {Message} message
 * @returns {{question: UserMessage | null, compared: string[]}} the models that were asked side by side, if it answers
 *   such a question
 */
function comparisonOf({ messages }, message) {
  const parent = message.parent ? messages[message.parent] : undefined;
  const question = parent?.role === "user" ? parent : null;
  return { question, compared: question?.compared ?? [] };
}

/**
 * @param {Conversation} conversation
 * @param {Message} message
 * @returns {Answer[]} the answers that stand side by side, one of each model; empty where none were compared
 */
export function comparedWith(conversation, message) {
  const { question, compared } = comparisonOf(conversation, message);
  if (!question || compared.length < 2) return [];
  const answers = /** @type {Answer[]} */ (childrenOf(conversation, question.id));
  return compared.flatMap((model) => {
    const own = answers.filter((answer) => answer.model === model);
    const shown = own.find(({ id }) => id === message.id) ?? own.at(-1);
    return shown ? [shown] : [];
  });
}

/**
 * @param {Conversation} conversation
 * @param {string} id  of the answer that the conversation goes on from
 * @returns {Conversation}
 */
export function goingOnFrom(conversation, id) {
  return { ...conversation, current: leafBelow(conversation, id) };
}

// What is said

/**
 * @param {Conversation} conversation
 * @param {Omit<UserMessage, "parent" | "role">} said
 * @param {Answer[]} answers  to be filled; the first is the one that the conversation goes on from
 * @param {string | null} [parent]  what it follows
 * @returns {Conversation}
 */
export function asked(conversation, said, answers, parent = conversation.current) {
  const isFirst = Object.keys(conversation.messages).length === 0;
  const title = isFirst ? titleFrom(said.content) || said.attachments?.[0]?.name || conversation.title : conversation.title;
  const question = /** @type {UserMessage} */ ({ ...said, parent, role: "user" });
  const messages = { ...conversation.messages, [question.id]: question };
  for (const answer of answers) messages[answer.id] = { ...answer, parent: question.id };
  return { ...conversation, title, updated: said.created, current: answers[0].id, messages };
}

/**
 * @param {Conversation} conversation
 * @param {string} id  of the answer in whose place another one is wanted
 * @param {Answer} answer
 * @returns {Conversation}
 */
export function askedAgain(conversation, id, answer) {
  const { parent } = conversation.messages[id];
  const messages = { ...conversation.messages, [answer.id]: { ...answer, parent } };
  return { ...conversation, updated: answer.created, current: answer.id, messages };
}

/**
 * @param {Conversation} conversation
 * @param {string} id
 * @param {(answer: Answer) => Answer} change
 * @returns {Conversation}
 */
export function withAnswer(conversation, id, change) {
  const message = conversation.messages[id];
  if (message?.role !== "assistant") return conversation;
  return { ...conversation, messages: { ...conversation.messages, [id]: change(message) } };
}

/**
 * @param {Conversation} conversation
 * @param {string} leaf  the last message that is taken along
 * @param {{id: string, title: string, now: number}} copy
 * @returns {Conversation} a conversation of its own
 */
export function branched(conversation, leaf, { id, title, now }) {
  const messages = Object.fromEntries(thread(conversation, leaf).map((message) => [message.id, message]));
  return { ...conversation, id, title, created: now, updated: now, isPinned: false, current: leaf, messages };
}

/**
 * A conversation as it was stored, after the page that was writing it went away.
 *
 * @param {Conversation} conversation
 * @returns {Conversation}
 */
export function resumed(conversation) {
  const messages = Object.fromEntries(Object.entries(conversation.messages).map(([id, message]) => [id,
    isRunning(message) ? { .../** @type {Answer} */ (message), status: /** @type {const} */ ("interrupted") } : message]));
  return { ...conversation, messages };
}

/**
 * @param {Conversation | undefined} before
 * @param {Conversation} after
 * @returns {Message[]} those that are new or changed
 */
export function changedMessages(before, after) {
  return Object.values(after.messages).filter((message) => before?.messages[message.id] !== message);
}
