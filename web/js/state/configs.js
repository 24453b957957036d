// @ts-check
/**
 * The configuration's providers, relays and consents, and how they change.
 *
 * @import { Config, Consent, Provider, Relay } from "../protocol.js"
 * @import { SecretKind } from "../vaults.js"
 */

/** @returns {Config} */
export function emptyConfig() {
  return { version: 2, providers: [], relays: [], consents: [] };
}

/**
 * @param {Config} before
 * @param {Config} after
 * @returns {Record<SecretKind, string[]>} the ids that stand for another address than before, or for none: a key that was
 *   kept for one of them must not go there
 */
export function readdressed(before, after) {
  const [was, is] = [addressesOf(before), addressesOf(after)];
  return { providers: differing(was.providers, is.providers), relays: differing(was.relays, is.relays) };
}

/**
 * @param {Config} before
 * @param {Config} after
 * @param {string[]} keyed  providers whose keys were here before
 * @returns {Config} `after` without the consents by which a relay that was not here before would see those keys
 */
export function withoutNewWatchers(before, after, keyed) {
  const { relays } = readdressed(before, after);
  const isNew = (/** @type {Consent} */ { relay, provider }) =>
    relays.includes(relay) && (provider === "*" ? keyed.length > 0 : keyed.includes(provider));
  return { ...after, consents: after.consents.filter((consent) => !isNew(consent)) };
}

/**
 * @param {Config} config
 * @param {Config} shown  of the same providers, some with fewer headers
 * @returns {Config} with no other headers than those of `shown`
 */
export function withHeadersOf(config, shown) {
  const headers = new Map(shown.providers.map((provider) => [provider.id, provider.headers]));
  return { ...config, providers: config.providers.map((provider) => ({ ...provider, headers: headers.get(provider.id) ?? {} })) };
}

/** @param {Config} config @returns {number} how many headers there are in all */
export function countHeaders({ providers }) {
  return providers.reduce((count, { headers }) => count + Object.keys(headers).length, 0);
}

/** @param {Config} config */
function addressesOf({ providers, relays }) {
  return {
    // Without an address it is the one that the catalogue has for its kind.
    providers: new Map(providers.map(({ id, kind, base_url: address }) => [id, address || kind])),
    relays: new Map(relays.map(({ id, url }) => [id, url])),
  };
}

/** @param {Map<string, string>} one @param {Map<string, string>} other @returns {string[]} keys with another value, or none, in one */
function differing(one, other) {
  return [...new Set([...one.keys(), ...other.keys()])].filter((key) => one.get(key) !== other.get(key));
}

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

/**
 * @param {Config} config
 * @param {string} provider
 * @returns {Relay[]} those that may not see its key
 */
export function relaysNotAllowed({ relays, consents }, provider) {
  return relays.filter(({ id }) =>
    !consents.some((consent) => consent.relay === id && (consent.provider === provider || consent.provider === "*")));
}

/**
 * @param {Config} config
 * @param {string} id
 * @returns {string} what a person calls the relay, also one that is there no more
 */
export function relayName(config, id) {
  return config.relays.find((relay) => relay.id === id)?.name || id;
}
