// @ts-check
/**
 * The signals the views are drawn from. Actions write them, views read them.
 *
 * @import { Attempt, CatalogueEntry, Explanation, Failure, ImportSource, LedgerEntry, Model, ModelList, Overview, Problem, StatusFrame } from "./protocol.js"
 * @import { Attachment } from "./state/attachments.js"
 * @import { Conversation, Head } from "./state/conversations.js"
 * @import { Pairing } from "./state/pairings.js"
 * @import { Custody, SecretKind, VaultState } from "./vaults.js"
 */
import { readPreferences } from "./preferences.js";
import { computed, signal } from "@preact/signals";
import { groupChoices } from "./state/policies.js";
import { emptyConfig } from "./state/configs.js";

/**
 * @typedef {"chat" | "providers" | "relays" | "rules" | "insights" | "settings"} View
 *
 * @typedef {{kind: "provider", id: string | null, preset?: string} | {kind: "relay", id: string | null}
 *   | {kind: "rule", position: number | null} | {kind: "group", position: number | null}
 *   | {kind: "pairing", pairing: Pairing} | {kind: "diagnosis", model: string, error: Failure | null}
 *   | {kind: "attachment", attachment: Attachment} | {kind: "chat"} | {kind: "erase"} | {kind: "trial", provider: string} | {kind: "models", provider: string}
 *   | {kind: "import", source: ImportSource | null} | {kind: "export"} | {kind: "moves"} | {kind: "backup"} | {kind: "restore"}
 *   | {kind: "shortcuts"} | {kind: "palette"} | {kind: "unlock"}} Dialog
 *
 * @typedef {{id: number, text: string, undo: (() => void) | null}} Toast
 *
 * @typedef {{state: "testing"} | {state: "ok", version: string, latency: number, providers: string[], isKeyNew: boolean,
 *     limits: Record<string, number>, at: number}
 *   | {state: "failed", message: string, remedy: string}} RelayTest
 *
 * @typedef {"good" | "nearly full" | "full" | "refused" | "broken" | "outdated"} StorageState  `outdated`: a newer page
 *   has taken the storage over
 *
 * @typedef {{system: string, parameters: Record<string, unknown>}} ChatSettings
 *
 * @typedef {ReturnType<typeof createPageModel>} PageModel
 */

export function createPageModel() {
  const config = signal(emptyConfig());
  const catalogue = signal(/** @type {CatalogueEntry[]} */ ([]));
  const models = signal(/** @type {Record<string, ModelList>} */ ({}));
  const modelGroups = computed(() => config.value.providers.map((provider) => {
    const entry = catalogue.value.find(({ id }) => id === provider.kind);
    const curated = (entry?.models ?? []).map((id) => ({ id, name: id }));
    const manual = provider.models.map((id) => ({ id, name: id }));
    return {
      id: provider.id,
      name: provider.name || entry?.name || provider.id,
      models: distinct([...manual, ...(models.value[provider.id]?.models ?? curated)]),
    };
  }));
  return {
    view: signal(/** @type {View} */ ("chat")),
    menuOpen: signal(false),
    /** Id of what is to be focused in the next view, in its heading's place. */
    wantedFocus: signal(""),
    dialog: signal(/** @type {Dialog | null} */ (null)),
    python: signal(/** @type {StatusFrame} */ (
      { kind: "status", phase: "loading", detail: "Loading Python", elapsed_ms: 0 })),
    loaded: signal(false),
    /** The backup that is being written, from 0 to 1. */
    saving: signal(/** @type {{done: number, stop: () => void} | null} */ (null)),
    preferences: signal(readPreferences()),
    /** Whether the server has a newer page than this one. */
    hasUpdate: signal(false),
    isOffline: signal(false),
    storage: signal(/** @type {StorageState} */ ("good")),
    announcement: signal(""),
    toasts: signal(/** @type {Toast[]} */ ([])),

    config,
    catalogue,
    problems: signal(/** @type {Problem[]} */ ([])),
    custody: signal(/** @type {Record<SecretKind, Record<string, Custody>>} */ ({ providers: {}, relays: {} })),
    /** How new keys are kept. */
    keptBy: signal(/** @type {Custody} */ ("device")),
    vault: signal(/** @type {VaultState} */ ("none")),
    explanations: signal(/** @type {Record<string, Explanation>} */ ({})),
    overview: signal(/** @type {Overview | null} */ (null)),
    relayTests: signal(/** @type {Record<string, RelayTest>} */ ({})),

    /** What was measured; null until somebody looks. */
    attempts: signal(/** @type {Attempt[] | null} */ (null)),
    ledger: signal(/** @type {LedgerEntry[] | null} */ (null)),

    models,
    model: signal(""),
    modelGroups,
    /** All that can be asked: the user's own groups before the providers' models. */
    modelChoices: computed(() => [...groupChoices(config.value), ...modelGroups.value]),

    conversations: signal(/** @type {Head[]} */ ([])),
    conversation: signal(/** @type {Conversation | null} */ (null)),
    /** By conversation, the answers that are coming and their commands. */
    running: signal(/** @type {Record<string, Record<string, number>>} */ ({})),
    /** The message that is to be brought into view. */
    sought: signal(/** @type {string | null} */ (null)),
    /** The message that is being said otherwise. */
    edited: signal(/** @type {string | null} */ (null)),
    draft: signal(""),
    /** Sent before the page knew to whom. */
    earlyMessage: signal(""),
    attachments: signal(/** @type {Attachment[]} */ ([])),
    /** By conversation, what is attached to its unsent draft. */
    keptAttachments: signal(/** @type {Record<string, Attachment[]>} */ ({})),
    /** What the next new chat begins with. */
    beginning: signal(/** @type {ChatSettings} */ ({ system: "", parameters: {} })),
    /** `provider-id/model-id`, those that stand first. */
    favourites: signal(/** @type {string[]} */ ([])),
    /** Models asked beside the chosen one. */
    comparedModels: signal(/** @type {string[]} */ ([])),
  };
}

/**
 * @param {Model[]} models
 * @returns {Model[]}
 */
function distinct(models) {
  return [...new Map(models.map((model) => [model.id, model])).values()];
}
