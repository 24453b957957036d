// @ts-check
/**
 * The page, once its modules are there: its model, its actions and its views, put together.
 *
 * @import { Actions } from "./actions/index.js"
 * @import { PageModel, View } from "./model.js"
 * @import { PythonWorker } from "./workers.js"
 *
 * @typedef {{model: PageModel, actions: Actions}} Page
 */
import { computed, effect } from "@preact/signals";
import { render } from "preact";
import { createActions } from "./actions/index.js";
import { Keeper } from "./actions/keeper.js";
import { createPageModel } from "./model.js";
import { applyPreferences } from "./preferences.js";
import { Rpc } from "./rpc.js";
import { parsePairing } from "./state/pairings.js";
import { dropOldScratchFiles } from "./scratch_files.js";
import { saveDraft } from "./store.js";
import { Tabs } from "./tabs.js";
import { t } from "./words.js";
import { App } from "./views/shell/app.js";
import { html } from "./views/parts/html.js";

const PAIRING = /^#relay=/;
const IMPORT = /^#import=/;
/** @type {View[]} */
const VIEWS = ["chat", "providers", "relays", "rules", "insights", "settings"];

/** @param {PythonWorker} worker  Python's, on its way up */
export function openPage(worker) {
  const model = createPageModel();
  const tabs = new Tabs();
  const keeper = new Keeper(model, tabs);
  /** @type {() => void} */
  let settingsAreLoaded = () => {};
  const loaded = new Promise((/** @type {(value: void) => void} */ resolve) => { settingsAreLoaded = resolve; });
  const rpc = new Rpc(worker, {
    onStatus: (status) => { model.python.value = status; },
    onLearned: (knowledge) => actions.knowledge.learn(knowledge),
  });
  const actions = createActions({ model, rpc, keeper, tabs, loaded, origin: location.origin });
  const page = { model, actions };

  const pairingLink = takeLink(PAIRING);
  const importLink = takeLink(IMPORT);
  followAddress(page);
  void applyPreferences(model.preferences.value).then(whenReleased).then(() => mount(page));
  watch(page, keeper);
  void restore();

  async function restore() {
    await keeper.open();
    await actions.restore();
    settingsAreLoaded();
    model.loaded.value = true;
    if (pairingLink) pair(page, pairingLink);
    if (importLink) offerImport(page, importLink);
  }
}

/**
 * @param {Page} page
 * @param {Keeper} keeper
 */
function watch(page, keeper) {
  const { model, actions } = page;
  actions.updates.watch();
  addEventListener("hashchange", () => followAddress(page));
  addEventListener("pagehide", () => keeper.leave());
  // Every frame of an answer is a new conversation; only another one has another draft.
  const conversationId = computed(() => model.conversation.value?.id ?? "");
  effect(() => {
    // Before the stored conversation is open, nobody knows whose draft this is.
    if (model.loaded.value) saveDraft(conversationId.value, model.draft.value);
  });
  // Not before: what is fetched then is for another time, and would be in the way of this one.
  const isSettled = computed(() => ["ready", "failed"].includes(model.python.value.phase));
  effect(() => {
    if (!isSettled.value) return;
    void actions.updates.keepPage();
    void dropOldScratchFiles();
  });
}

/**
 * The secrets in a link are taken out of the address bar, and so out of the history, before all else.
 *
 * @param {RegExp} kind
 */
function takeLink(kind) {
  if (!kind.test(location.hash)) return "";
  const link = location.hash;
  history.replaceState(null, "", location.pathname + location.search);
  return link;
}

/** @param {Page} page */
function followAddress(page) {
  if (PAIRING.test(location.hash)) return pair(page, takeLink(PAIRING));
  if (IMPORT.test(location.hash)) return offerImport(page, takeLink(IMPORT));
  const view = /** @type {View} */ (location.hash.slice(1));
  page.model.view.value = VIEWS.includes(view) ? view : "chat";
}

/** @param {Page} page @param {string} link */
function pair({ actions }, link) {
  const pairing = parsePairing(link);
  if (pairing) actions.offerPairing(pairing);
  else actions.toast(t`That pairing link is incomplete. Copy it again from where the relay printed it.`);
}

/** @param {Page} page @param {string} text */
function offerImport({ model }, text) {
  model.dialog.value = { kind: "import", source: { text } };
}

/** @returns {Promise<void>} when nothing is pressed; `early.js` watches that */
function whenReleased() {
  if (!("pressed" in document.documentElement.dataset)) return Promise.resolve();
  return new Promise((resolve) => addEventListener("released", () => resolve(), { once: true }));
}

/** @param {Page} page */
function mount(page) {
  const wasTyping = adoptEarlyText(page);
  const root = /** @type {HTMLElement} */ (document.querySelector("#app"));
  root.replaceChildren();
  render(html`<${App} ...${page} />`, root);
  if (wasTyping) /** @type {HTMLElement | null} */ (root.querySelector("#message"))?.focus();
}

/**
 * What was typed into the static composer, before the modules were there, is kept, and what was sent there is sent.
 *
 * @param {Page} page
 * @returns {boolean} whether somebody was typing
 */
function adoptEarlyText(page) {
  const { model } = page;
  const early = /** @type {HTMLTextAreaElement | null} */ (document.querySelector("#early-message"));
  model.draft.value = early?.value || model.draft.value;
  model.earlyMessage.value = document.querySelector("#early-sent .bubble")?.textContent ?? "";
  if (model.earlyMessage.value) void sendEarly(page, model.earlyMessage.value);
  return early !== null && document.activeElement === early;
}

/** @param {Page} page @param {string} text */
async function sendEarly({ actions }, text) {
  if (!await actions.chat.send(text)) actions.conversations.giveBack(text);
}
