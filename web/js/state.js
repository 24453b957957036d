// @ts-check
/**
 * What the page knows, and how it changes: plain values in, plain values out. Nothing here touches the DOM,
 * the worker, storage or the clock.
 *
 * @import { ChatEvent, ChatResult, Config, Consent, Failure, Provider, Relay, Route, Timing, Usage, WireMessage }
 *   from "./protocol.js"
 */
import { CANCELLED } from "./protocol.js";

/**
 * @typedef {object} UserMessage
 * @property {string} id
 * @property {"user"} role
 * @property {string} content
 *
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

/** @returns {Config} */
export function emptyConfig() {
  return { version: 1, providers: [], relays: [], consents: [] };
}

// Conversations

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
 * @param {Message | undefined} message
 * @returns {boolean}
 */
export function isRunning(message) {
  return message?.role === "assistant" && (message.status === "waiting" || message.status === "streaming");
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

// Answers

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

// Configuration

/**
 * @template {{id: string}} T
 * @param {T[]} items
 * @param {T} item
 * @returns {T[]} with the item replaced in its place, or added at the end
 */
export function upserted(items, item) {
  return items.some(({ id }) => id === item.id)
    ? items.map((other) => (other.id === item.id ? item : other))
    : [...items, item];
}

/**
 * @param {Config} config
 * @param {Provider} provider
 * @returns {Config}
 */
export function withProvider(config, provider) {
  return { ...config, providers: upserted(config.providers, provider) };
}

/**
 * @param {Config} config
 * @param {string} id
 * @returns {Config}
 */
export function withoutProvider(config, id) {
  return {
    ...config,
    providers: config.providers.filter((provider) => provider.id !== id),
    consents: config.consents.filter((consent) => consent.provider !== id),
  };
}

/**
 * @param {Config} config
 * @param {Relay} relay
 * @returns {Config}
 */
export function withRelay(config, relay) {
  return { ...config, relays: upserted(config.relays, relay) };
}

/**
 * @param {Config} config
 * @param {string} id
 * @returns {Config}
 */
export function withoutRelay(config, id) {
  return {
    ...config,
    relays: config.relays.filter((relay) => relay.id !== id),
    consents: config.consents.filter((consent) => consent.relay !== id),
  };
}

/**
 * @param {Config} config
 * @param {Consent} consent
 * @returns {Config}
 */
export function withConsent(config, consent) {
  return { ...withoutConsent(config, consent), consents: [...withoutConsent(config, consent).consents, consent] };
}

/**
 * @param {Config} config
 * @param {Consent} revoked
 * @returns {Config}
 */
export function withoutConsent(config, revoked) {
  const consents = config.consents.filter(
    ({ relay, provider }) => relay !== revoked.relay || provider !== revoked.provider);
  return { ...config, consents };
}

/**
 * Puts an item taken out by `without…` back where it was, with the consents that went with it.
 *
 * @template {"providers" | "relays"} K
 * @param {Config} now
 * @param {Config} before
 * @param {K} kind
 * @param {string} id
 * @returns {Config}
 */
export function restored(now, before, kind, id) {
  const position = before[kind].findIndex((item) => item.id === id);
  if (position < 0) return now;
  const items = now[kind].filter((item) => item.id !== id);
  items.splice(position, 0, /** @type {any} */ (before[kind][position]));
  const field = kind === "providers" ? "provider" : "relay";
  const consents = before.consents.filter((consent) => consent[field] === id);
  return consents.reduce(withConsent, { ...now, [kind]: items });
}

/**
 * @param {string} wish a name or address
 * @param {string[]} taken
 * @returns {string} an identifier made of it that none of `taken` is
 */
export function freeId(wish, taken) {
  const base = wish.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "") || "item";
  let id = base;
  for (let number = 2; taken.includes(id); number++) id = `${base}-${number}`;
  return id;
}

// Pairing

/** A point of P-256, uncompressed, in base64url. */
const PUBLIC_KEY = /^B[A-Za-z0-9_-]{86}$/;

