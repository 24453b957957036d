// @ts-check
/** @import { Dialog } from "../../model.js" */
import { useEffect, useState } from "preact/hooks";
import { AttachmentDialog } from "../chat/attachment_dialog.js";
import { ChatSettingsDialog } from "../chat/chat_settings.js";
import { useApp } from "../parts/context.js";
import { EraseDialog } from "./erase_dialog.js";
import { DiagnosisDialog } from "../providers/diagnosis_dialog.js";
import { GroupDialog } from "../rules/group_dialog.js";
import { html } from "../parts/html.js";
import { Palette } from "./palette.js";
import { PairingDialog } from "../relays/pairing_dialog.js";
import { ModelsDialog } from "../providers/models_dialog.js";
import { TrialDialog } from "../providers/trial_dialog.js";
import { ProviderDialog } from "../providers/provider_dialog.js";
import { RelayDialog } from "../relays/relay_dialog.js";
import { RuleDialog } from "../rules/rule_dialog.js";
import { ShortcutsDialog } from "./shortcuts_dialog.js";
import { UnlockDialog } from "./unlock_dialog.js";

/** What few visits need is loaded when it is first shown, so that it does not stand in the way of a start. */
const LATER = {
  backup: async () => (await import("../moving/backup_dialog.js")).BackupDialog,
  export: async () => (await import("../moving/export_dialog.js")).ExportDialog,
  import: async () => (await import("../moving/import_dialog.js")).ImportDialog,
  moves: async () => (await import("../providers/moves_dialog.js")).MovesDialog,
  restore: async () => (await import("../moving/restore_dialog.js")).RestoreDialog,
};

/** @type {{[Kind in Dialog["kind"]]: (dialog: Extract<Dialog, {kind: Kind}>, close: () => void) => object}} */
const SHOWN = {
  attachment: ({ attachment }, close) => html`<${AttachmentDialog} attachment=${attachment} close=${close} />`,
  backup: (_, close) => html`<${Later} load=${LATER.backup} close=${close} />`,
  chat: (_, close) => html`<${ChatSettingsDialog} close=${close} />`,
  diagnosis: ({ model, error }, close) => html`<${DiagnosisDialog} key=${model} model=${model} error=${error} close=${close} />`,
  erase: (_, close) => html`<${EraseDialog} close=${close} />`,
  export: (_, close) => html`<${Later} load=${LATER.export} close=${close} />`,
  group: (dialog, close) => html`<${GroupDialog} key=${dialog} position=${dialog.position} close=${close} />`,
  import: (dialog, close) => html`<${Later} load=${LATER.import} key=${dialog} source=${dialog.source} close=${close} />`,
  models: ({ provider }, close) => html`<${ModelsDialog} id=${provider} close=${close} />`,
  moves: (_, close) => html`<${Later} load=${LATER.moves} close=${close} />`,
  pairing: ({ pairing }, close) => html`<${PairingDialog} pairing=${pairing} close=${close} />`,
  palette: (_, close) => html`<${Palette} close=${close} />`,
  provider: ({ id, preset }, close) => html`<${ProviderDialog} key=${id} id=${id} preset=${preset} close=${close} />`,
  relay: ({ id }, close) => html`<${RelayDialog} key=${id} id=${id} close=${close} />`,
  restore: (_, close) => html`<${Later} load=${LATER.restore} close=${close} />`,
  rule: (dialog, close) => html`<${RuleDialog} key=${dialog} position=${dialog.position} close=${close} />`,
  shortcuts: (_, close) => html`<${ShortcutsDialog} close=${close} />`,
  trial: ({ provider }, close) => html`<${TrialDialog} id=${provider} close=${close} />`,
  unlock: (_, close) => html`<${UnlockDialog} close=${close} />`,
};

/** @param {{load: () => Promise<any>}} props  the others are the view's */
function Later({ load, ...props }) {
  const { actions } = useApp();
  const [View, setView] = useState(/** @type {any} */ (null));
  useEffect(() => { void actions.reported(load().then((view) => setView(() => view))); }, []);
  return View && html`<${View} ...${props} />`;
}

export function Dialogs() {
  const { model } = useApp();
  const dialog = model.dialog.value;
  // The browser tells late of a dialog that was closed: by then another one may be open.
  const close = () => { if (model.dialog.value === dialog) model.dialog.value = null; };
  if (!dialog) return null;
  const show = /** @type {(dialog: Dialog, close: () => void) => object} */ (SHOWN[dialog.kind]);
  return show(dialog, close);
}
