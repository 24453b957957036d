// @ts-check
/** @import { View } from "./model.js" */
import { computed, effect } from "@preact/signals";
import { render } from "preact";
import { createActions } from "./actions/index.js";
import { Keeper } from "./actions/keeper.js";
import { createPageModel } from "./model.js";
import { applyPreferences } from "./preferences.js";
import { Rpc } from "./rpc.js";
import { parsePairing } from "./state/pairings.js";
import { saveDraft } from "./store.js";
import { startWorker } from "./start_worker.js";
import { Tabs } from "./tabs.js";
import { t } from "./words.js";
import { App } from "./views/shell/app.js";
import { html } from "./views/parts/html.js";

const PAIRING = /^#relay=/;
/** @type {View[]} */
const VIEWS = ["chat", "providers", "relays", "rules", "insights", "settings"];

const model = createPageModel();
const tabs = new Tabs();
const keeper = new Keeper(model, tabs);
const pairingLink = takePairingLink();
/** @type {() => void} */
let settingsAreLoaded = () => {};
const loaded = new Promise((/** @type {(value: void) => void} */ resolve) => { settingsAreLoaded = resolve; });
const actions = createActions({ model, rpc: startPython(), keeper, tabs, loaded, origin: location.origin });

function startPython() {
  return new Rpc(startWorker(), {
    onStatus: (status) => { model.python.value = status; },
    onLearned: (knowledge) => actions.knowledge.learn(knowledge),
  });
}

/** The token in a pairing link is taken out of the address bar, and so out of the history, before all else. */
function takePairingLink() {
  if (!PAIRING.test(location.hash)) return "";
  const link = location.hash;
  history.replaceState(null, "", location.pathname + location.search);
  return link;
}

function followAddress() {
  if (PAIRING.test(location.hash)) return pair(takePairingLink());
  const view = /** @type {View} */ (location.hash.slice(1));
  model.view.value = VIEWS.includes(view) ? view : "chat";
}

/** @param {string} link */
function pair(link) {
  const pairing = parsePairing(link);
  if (pairing) actions.offerPairing(pairing);
  else actions.toast(t`That pairing link is incomplete. Copy it again from where the relay printed it.`);
}

async function restore() {
  await keeper.open();
  await actions.restore();
  settingsAreLoaded();
  model.loaded.value = true;
  if (pairingLink) pair(pairingLink);
}

/** Words typed into the static composer, before this script ran, are kept. */
function adoptEarlyText() {
  const early = /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#early-message"));
  model.draft.value = early?.value || "";
  return early !== null && document.activeElement === early;
}

function mount() {
  const wasTyping = adoptEarlyText();
  const root = /** @type {HTMLElement} */ (document.querySelector("#app"));
  root.replaceChildren();
  render(html`<${App} model=${model} actions=${actions} />`, root);
  if (wasTyping) /** @type {HTMLElement | null} */ (root.querySelector("#message"))?.focus();
}

followAddress();
void applyPreferences(model.preferences.value).then(mount);
actions.updates.watch();
addEventListener("hashchange", followAddress);
addEventListener("pagehide", () => keeper.leave());
// Every frame of an answer is a new conversation; only another one has another draft.
const conversationId = computed(() => model.conversation.value?.id ?? "");
effect(() => {
  // Before the stored conversation is open, nobody knows whose draft this is.
  if (model.loaded.value) saveDraft(conversationId.value, model.draft.value);
});
void restore();
