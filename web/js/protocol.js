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
 * @property {string} [auth]  how the key is sent, where it is not as the catalogue has it
 * @property {Record<string, object>} [extras]  as of the configuration
 *
 * @typedef {object} Relay
 * @property {string} id
 * @property {string} name
 * @property {string} url
 * @property {string} [public_key]  what is sealed to it; empty without
 * @property {SealingLevel} [sealing]
 * @property {number} [group]  those of a higher one are tried after those of the lower ones
 * @property {number} [weight]  its share within its group
 *
 * @typedef {"off" | "key" | "exchange"} SealingLevel  what the host in front of a relay does not see: nothing is hidden
 *   from it, the provider's key, everything
 *
 * @typedef {{relay: string, provider: string}} Consent
 *
 * @typedef {object} Config
 * @property {number} version
 * @property {Provider[]} providers
 * @property {Relay[]} relays
 * @property {Consent[]} consents
 * @property {Rule[]} [rules]
 * @property {ModelGroup[]} [groups]
 * @property {Options} [options]
 * @property {Record<string, object>} [extras]  what other clients' documents said and has no place here
 *
 * @typedef {{kind: "key_needed" | "changed" | "set_aside" | "kept" | "left_out" | "off" | "code", item: string,
 *   message: string}} Finding
 * @typedef {{cipher: string, kdf: string, iterations: number, salt: string, iv: string, data: string}} Sealed  base64
 *
 * @typedef {object} Imported
 * @property {string} format
 * @property {string} title
 * @property {Config} document
 * @property {Record<"providers" | "relays", string[]>} secrets  whose keys are in it
 * @property {Finding[]} findings
 * @property {Partial<Sealed> | null} sealed  what a passphrase opens; all else is empty then
 *
 * @typedef {"keep" | "replace" | "both"} MergeChoice
 * @typedef {{key: string, kind: "provider" | "relay" | "consent" | "rule" | "group" | "option", name: string,
 *   state: "new" | "same" | "changed" | "conflict", target: string, differences: string[], proposal: MergeChoice}} Change
 * @typedef {{text: string} | {entries: Record<string, string>}} ImportSource  `entries` of other apps' storage
 * @typedef {"sidestep" | "opencode" | "litellm" | "open-webui" | "env" | "relay"} ExportFormat
 *
 * @typedef {object} RuleConditions
 * @property {string | string[]} [provider]
 * @property {string | string[]} [model]
 * @property {{min?: number, max?: number}} [tokens]
 * @property {string[]} [attachments]
 * @property {boolean} [has_tools]
 * @property {{from?: string, to?: string, days?: string[]}} [time]
 * @property {string[]} [tags]
 *
 * @typedef {object} RuleAction
 * @property {"auto" | "direct" | "relay"} [policy]
 * @property {string[]} [relays]
 * @property {"order" | "balanced"} [strategy]
 * @property {number} [timeout]
 * @property {string} [model]
 *
 * @typedef {object} Rule  with `when` and `then`, or with `python`
 * @property {string} [id]
 * @property {string} [name]
 * @property {boolean} [enabled]
 * @property {RuleConditions} [when]
 * @property {RuleAction} [then]
 * @property {string} [python]
 *
 * @typedef {{id: string, name: string, outcome: "decides" | "matches" | "differs" | "failed" | "off" | "broken",
 *   message: string, then: RuleAction | null}} RuleOutcome
 *
 * @typedef {object} ModelGroup
 * @property {string} [name]
 * @property {"order" | "weighted"} [strategy]
 * @property {{model?: string, weight?: number}[]} [members]
 *
 * @typedef {{shares_requests?: boolean, caches_answers?: boolean, cache_lifetime?: number}} Options
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
 * @typedef {object} Model  what its provider does not say is null or missing
 * @property {string} id
 * @property {string} name
 * @property {number | null} [context_length]  in tokens, of a request and its answer together
 * @property {number | null} [max_output]  in tokens
 * @property {boolean | null} [has_vision]
 * @property {boolean | null} [has_tools]
 * @property {boolean | null} [has_reasoning]
 * @property {number | null} [input_price]  in US dollars for a million tokens
 * @property {number | null} [output_price]
 *
 * @typedef {object} Offer  a parameter that a model takes
 * @property {string} name  the field of a chat's `parameters`
 * @property {"number" | "integer" | "texts" | "choice"} kind
 * @property {number | null} minimum
 * @property {number | null} maximum
 * @property {string[]} choices
 *
 * @typedef {{models: Model[], fetched_at: number}} ModelList  seconds since 1970
 *
 * @typedef {object} Route
 * @property {"direct" | "relay"} kind
 * @property {string | null} relay
 * @property {string} label
 *
 * @typedef {{route: Route, included: boolean, resting: boolean, reason: string}} ExplainedRoute
 * @typedef {{way: "direct" | "relay required" | "either" | "unknown", since: number | null, basis: string}} Classification
 * @typedef {{since: number, until: number, reason: string}} Outage
 *
 * @typedef {object} Explanation
 * @property {ExplainedRoute[]} routes
 * @property {Classification} classification
 * @property {Outage | null} outage
 *
 * @typedef {{providers: Record<string, {last_success: number | null}>}} Overview  with more that the page does not use
 *
 * @typedef {object} Attempt  one try of one route; null where it is not known
 * @property {number} at  seconds since 1970
 * @property {string} provider
 * @property {string} model
 * @property {string} route  `direct`, or a relay's id
 * @property {string} outcome  `ok`, or an error's type
 * @property {number | null} first_token  in seconds
 * @property {number | null} total  in seconds
 * @property {number | null} input_tokens
 * @property {number | null} output_tokens
 * @property {number | null} reasoning_tokens
 * @property {number | null} cached_tokens
 * @property {number | null} cost  in US dollars
 * @property {number | null} overhead  in milliseconds, the relay's own
 *
 * @typedef {object} LedgerEntry  an address that was sent a provider's key
 * @property {string} provider
 * @property {string} destination
 * @property {string | null} relay
 * @property {number} first  seconds since 1970
 * @property {number} last
 * @property {number} count
 *
 * @typedef {object} Knowledge  what outlives a visit; the page only keeps it
 * @property {object[]} [evidence]  the whole table
 * @property {object[]} [ledger]  the whole table
 * @property {Attempt[]} [metrics]  in a `learned` frame the new rows alone
 *
 * @typedef {"ok" | "offline" | "mixed_content" | "content_policy" | "local_network_permission" | "unreachable" | "tls"
 *   | "timeout" | "cors_blocked" | "cors_hidden_errors" | "browser_forbidden" | "auth" | "permission" | "quota"
 *   | "rate_limit" | "overloaded" | "bad_request" | "model_unknown" | "content_refused" | "server_error" | "incomplete"
 *   | "relay_auth" | "relay_refused" | "relay_down" | "wrong_address" | "captive_portal" | "blocked_here"
 *   | "cannot_tell"} Cause
 *
 * @typedef {"allow_relay" | "route_relay" | "add_relay" | "edit_relay" | "edit_key" | "edit_address" | "pick_model"
 *   | "wait" | "retry" | "open_permission" | ""} RemedyAction
 *
 * @typedef {{text: string, paste: string, action: RemedyAction}} Remedy
 *
 * @typedef {object} Verdict
 * @property {Cause} cause
 * @property {Cause | ""} behind  what hidden errors hide
 * @property {"proven" | "likely" | "cannot_tell"} certainty
 * @property {string} message
 * @property {string[]} basis
 * @property {Remedy[]} remedies
 *
 * @typedef {{layer: "browser" | "permission" | "address" | "request" | "server" | "relay", is_good: boolean | null,
 *   text: string}} Probed
 *
 * @typedef {{route: Route, layer: "address" | "relay" | "reach" | "cors" | "key" | "models" | "chat",
 *   is_good: boolean | null, text: string, ms: number | null}} Tested
 * @typedef {{route: Route, works: boolean, error: Failure | null}} TrialOutcome
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
 * @typedef {{type: "model_taken", model: string, reason: string}
 *   | {type: "route_taken", route: Route, reason: string, is_cached: boolean, cached_at: number | null,
 *     rule: {id: string, name: string} | null}
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
 * @property {number | null} cost  in US dollars, where the model's prices are known
 * @property {WireMessage} message  the turn, for the next request as it is
 *
 * @typedef {{role: string, content: unknown}} WireMessage  OpenAI's form, with `reasoning_parts` beside it
 *
 * @typedef {object} Commands  What each command takes and gives.
 * @property {{payload: {config: Config, secrets: Secrets, knowledge: Knowledge, models: Record<string, ModelList>,
 *     page_origin: string},
 *   value: {problems: Problem[]}}} configure
 * @property {{payload: {provider: Provider, api_key: string},
 *   value: {provider: Provider, api_key: string, problems: Problem[], notes: string[]}}} check_provider
 * @property {{payload: {relay: Relay, token: string},
 *   value: {relay: Relay, token: string, problems: Problem[], notes: string[]}}} check_relay
 * @property {{payload: {relay: Relay, token: string},
 *   value: {version: string, latency_ms: number, providers: string[], is_key_new: boolean,
 *     limits: Record<string, number>}}} test_relay
 * @property {{payload: {provider: string, refresh?: boolean},
 *   value: {models: Model[], source: "live" | "curated" | "manual", error: Failure | null, fetched_at: number | null,
 *     is_stale: boolean}}} models
 * @property {{payload: {model: string, parameters: Record<string, unknown>},
 *   value: {model: Model, parameters: Offer[]}}} describe_model
 * @property {{payload: {model: string}, value: Explanation}} explain
 * @property {{payload: {rules?: Rule[], groups?: ModelGroup[], options?: Options},
 *   value: {problems: {pointer: string, message: string}[]}}} check_policies
 * @property {{payload: ImportSource & {config: Config}, value: {imported: Imported | null, changes: Change[]}}} read_import
 * @property {{payload: ImportSource & {config: Config, choices: Record<string, MergeChoice>},
 *   value: {config: Config, secrets: Secrets}}} merge_import
 * @property {{payload: {format: ExportFormat, config: Config, with_keys: boolean},
 *   value: {text: string, name: string, media_type: string, notes: string[]}}} write_export
 * @property {{payload: {rules: Rule[], model: string, messages: WireMessage[], tags: string[],
 *     parameters: Record<string, unknown>, local_time: {minute: number, weekday: number} | null},
 *   value: {outcomes: RuleOutcome[]}}} try_rules
 * @property {{payload: {model: string, messages: WireMessage[], parameters: Record<string, unknown>,
 *     conversation: string, fresh: boolean}, value: ChatResult}} chat
 * @property {{payload: {model: string, error: Failure | null, may_prompt: boolean}, value: Verdict}} diagnose
 * @property {{payload: {}, value: Overview}} overview
 * @property {{payload: {}, value: {entries: LedgerEntry[]}}} ledger
 * @property {{payload: {provider: Provider, api_key: string}, value: {outcomes: TrialOutcome[]}}} test_provider
 * @property {{payload: {}, value: {opened: string[]}}} reprobe
 * @property {{payload: {knowledge: Knowledge}, value: {}}} learn
 * @property {{payload: {user_agent: string}, value: object}} bundle
 * @property {{payload: {code: string}, value: {output: string, is_error: boolean}}} run_python
 * @property {{payload: {target: number}, value: {stopped: boolean}}} stop
 * @property {{payload: {provider: string}, value: {}}} forget_evidence
 *
 * @typedef {{id: number, command: string, payload: object}} CommandFrame
 * @typedef {{kind: "status", phase: Phase, detail: string, elapsed_ms: number, origin?: "snapshot" | "plain"}} StatusFrame
 *   once it is ready, `origin` says how it was started, and `detail` why it is a plain one
 * @typedef {{kind: "events", id: number, events: any[]}} EventsFrame  of a chat `ChatEvent`s
 * @typedef {{kind: "result", id: number, value: any}} ResultFrame
 * @typedef {{kind: "error", id: number, error: Failure}} ErrorFrame
 * @typedef {{kind: "learned", knowledge: Knowledge}} LearnedFrame
 * @typedef {StatusFrame | EventsFrame | ResultFrame | ErrorFrame | LearnedFrame} Frame
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
