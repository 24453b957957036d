// @ts-check
/** @import { Head } from "../../state/conversations.js" */
import { useState } from "preact/hooks";
import { groupedByAge } from "../../state/conversations.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { goTo } from "../parts/navigation.js";
import { PinIcon, PlusIcon } from "../parts/icons.js";
import { ConversationMenu } from "./conversation_menu.js";
import { SearchBox, SearchResults } from "./search_results.js";

/** @type {Record<ReturnType<typeof groupedByAge>[number]["age"], () => string>} */
const AGES = {
  pinned: () => t`Pinned`, today: () => t`Today`, yesterday: () => t`Yesterday`, week: () => t`Last seven days`,
  earlier: () => t`Earlier`,
};

/** @param {{close: () => void}} props  `close` puts the menu of a narrow page away */
export function ConversationList({ close }) {
  const { model, actions } = useApp();
  const [sought, setSought] = useState("");
  const toChat = () => {
    close();
    goTo(model, "chat", "message");
  };
  const begin = () => {
    actions.conversations.newChat();
    toChat();
  };
  return html`
    <div class="conversations">
      <button type="button" class="new-chat" onClick=${begin}><${PlusIcon} /> ${t`New chat`}</button>
      ${model.conversations.value.length > 0 && html`
        <${SearchBox} sought=${sought} setSought=${setSought} />
        ${sought.trim()
          ? html`<${SearchResults} words=${sought} opened=${toChat} />`
          : html`<${ByAge} opened=${toChat} />`}`}
    </div>`;
}

/** @param {{opened: () => void}} props */
function ByAge({ opened }) {
  const { model } = useApp();
  return html`
    <div class="conversation-groups" role="region" aria-label=${t`Conversations`}>
      ${groupedByAge(model.conversations.value, Date.now()).map(({ age, heads }) => html`
        <section key=${age} aria-labelledby="age-${age}">
          <h2 class="side-title" id="age-${age}">${AGES[age]()}</h2>
          <ul>
            ${heads.map((head) => html`<${ConversationItem} key=${head.id} head=${head} opened=${opened} />`)}
          </ul>
        </section>`)}
    </div>`;
}

/** @param {{head: Head, opened: () => void}} props */
function ConversationItem({ head, opened }) {
  const { model, actions } = useApp();
  const [isRenamed, setRenamed] = useState(false);
  const { id, title, isPinned } = head;
  const isOpen = model.conversation.value?.id === id && model.view.value === "chat";
  const isAnswering = id in model.running.value;
  const open = async () => {
    await actions.conversations.openConversation(id);
    opened();
  };
  if (isRenamed) return html`<li class="open"><${TitleInput} head=${head} close=${() => setRenamed(false)} /></li>`;
  return html`
    <li class=${isOpen ? "open" : ""}>
      <button type="button" class="conversation" aria-current=${isOpen ? "true" : null} title=${title} dir="auto"
        onClick=${open}>
        ${isPinned && html`<${PinIcon} />`}
        <span class="conversation-title">${title}</span>
        ${isAnswering && html`<span class="answering"><span class="unseen">${t`is being answered`}</span></span>`}
      </button>
      <${ConversationMenu} head=${head} rename=${() => setRenamed(true)} />
    </li>`;
}

/** @param {{head: Head, close: () => void}} props */
function TitleInput({ head, close }) {
  const { actions } = useApp();
  const [title, setTitle] = useState(head.title);
  const save = () => {
    if (title.trim() && title !== head.title) void actions.conversations.rename(head.id, title);
    close();
  };
  /** @param {KeyboardEvent} event */
  const onKeyDown = (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter") save();
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`
    <input class="title-input" aria-label=${t`Title`} value=${title} dir="auto" maxlength="200" onKeyDown=${onKeyDown} onBlur=${save}
      ref=${focusOnce} onInput=${(/** @type {Event} */ event) => setTitle(/** @type {HTMLInputElement} */ (event.target).value)} />`;
}

/** @param {HTMLInputElement | null} input */
function focusOnce(input) {
  if (input && document.activeElement !== input) input.select();
}
