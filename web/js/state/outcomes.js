// @ts-check
/**
 * How attempts end, in words.
 *
 * @import { Verdict } from "../protocol.js"
 */
import { t } from "../words.js";

/** @type {Record<string, () => string>} by the error's type */
const NAMES = {
  ok: () => t`went well`,
  AuthenticationError: () => t`key refused`,
  PermissionDenied: () => t`not permitted`,
  QuotaExceeded: () => t`quota used up`,
  RateLimited: () => t`too many requests`,
  ModelNotFound: () => t`no such model`,
  BadRequest: () => t`request refused`,
  ContentRefused: () => t`content refused`,
  Overloaded: () => t`overloaded`,
  ServerError: () => t`the provider failed`,
  UnexpectedResponse: () => t`not an answer of the API`,
  FetchRejected: () => t`refused or lost by the browser`,
  ConnectionFailed: () => t`no connection`,
  ConnectionLost: () => t`broke off`,
  TransportTimeout: () => t`no answer in time`,
  StreamIncomplete: () => t`ended too early`,
  RelayUnreachable: () => t`relay not reached`,
  RelayRefused: () => t`refused by the relay`,
  RelayAuthenticationError: () => t`relay token refused`,
  SealBroken: () => t`seal broken`,
  Cancelled: () => t`stopped`,
  ConfigurationError: () => t`not set up rightly`,
  UnknownModel: () => t`no such model`,
  NoRoute: () => t`no way may be taken`,
  RoutesFailed: () => t`every way failed`,
  PythonUnavailable: () => t`Python did not start`,
};

/** @param {string} outcome  `ok` or an error's type @returns {string} */
export function outcomeName(outcome) {
  return NAMES[outcome]?.() ?? outcome;
}

/** @type {Record<Verdict["cause"], () => string>} */
const CAUSES = {
  ok: () => t`Nothing stands in the way.`,
  offline: () => t`This computer is offline.`,
  mixed_content: () => t`A page of https may not call an address of http.`,
  content_policy: () => t`A policy of this page forbids the call.`,
  local_network_permission: () => t`The browser was not allowed to reach the local network.`,
  unreachable: () => t`Nothing answers at this address.`,
  tls: () => t`The certificate of this address is not accepted.`,
  timeout: () => t`No answer came in time.`,
  cors_blocked: () => t`The provider lets no page read its answers.`,
  cors_hidden_errors: () => t`The provider lets no page read its errors.`,
  browser_forbidden: () => t`The browser or an extension of it forbids the call.`,
  auth: () => t`The key was refused.`,
  permission: () => t`The key may not do this.`,
  quota: () => t`The quota or the balance is used up.`,
  rate_limit: () => t`Too many requests at once.`,
  overloaded: () => t`The provider is overloaded.`,
  bad_request: () => t`The provider refuses the request.`,
  model_unknown: () => t`There is no such model for this key.`,
  content_refused: () => t`The provider will not answer this content.`,
  server_error: () => t`The provider failed.`,
  incomplete: () => t`The answer broke off.`,
  relay_auth: () => t`The relay refused its token.`,
  relay_refused: () => t`The relay refused the call.`,
  relay_down: () => t`The relay does not answer.`,
  wrong_address: () => t`The address is not that of the API.`,
  captive_portal: () => t`The network shows a page of its own instead.`,
  blocked_here: () => t`Something on this computer or network blocks the call.`,
  cannot_tell: () => t`The cause cannot be told.`,
};

/** @param {Verdict["cause"]} cause @returns {string} one sentence */
export function causeInShort(cause) {
  return CAUSES[cause]();
}

/** @param {string} outcome  an error's type @returns {string} its name as a heading */
export function failureInShort(outcome) {
  const name = outcomeName(outcome);
  return `${name.charAt(0).toLocaleUpperCase()}${name.slice(1)}.`;
}
