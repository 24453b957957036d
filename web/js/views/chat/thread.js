// @ts-check
/** @import { Conversation, Message } from "../../state/conversations.js" */
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { comparedWith, versionsOf } from "../../state/conversations.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { MessageItem } from "./message.js";

/** Messages drawn at first, and more at a time when the reader comes to the first of them. */
const PAGE = 40;

/**
 * The messages near the end; earlier ones are drawn when they are wanted, so that a long conversation opens at once.
 *
 * @param {{conversation: Conversation, messages: Message[]}} props
 */
export function Thread({ conversation, messages }) {
  const { model } = useApp();
  const [drawn, setDrawn] = useState(PAGE);
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const first = Math.max(0, messages.length - drawn);
  const sought = model.sought.value;
  const place = sought ? messages.findIndex(({ id }) => id === sought) : -1;

  useLayoutEffect(() => {
    if (place >= 0 && place < first) setDrawn(messages.length - place + 1);
  }, [place, first]);
  useEffect(() => {
    if (place < 0 || place < first) return;
    const item = /** @type {HTMLElement | undefined} */ (list.current?.children[place - first]);
    item?.scrollIntoView({ block: "start" });
    item?.setAttribute("tabindex", "-1");
    item?.focus({ preventScroll: true });
    model.sought.value = null;
  }, [place, first]);

  return html`
    ${first > 0 && html`<${Earlier} count=${first} draw=${() => setDrawn(drawn + PAGE)} list=${list} />`}
    <ol class="messages" ref=${list} start=${first + 1}>
      ${messages.slice(first).map((message, position) => {
        const versions = versionsOf(conversation, message);
        return html`
          <${MessageItem} key=${message.id} message=${message} isLast=${first + position === messages.length - 1}
            place=${versions.indexOf(message)} versions=${versions.length} compared=${comparedWith(conversation, message)} />`;
      })}
    </ol>`;
}

/** @param {{count: number, draw: () => void, list: {current: HTMLElement | null}}} props */
function Earlier({ count, draw, list }) {
  const button = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const log = list.current?.closest(".log");
    const observer = new IntersectionObserver((entries) => { if (entries.some((entry) => entry.isIntersecting)) more(); },
      { root: log, rootMargin: "400px" });
    observer.observe(/** @type {HTMLElement} */ (button.current));
    return () => observer.disconnect();
  }, [count]);

  function more() {
    const log = list.current?.closest(".log");
    const below = log ? log.scrollHeight - log.scrollTop : 0;
    draw();
    // What was in view stays where it was.
    requestAnimationFrame(() => { if (log) log.scrollTop = log.scrollHeight - below; });
  }
  return html`
    <button type="button" class="link earlier-messages" ref=${button} onClick=${more}>${t`Show earlier messages`}</button>`;
}
