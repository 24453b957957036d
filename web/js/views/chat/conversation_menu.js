// @ts-check
/** @import { Head } from "../../state/conversations.js" */
import { t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { Menu } from "../parts/menu.js";
import { html } from "../parts/html.js";

/** @param {{head: Head, rename: () => void}} props */
export function ConversationMenu({ head, rename }) {
  const { actions: { conversations } } = useApp();
  const { id, title, isPinned } = head;
  const items = [
    { name: isPinned ? t`Unpin` : t`Pin`, act: () => conversations.togglePin(head) },
    { name: t`Rename`, act: rename },
    { name: t`Save as Markdown`, act: () => conversations.exportConversation(id, "markdown") },
    { name: t`Save as JSON`, act: () => conversations.exportConversation(id, "json") },
    { name: t`Delete`, act: () => conversations.deleteConversation(id), isDangerous: true },
  ];
  return html`<${Menu} label=${t`More for “${title}”`} items=${items} />`;
}
