// @ts-check
/**
 * What helps against a failure, and how sure the page is of what it says.
 *
 * @import { Failure } from "../protocol.js"
 *
 * @typedef {"allow" | "wait" | "retry" | "settings" | "relays" | "model" | "add" | "diagnose" | "reload"} Step
 */
import { t } from "../words.js";

/** @type {Record<string, Step>} by the error's type, where that decides */
export const STEPS_BY_TYPE = {
  PythonUnavailable: "reload",
  AuthenticationError: "settings",
  PermissionDenied: "settings",
  QuotaExceeded: "model",
  ModelNotFound: "model",
  UnknownModel: "model",
  ContentRefused: "model",
  RateLimited: "wait",
  Overloaded: "wait",
  ServerError: "retry",
  ConnectionLost: "retry",
  StreamIncomplete: "retry",
  TransportTimeout: "retry",
  FetchRejected: "diagnose",
  ConnectionFailed: "diagnose",
  UnexpectedResponse: "diagnose",
  RoutesFailed: "diagnose",
  NoRoute: "diagnose",
  RelayUnreachable: "relays",
  RelayRefused: "relays",
  RelayAuthenticationError: "relays",
  SealBroken: "relays",
};
const NOT_THERE = 404;

/**
 * @param {Failure} failure
 * @param {{hasProvider: boolean}} known  whether the provider that was asked still exists
 * @returns {Step} the one thing to do first
 */
export function firstStep({ type, origin, status, retryable, consent_needed: consents }, { hasProvider }) {
  if (type === "PythonUnavailable") return "reload";
  if (!hasProvider) return "add";
  if (consents.length) return "allow";
  if (status === NOT_THERE && origin === "provider" && type !== "ModelNotFound") return "settings";
  if (type in STEPS_BY_TYPE) return STEPS_BY_TYPE[type];
  if (origin === "configuration") return "settings";
  return retryable ? "retry" : "diagnose";
}

/**
 * @param {Failure} failure
 * @param {Step} first
 * @param {{hasProvider: boolean}} known
 * @returns {Step[]} what may help too
 */
export function otherSteps({ type, status, origin }, first, { hasProvider }) {
  if (!hasProvider || first === "reload") return [];
  const isSettings = status === NOT_THERE || origin === "configuration";
  /** @type {Step[]} */
  const others = [...(isSettings ? [/** @type {const} */ ("settings")] : []), "diagnose"];
  return type === "Cancelled" ? [] : others.filter((step) => step !== first);
}

/**
 * @param {Failure} failure
 * @returns {string} whose word it is, and so how sure it is; empty where the message says it
 */
export function sureness({ type, origin, status }) {
  if (type === "FetchRejected") return t`The browser does not say why. Diagnose finds out.`;
  if (origin === "provider" && status) return t`Certain: the provider itself said so.`;
  if (origin === "relay" && status) return t`Certain: the relay itself said so.`;
  if (origin === "configuration") return t`Certain: nothing was sent.`;
  return "";
}
