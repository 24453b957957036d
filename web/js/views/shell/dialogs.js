// @ts-check
import { AttachmentDialog } from "../chat/attachment_dialog.js";
import { ChatSettingsDialog } from "../chat/chat_settings.js";
import { useApp } from "../parts/context.js";
import { EraseDialog } from "./erase_dialog.js";
import { DiagnosisDialog } from "../providers/diagnosis_dialog.js";
import { GroupDialog } from "../rules/group_dialog.js";
import { html } from "../parts/html.js";
import { Palette } from "./palette.js";
import { PairingDialog } from "../relays/pairing_dialog.js";
import { ProviderDialog } from "../providers/provider_dialog.js";
import { RelayDialog } from "../relays/relay_dialog.js";
import { RuleDialog } from "../rules/rule_dialog.js";
import { ShortcutsDialog } from "./shortcuts_dialog.js";
import { UnlockDialog } from "./unlock_dialog.js";

export function Dialogs() {
  const { model } = useApp();
  const dialog = model.dialog.value;
  // The browser tells late of a dialog that was closed: by then another one may be open.
  const close = () => { if (model.dialog.value === dialog) model.dialog.value = null; };
  if (!dialog) return null;
  if (dialog.kind === "pairing") return html`<${PairingDialog} pairing=${dialog.pairing} close=${close} />`;
  if (dialog.kind === "diagnosis") {
    return html`<${DiagnosisDialog} key=${dialog.model} model=${dialog.model} error=${dialog.error} close=${close} />`;
  }
  if (dialog.kind === "rule") return html`<${RuleDialog} key=${dialog} position=${dialog.position} close=${close} />`;
  if (dialog.kind === "group") return html`<${GroupDialog} key=${dialog} position=${dialog.position} close=${close} />`;
  if (dialog.kind === "attachment") return html`<${AttachmentDialog} attachment=${dialog.attachment} close=${close} />`;
  if (dialog.kind === "chat") return html`<${ChatSettingsDialog} close=${close} />`;
  if (dialog.kind === "erase") return html`<${EraseDialog} close=${close} />`;
  if (dialog.kind === "shortcuts") return html`<${ShortcutsDialog} close=${close} />`;
  if (dialog.kind === "palette") return html`<${Palette} close=${close} />`;
  if (dialog.kind === "unlock") return html`<${UnlockDialog} close=${close} />`;
  const Form = dialog.kind === "provider" ? ProviderDialog : RelayDialog;
  return html`<${Form} key=${dialog.id} id=${dialog.id} close=${close} />`;
}
