// @ts-check
/** How attempts end, in words. */
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
};

/** @param {string} outcome  `ok` or an error's type @returns {string} */
export function outcomeName(outcome) {
  return NAMES[outcome]?.() ?? outcome;
}
