// @ts-check
/** @import { Match } from "../../state/searches.js" */
import { useEffect, useState } from "preact/hooks";
import { wordsIn } from "../../state/searches.js";
import { t, tn } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { SearchIcon } from "../parts/icons.js";

const TYPING_PAUSE_MS = 150;
const MOST_SHOWN = 100;

/** @param {{sought: string, setSought: (words: string) => void}} props */
export function SearchBox({ sought, setSought }) {
  return html`
    <div class="search-box" role="search">
      <${SearchIcon} />
      <input type="search" id="search" aria-label=${t`Search all chats`} placeholder=${t`Search all chats`} value=${sought} dir="auto"
        onInput=${(/** @type {Event} */ event) => setSought(/** @type {HTMLInputElement} */ (event.target).value)}
        onKeyDown=${(/** @type {KeyboardEvent} */ event) => { if (event.key === "Escape" && sought) { event.stopPropagation(); setSought(""); } }} />
    </div>`;
}

/** @param {{words: string, opened: () => void}} props */
export function SearchResults({ words, opened }) {
  const { model, actions } = useApp();
  const { matches, isOver } = useSearch(words);
  const wanted = wordsIn(words);
  const titled = model.conversations.value.filter(({ title }) => wanted.every((word) => title.toLowerCase().includes(word)));
  /** @param {string} id @param {string} [message] */
  const open = async (id, message) => {
    await actions.conversations.openConversation(id, message);
    opened();
  };
  const count = titled.length + matches.length;
  return html`
    <div class="conversation-groups" role="region" aria-label=${t`Search results`}>
      <p class="side-title" aria-live="polite">${!isOver ? t`Searching…` : count
        ? tn(count, "{0} place found", "{0} places found") : t`Nothing found.`}</p>
      <ul>
        ${titled.map(({ id, title }) => html`
          <li key=${id}><button type="button" class="conversation" dir="auto" onClick=${() => open(id)}>
            <span class="conversation-title">${title}</span></button></li>`)}
        ${matches.slice(0, MOST_SHOWN).map(({ conversation, message, excerpt }) => html`
          <li key=${`${conversation} ${message}`}>
            <button type="button" class="conversation match" onClick=${() => open(conversation, message)}>
              <span class="match-title">${titleOf(conversation)}</span>
              <span class="match-text" dir="auto">${excerpt.map((piece, place) => (place % 2 ? html`<mark>${piece}</mark>` : piece))}</span>
            </button>
          </li>`)}
      </ul>
      ${matches.length > MOST_SHOWN && html`<p class="side-title">${t`Add a word to find fewer.`}</p>`}
    </div>`;

  /** @param {string} id */
  function titleOf(id) {
    return model.conversations.value.find((head) => head.id === id)?.title ?? "";
  }
}

/**
 * @param {string} words
 * @returns {{matches: Match[], isOver: boolean}}
 */
function useSearch(words) {
  const { actions } = useApp();
  const [found, setFound] = useState({ matches: /** @type {Match[]} */ ([]), isOver: false });
  useEffect(() => {
    setFound({ matches: [], isOver: false });
    const timer = setTimeout(async () => {
      /** @type {Match[]} */
      let all = [];
      const isWhole = await actions.conversations.search(words, (matches) => {
        if (!matches.length) return;
        all = [...all, ...matches];
        setFound({ matches: all, isOver: false });
      });
      if (isWhole) setFound({ matches: all, isOver: true });
    }, TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [words]);
  return found;
}