/**
 * @typedef {{url: string, token: string, name: string, public_key: string}} Pairing  `public_key` may be empty
 */

/**
 * Reads a pairing link, or its fragment alone.
 *
 * @param {string} link
 * @returns {Pairing | null} null where it is not a pairing link that can be understood
 */
export function parsePairing(link) {
  const encoded = /#relay=([A-Za-z0-9_-]+)=*\s*$/.exec(link)?.[1];
  if (!encoded) return null;
  try {
    const bytes = Uint8Array.from(atob(encoded.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
    return checkedPairing(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)));
  } catch {
    return null;
  }
}

/**
 * @param {Relay | undefined} known  the relay at the address of the pairing
 * @param {Pairing} pairing
 * @param {{canSeal: boolean}} page
 * @returns {Pick<Relay, "public_key" | "sealing">} a link without a key takes no key away
 */
export function pairedSealing(known, { public_key }, { canSeal }) {
  const isPinned = Boolean(known?.public_key);
  const level = public_key && canSeal ? "exchange" : "off";
  return { public_key: public_key || known?.public_key || "", sealing: isPinned ? known?.sealing : level };
}

/**
 * @param {any} data
 * @returns {Pairing | null}
 */
function checkedPairing(data) {
  const { url, token, name = "", key = "" } = data ?? {};
  if (![url, token, name, key].every((field) => typeof field === "string") || !token) return null;
  // A key that is damaged must not count as none.
  if (key && !PUBLIC_KEY.test(key)) return null;
  const { protocol, host, username, password } = new URL(url);
  if (!["http:", "https:"].includes(protocol) || username || password) return null;
  return { url, token, name: name.trim() || host, public_key: key };
}

// Models

/** What a model group's name begins with where a provider's id stands otherwise; no provider has it. */
export const GROUP = "group";

/**
 * @typedef {{id: string, name: string, models: {id: string, name: string}[]}} ModelGroup  one provider's models
 * @typedef {{value: string, label: string, group: string}} ModelOption
 */

/**
 * @param {string} model `provider-id/model-id`
 * @returns {{provider: string, model: string}}
 */
export function splitModel(model) {
  const slash = model.indexOf("/");
  return slash < 0 ? { provider: "", model } : { provider: model.slice(0, slash), model: model.slice(slash + 1) };
}

/**
 * @param {string} asked  a provider's id, or `provider-id/model-id`
 * @returns {string} the provider's id
 */
export function providerOf(asked) {
  return splitModel(asked).provider || asked;
}

/**
 * What the model box offers for what was typed: matching models, then the typed id itself for each provider
 * it could belong to.
 *
 * @param {ModelGroup[]} groups
 * @param {string} typed
 * @returns {ModelOption[]}
 */
export function modelOptions(groups, typed) {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const known = groups.flatMap((group) => group.models.map((model) =>
    ({ value: `${group.id}/${model.id}`, label: model.name || model.id, group: group.name })));
  const matching = known.filter(({ value, label, group }) => {
    const text = `${value} ${label} ${group}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  return [...matching, ...typedOptions(groups, typed.trim(), known)];
}

/**
 * @param {ModelGroup[]} groups
 * @param {string} typed
 * @param {ModelOption[]} known
 * @returns {ModelOption[]}
 */
function typedOptions(groups, typed, known) {
  const { provider: prefix, model } = splitModel(typed);
  if (!typed || /\s/.test(typed) || prefix === GROUP) return [];
  const providers = groups.filter(({ id }) => id !== GROUP);
  const owner = providers.find((group) => group.id === prefix);
  const candidates = owner && model ? [{ owner, id: model }] : providers.map((group) => ({ owner: group, id: typed }));
  return candidates
    .map(({ owner: group, id }) => ({ value: `${group.id}/${id}`, label: id, group: group.name }))
    .filter(({ value }) => !known.some((option) => option.value === value))
    .map((option) => ({ ...option, label: `Use “${option.label}”` }));
}
