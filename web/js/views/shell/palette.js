// @ts-check
/** @import { Command } from "../../state/palettes.js" */
import { useEffect, useRef, useState } from "preact/hooks";
import { matching } from "../../state/palettes.js";
import { SHORTCUTS, keysOf } from "../../state/shortcuts.js";
import { t, tn } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { isApple } from "./platforms.js";
import { useDeeds } from "./use_shortcuts.js";

const MOST_SHOWN = 50;

/** Everything the page can do, by its name (WAI-ARIA Authoring Practices, *Combobox*). @param {{close: () => void}} props */
export function Palette({ close }) {
  const commands = useCommands();
  const [typed, setTyped] = useState("");
  const [active, setActive] = useState(0);
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  const shown = matching(commands, typed, MOST_SHOWN);
  useEffect(() => {
    const opener = /** @type {HTMLElement | null} */ (document.activeElement);
    dialog.current?.showModal();
    return () => { if (opener?.isConnected && document.activeElement === document.body) opener.focus(); };
  }, []);
  useEffect(() => document.getElementById(`command-${active}`)?.scrollIntoView({ block: "nearest" }), [active]);

  /** @param {Command | undefined} command */
  function run(command) {
    close();
    command?.act();
  }
  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowDown: () => setActive((active + 1) % Math.max(1, shown.length)),
      ArrowUp: () => setActive((active - 1 + shown.length) % Math.max(1, shown.length)),
      Enter: () => run(shown[active]),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  }
  return html`
    <dialog ref=${dialog} class="modal palette" aria-label=${t`Command palette`} onClose=${close}
      onClick=${(/** @type {MouseEvent} */ event) => { if (event.target === dialog.current) close(); }}>
      <input role="combobox" aria-expanded="true" aria-controls="commands" aria-autocomplete="list" autocomplete="off"
        aria-label=${t`What do you want to do?`} placeholder=${t`What do you want to do?`} spellcheck=${false} value=${typed}
        aria-activedescendant=${shown.length ? `command-${active}` : null} onKeyDown=${onKeyDown}
        onInput=${(/** @type {Event} */ event) => { setTyped(/** @type {HTMLInputElement} */ (event.target).value); setActive(0); }} />
      <p class="unseen" aria-live="polite">${tn(shown.length, "{0} command", "{0} commands")}</p>
      <div id="commands" role="listbox" aria-label=${t`Commands`}>
        ${shown.map((command, position) => html`
          <div role="option" key=${command.id} id="command-${position}" aria-selected=${position === active}
            class=${position === active ? "active" : ""} onClick=${() => run(command)}>
            <span>${command.name}</span>
            <span class="command-group">${command.keys ? command.keys.map((key) => html`<kbd>${key}</kbd>`) : command.group}</span>
          </div>`)}
        ${!shown.length && html`<p class="no-option">${t`Nothing is called that.`}</p>`}
      </div>
    </dialog>`;
}

/** @returns {Command[]} */
function useCommands() {
  const { model, actions } = useApp();
  const deeds = useDeeds();
  /** @param {import("../../model.js").Dialog} dialog */
  const open = (dialog) => () => { model.dialog.value = dialog; };
  const shortcuts = SHORTCUTS.filter(({ deed }) => deed !== "palette").map((shortcut) => ({
    id: shortcut.deed, name: shortcut.name(), group: "", keys: keysOf(shortcut, isApple()), act: () => deeds(shortcut.deed) }));
  const deedsOfPage = [
    { id: "add provider", name: t`Add provider`, group: t`Providers`, act: open({ kind: "provider", id: null }) },
    { id: "add relay", name: t`Add relay`, group: t`Relays`, act: open({ kind: "relay", id: null }) },
    { id: "add rule", name: t`Add rule`, group: t`Rules`, act: open({ kind: "rule", position: null }) },
    { id: "chat settings", name: t`System prompt and parameters`, group: t`Chat`, act: open({ kind: "chat" }) },
    { id: "light", name: t`Light colours`, group: t`Settings`, act: () => void actions.preferences.prefer({ theme: "light" }) },
    { id: "dark", name: t`Dark colours`, group: t`Settings`, act: () => void actions.preferences.prefer({ theme: "dark" }) },
  ];
  const chats = model.conversations.value.map(({ id, title }) => ({ id: `chat ${id}`, name: title, group: t`Chat`, act: () => {
    void actions.conversations.openConversation(id);
    location.hash = "#chat";
  } }));
  const models = model.modelChoices.value.flatMap((group) => group.models.map(({ id, name }) => ({
    id: `model ${group.id}/${id}`, name: t`Use ${name || id}`, group: group.name,
    act: () => actions.models.chooseModel(`${group.id}/${id}`) })));
  return [...shortcuts, ...deedsOfPage, ...chats, ...models];
}
