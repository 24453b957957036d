// @ts-check
/**
 * How a provider is, in a word.
 *
 * @import { CatalogueEntry, Explanation, Problem, Provider } from "../protocol.js"
 *
 * @typedef {"good" | "detour" | "bad" | "unknown"} Grade
 * @typedef {{grade: Grade, words: string}} ProviderStatus
 */
import { t } from "../words.js";

/**
 * @param {object} known
 * @param {Provider} known.provider
 * @param {CatalogueEntry | undefined} known.entry
 * @param {boolean} known.hasKey
 * @param {boolean} known.isLocked  whether its key may lie under a passphrase
 * @param {Problem[]} known.problems
 * @param {Explanation | undefined} known.explanation
 * @param {number | null} known.lastSuccess  in seconds since 1970
 * @returns {ProviderStatus}
 */
export function statusOf({ entry, hasKey, isLocked, problems, explanation, lastSuccess }) {
  if (problems.length) return { grade: "bad", words: t`Needs a look` };
  if (entry?.key_required && !hasKey) return { grade: "unknown", words: isLocked ? t`Key is locked` : t`No key yet` };
  if (!explanation) return { grade: "unknown", words: t`Waiting for Python` };
  if (explanation.outage) return { grade: "bad", words: t`Fails by every way` };
  const now = explanation.routes.find(({ included }) => included);
  if (!now) return { grade: "bad", words: t`No way to it` };
  if (lastSuccess === null) return { grade: "unknown", words: t`Not tried yet` };
  return now.route.kind === "direct"
    ? { grade: "good", words: t`Works directly` }
    : { grade: "detour", words: t`Works through a relay` };
}
