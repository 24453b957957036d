// @ts-check
import { useLayoutEffect, useRef } from "preact/hooks";
import { Composer } from "./composer.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";
import { MessageItem } from "./message.js";
import { Welcome } from "./welcome.js";

const NEAR_THE_END_PX = 80;

export function Chat() {
  const { model } = useApp();
  const conversation = model.conversation.value;
  const messages = conversation?.messages ?? [];
  return html`
    <section class="chat">
      <h1 class="unseen" tabindex="-1">${conversation?.title ?? "New chat"}</h1>
      <${Log} key=${conversation?.id ?? "new"} length=${messages.length}>
        ${messages.length
          ? html`<ol class="messages">${messages.map((message, position) => html`
              <${MessageItem} key=${message.id} message=${message} isLast=${position === messages.length - 1} />`)}</ol>`
          : model.loaded.value && html`<${Welcome} />`}
      <//>
      <${Composer} />
    </section>`;
}

/**
 * The conversation's scrolling part. It follows the end while the reader is there, and stays put otherwise.
 * The live region is off: an answer read out token by token is noise; the status says when it is complete.
 *
 * @param {{length: number, children: import("preact").ComponentChildren}} props
 */
function Log({ length, children }) {
  const log = useRef(/** @type {HTMLElement | null} */ (null));
  const content = useRef(/** @type {HTMLElement | null} */ (null));
  const follows = useRef(true);
  const lastTop = useRef(0);

  useLayoutEffect(() => {
    const box = /** @type {HTMLElement} */ (log.current);
    const follow = () => { if (follows.current) box.scrollTop = box.scrollHeight; };
    const observer = new ResizeObserver(follow);
    observer.observe(/** @type {HTMLElement} */ (content.current));
    observer.observe(box);
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => { follows.current = true; }, [length]);

  const onScroll = () => {
    const { scrollHeight, scrollTop, clientHeight } = /** @type {HTMLElement} */ (log.current);
    // The event comes late: by then more may have been added below. Only moving up is the reader's wish.
    if (scrollHeight - scrollTop - clientHeight < NEAR_THE_END_PX) follows.current = true;
    else if (scrollTop < lastTop.current) follows.current = false;
    lastTop.current = scrollTop;
  };
  return html`
    <div class="log" role="log" aria-label="Conversation" aria-live="off" tabindex="0" ref=${log} onScroll=${onScroll}>
      <div class="log-content" ref=${content}>${children}</div>
    </div>`;
}
