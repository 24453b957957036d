// @ts-check
/**
 * The messages between the page and its worker, as types. `docs/protocol.md` is the contract they follow.
 *
 * @typedef {"loading" | "installing" | "ready" | "failed"} Phase
 *
 * @typedef {object} Provider
 * @property {string} id
 * @property {string} kind
 * @property {string} name
 * @property {string} base_url
 * @property {string} dialect
 * @property {Record<string, string>} headers
 * @property {"auto" | "direct" | "relay"} route
 * @property {string[]} models
 *
 * @typedef {object} Relay
 * @property {string} id
 * @property {string} name
 * @property {string} url
 *
 * @typedef {{relay: string, provider: string}} Consent
 *
 * @typedef {object} Config
 * @property {1} version
 * @property {Provider[]} providers
 * @property {Relay[]} relays
 * @property {Consent[]} consents
 *
 * @typedef {object} Secrets
 * @property {Record<string, string>} providers
 * @property {Record<string, string>} relays
 *
 * @typedef {object} CatalogueEntry
 * @property {string} id
 * @property {string} name
 * @property {string} base_url  empty where the user must give it
 * @property {string} base_url_hint  the form of such an address
 * @property {Record<string, string>} alternatives  other addresses, by what they are for
 * @property {string} dialect
 * @property {string} key_url
 * @property {boolean} key_required
 * @property {string[]} models
 * @property {string[]} notes
 * @property {string} warning
 * @property {{verdict: "open" | "blocked" | "unknown", date: string, source: string}} cors
 *
 * @typedef {{item: string, field: string, message: string}} Problem
 * @typedef {{id: string, name: string}} Model  with what else is known of it, which the page only hands back
 * @typedef {{models: Model[], fetched_at: number}} ModelList  seconds since 1970
 *
 * @typedef {object} Route
 * @property {"direct" | "relay"} kind
 * @property {string | null} relay
 * @property {string} label
 *
 * @typedef {{route: Route, included: boolean, reason: string}} ExplainedRoute
 *
 * @typedef {object} Failure
 * @property {string} type
 * @property {string} message
 * @property {string} remedy
 * @property {"provider" | "relay" | "browser" | "configuration" | "client"} origin
 * @property {number | null} status
 * @property {string | null} code
 * @property {string | null} param
 * @property {boolean} retryable
 * @property {Route | null} route
 * @property {{route: Route, error: Failure}[]} attempts
 * @property {string[]} consent_needed
 * @property {string | null} request_id
 * @property {number | null} retry_after_seconds
 * @property {string | null} resets_at
 *
 * @typedef {object} Usage
 * @property {number | null} input_tokens
 * @property {number | null} output_tokens
 * @property {number | null} [reasoning_tokens]
 * @property {number | null} [cached_tokens]
 *
 * @typedef {{type: "route_taken", route: Route, reason: string}
 *   | {type: "route_failed", route: Route, error: Failure}
 *   | {type: "retrying", wait_ms: number, attempt: number, error: Failure}
 *   | {type: "text_delta" | "reasoning_delta", text: string}
 *   | {type: "reasoning_signature", signature: string, id: string, is_redacted: boolean}
 *   | {type: "tool_call_delta", index: number, id?: string | null, name?: string | null, arguments?: string | null}
 *   | ({type: "usage"} & Usage)
 *   | {type: "finished", reason: string}} ChatEvent
 *
 * @typedef {{first_token_ms: number | null, total_ms: number | null}} Timing
 *
 * @typedef {object} ChatResult
 * @property {string} finish_reason
 * @property {Usage | null} usage
 * @property {Route | null} route
 * @property {Timing | null} timing
 * @property {WireMessage} message  the turn, for the next request as it is
 *
 * @typedef {{role: string, content: unknown}} WireMessage  OpenAI's form, with `reasoning_parts` beside it
 *
 * @typedef {object} Commands  What each command takes and gives.
 * @property {{payload: {config: Config, secrets: Secrets, evidence: unknown[], models: Record<string, ModelList>,
 *     page_origin: string},
 *   value: {problems: Problem[]}}} configure
 * @property {{payload: {provider: Provider, api_key: string},
 *   value: {provider: Provider, api_key: string, problems: Problem[], notes: string[]}}} check_provider
 * @property {{payload: {relay: Relay, token: string},
 *   value: {relay: Relay, token: string, problems: Problem[], notes: string[]}}} check_relay
 * @property {{payload: {relay: Relay, token: string},
 *   value: {version: string, latency_ms: number, providers: string[]}}} test_relay
 * @property {{payload: {provider: string, refresh?: boolean},
 *   value: {models: Model[], source: "live" | "curated" | "manual", error: Failure | null, fetched_at: number | null,
 *     is_stale: boolean}}} models
 * @property {{payload: {model: string}, value: {routes: ExplainedRoute[]}}} explain
 * @property {{payload: {model: string, messages: WireMessage[], parameters: Record<string, unknown>},
 *   value: ChatResult}} chat
 * @property {{payload: {target: number}, value: {stopped: boolean}}} stop
 * @property {{payload: {provider: string}, value: {}}} forget_evidence
 *
 * @typedef {{id: number, command: string, payload: object}} CommandFrame
 * @typedef {{kind: "status", phase: Phase, detail: string, elapsed_ms: number}} StatusFrame
 * @typedef {{kind: "events", id: number, events: ChatEvent[]}} EventsFrame
 * @typedef {{kind: "result", id: number, value: any}} ResultFrame
 * @typedef {{kind: "error", id: number, error: Failure}} ErrorFrame
 * @typedef {{kind: "evidence", evidence: unknown[]}} EvidenceFrame
 * @typedef {StatusFrame | EventsFrame | ResultFrame | ErrorFrame | EvidenceFrame} Frame
 */

/** @type {"Cancelled"} The error type of a command that `stop` ended. */
export const CANCELLED = "Cancelled";

/**
 * A failure raised on JavaScript's side of the worker, in the shape Python's own failures have.
 *
 * @param {string} type
 * @param {string} message
 * @param {string} [remedy]
 * @returns {Failure}
 */
export function localFailure(type, message, remedy = "") {
  return {
    type, message, remedy, origin: "client", status: null, code: null, param: null, retryable: true, route: null,
    attempts: [], consent_needed: [], request_id: null, retry_after_seconds: null, resets_at: null,
  };
}
