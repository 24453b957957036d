// @ts-check
/**
 * A provider as it stands in the form.
 *
 * @import { CatalogueEntry, Problem, Provider } from "../protocol.js"
 *
 * @typedef {object} Draft
 * @property {string} kind
 * @property {string} name
 * @property {string} base_url
 * @property {string} dialect  empty for the catalogue's
 * @property {string} auth  empty for the catalogue's
 * @property {string} headers  `Name: value`, one a line
 * @property {Provider["route"]} route
 * @property {string} models  ids, one a line
 */
import { t } from "../words.js";

/**
 * @param {CatalogueEntry[]} catalogue
 * @param {Provider | undefined} existing
 * @param {string} [kind]  the catalogue entry of a new one
 * @returns {Draft}
 */
export function draftOf(catalogue, existing, kind = "") {
  const wanted = existing?.kind ?? (kind || catalogue[0]?.id);
  const entry = catalogue.find(({ id }) => id === wanted);
  return {
    kind: entry?.id ?? "",
    name: existing?.name || entry?.name || "",
    base_url: existing?.base_url || entry?.base_url || "",
    dialect: existing && existing.dialect !== entry?.dialect ? existing.dialect : "",
    auth: existing?.auth ?? "",
    headers: Object.entries(existing?.headers ?? {}).map(([name, value]) => `${name}: ${value}`).join("\n"),
    route: existing?.route ?? "auto",
    models: (existing?.models ?? []).join("\n"),
  };
}

/**
 * @param {Draft} draft
 * @param {Provider | undefined} existing  undefined where it is new
 * @returns {{provider: Provider, problems: Problem[]}}
 */
export function readDraft(draft, existing) {
  const { headers, problems } = readHeaders(draft.headers);
  const provider = {
    id: existing?.id ?? "", kind: draft.kind, name: draft.name.trim(), base_url: cleanAddress(draft.base_url), dialect: draft.dialect, headers,
    route: draft.route, models: draft.models.split("\n").map((line) => line.trim()).filter(Boolean),
    ...(draft.auth && { auth: draft.auth }),
    ...(existing?.extras && { extras: existing.extras }),
  };
  return { provider, problems };
}

/**
 * @param {string} typed
 * @returns {string} without what is copied along from a documentation's example
 */
export function cleanAddress(typed) {
  return typed.trim().replace(/\/(?:chat\/completions|completions|responses|messages|models)\/?$/, "").replace(/\/+$/, "");
}

/**
 * @param {string} text
 * @returns {{headers: Record<string, string>, problems: Problem[]}}
 */
function readHeaders(text) {
  /** @type {Record<string, string>} */
  const headers = {};
  for (const line of text.split("\n").filter((one) => one.trim())) {
    const colon = line.indexOf(":");
    const name = line.slice(0, colon).trim();
    if (colon < 1 || !name) {
      return { headers, problems: [{ item: "", field: "headers", message: t`“${line.trim()}” is no header: write Name: value.` }] };
    }
    headers[name] = line.slice(colon + 1).trim();
  }
  return { headers, problems: [] };
}
