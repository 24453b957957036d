// @ts-check
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { thread } from "../../state/conversations.js";
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { DownIcon } from "../parts/icons.js";
import { Composer } from "./composer.js";
import { Thread } from "./thread.js";
import { Welcome } from "./welcome.js";

const NEAR_THE_END_PX = 80;

export function Chat() {
  const { model } = useApp();
  const conversation = model.conversation.value;
  const messages = conversation ? thread(conversation) : [];
  return html`
    <section class="chat">
      <h1 class="unseen" tabindex="-1">${conversation?.title ?? t`New chat`}</h1>
      <${Log} key=${conversation?.id ?? "new"} length=${messages.length}>
        ${conversation && messages.length
          ? html`<${Thread} conversation=${conversation} messages=${messages} />`
          : model.loaded.value ? html`<${Welcome} />` : html`<${EarlyMessage} text=${model.earlyMessage.value} />`}
      <//>
      <${Composer} />
    </section>`;
}

/** @param {{text: string}} props  what was sent before it was known who is to answer */
function EarlyMessage({ text }) {
  return text && html`
    <ol class="messages"><li class="message user"><div class="bubble" dir="auto">${text}</div></li></ol>`;
}

/**
 * The conversation's scrolling part. It follows the end while the reader is there, and stays put otherwise.
 * The live region is off: an answer read out token by token is noise; the status says when it is complete.
 *
 * @param {{length: number, children: import("preact").ComponentChildren}} props
 */
function Log({ length, children }) {
  const { model } = useApp();
  const log = useRef(/** @type {HTMLElement | null} */ (null));
  const content = useRef(/** @type {HTMLElement | null} */ (null));
  const follows = useRef(true);
  const lastTop = useRef(0);
  const [isAway, setAway] = useState(false);

  useLayoutEffect(() => {
    const box = /** @type {HTMLElement} */ (log.current);
    // What greets in an empty chat is read from its beginning.
    const follow = () => { if (follows.current && length > 0) box.scrollTop = box.scrollHeight; };
    const observer = new ResizeObserver(follow);
    observer.observe(/** @type {HTMLElement} */ (content.current));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => { follows.current = model.sought.value === null; }, [length]);
  useLayoutEffect(() => { if (model.sought.value !== null) follows.current = false; }, [model.sought.value]);

  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = /** @type {HTMLElement} */ (log.current);
    // The event comes late: by then more may have been added below. Only moving up is the reader's wish.
    const isNear = scrollHeight - scrollTop - clientHeight < NEAR_THE_END_PX;
    if (isNear) follows.current = true;
    else if (scrollTop < lastTop.current) follows.current = false;
    lastTop.current = scrollTop;
    setAway(!isNear && !follows.current);
  };
  const toEnd = () => {
    const box = /** @type {HTMLElement} */ (log.current);
    follows.current = true;
    box.scrollTop = box.scrollHeight;
    box.focus({ preventScroll: true });
  };
  return html`
    <div class="log" role="log" aria-label=${t`Conversation`} aria-live="off" tabindex="0" ref=${log} onScroll=${onScroll}>
      <div class="log-content" ref=${content}>${children}</div>
    </div>
    ${isAway && html`
      <button type="button" class="to-end" aria-label=${t`Jump to the newest`} onClick=${toEnd}><${DownIcon} /></button>`}`;
}
