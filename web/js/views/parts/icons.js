// @ts-check
import { html } from "./html.js";

/** @param {string} path */
const icon = (path) => () => html`
  <svg class="icon" viewBox="0 0 24 24" width="20" height="20" fill="none" stroke="currentColor" stroke-width="1.8"
    stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d=${path} /></svg>`;

export const ChatIcon = icon("M5 5h14a1.5 1.5 0 0 1 1.5 1.5v9A1.5 1.5 0 0 1 19 17h-7l-4.5 3.5V17H5a1.5 1.5 0 0 1-1.5-1.5v-9A1.5 1.5 0 0 1 5 5z");
export const KeyIcon = icon("M14.5 9.5a5 5 0 1 0-3.6 4.8l1.6 1.7h2v2h2v2h3.5v-3.2l-5.8-5.6a5 5 0 0 0 .3-1.7zM8.4 8.4h.1");
export const RelayIcon = icon("M4 6.5h5.5a3 3 0 0 1 3 3v5a3 3 0 0 0 3 3H20M16.5 14l3.5 3.5-3.5 3.5M20 6.5h-3");
export const RulesIcon = icon("M4 12h5.5c2.5 0 3-5.5 5.5-5.5h5M9.5 12c2.5 0 3 5.5 5.5 5.5h5M17 3.5l3 3-3 3M17 14.5l3 3-3 3");
export const InsightsIcon = icon("M4 20V4M4 20h16M8 16v-4M12 16V8M16 16v-6");
export const SettingsIcon = icon("M4 7h8M16 7h4M12 7a2 2 0 1 0 4 0 2 2 0 1 0-4 0M4 17h4M12 17h8M8 17a2 2 0 1 0 4 0 2 2 0 1 0-4 0");
export const UpIcon = icon("M12 18V6M7 11l5-5 5 5");
export const DownIcon = icon("M12 6v12M7 13l5 5 5-5");
export const MenuIcon = icon("M4 7h16M4 12h16M4 17h10");
export const CloseIcon = icon("M6 6l12 12M18 6L6 18");
export const PlusIcon = icon("M12 5v14M5 12h14");
export const TrashIcon = icon("M5 7h14M10 7V5h4v2M7 7l.8 12h8.4L17 7");
export const SendIcon = icon("M12 19V5M6 11l6-6 6 6");
export const StopIcon = icon("M7.5 7.5h9v9h-9z");
export const CheckIcon = icon("M5 12.5l4.5 4.5L19 7.5");
export const CrossIcon = icon("M7 7l10 10M17 7L7 17");
export const QuestionIcon = icon("M9 9a3 3 0 1 1 4.2 2.8c-.8.3-1.2.9-1.2 1.7v.5M12 17.5h.01");
export const FileIcon = icon("M6.5 3.5h7.5l4 4v13h-11.5zM14 3.5v4h4M9.5 12.5h5M9.5 16h5");
export const AttachIcon = icon("M18.5 11l-6.8 6.8a4 4 0 0 1-5.7-5.7l7.5-7.5a2.7 2.7 0 0 1 3.8 3.8l-7.3 7.3a1.3 1.3 0 0 1-1.9-1.9l6.3-6.3");
export const TuneIcon = icon("M4 8h9M17 8h3M13 8a2 2 0 1 0 4 0 2 2 0 1 0-4 0M4 16h3M11 16h9M7 16a2 2 0 1 0 4 0 2 2 0 1 0-4 0");
export const CompareIcon = icon("M4.5 5h6v14h-6zM13.5 5h6v14h-6z");
export const MoreIcon = icon("M6 12h.01M12 12h.01M18 12h.01");
export const PinIcon = icon("M9 4h6l-.7 6 3.2 3.5H6.5L9.7 10zM12 13.5V20");
export const SearchIcon = icon("M11 5a6 6 0 1 0 0 12 6 6 0 1 0 0-12M15.5 15.5L20 20");
export const StarIcon = icon("M12 4l2.4 5.200 5.600.6-4.200 3.800 1.200 5.600-5-2.900-5 2.900 1.200-5.600L4 9.800l5.600-.6z");
export const DetourIcon = icon("M4 15h3a3 3 0 0 0 3-3v-1a3 3 0 0 1 3-3h7M17 4.5L20.5 8 17 11.5");
export const ChevronIcon = icon("M7 10l5 5 5-5");

/** An arrow that steps around a block. */
export const Logo = () => html`
  <svg class="logo" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true">
    <rect class="logo-block" x="11" y="14" width="10" height="10" rx="2.5" />
    <path class="logo-arrow" d="M3 19h1.5c2 0 3-1 3-3v-4c0-2.2 1.3-3.5 3.5-3.5h10c2.2 0 3.5 1.3 3.5 3.5v3.5M20.3 12.6l4.2 4.4 4.2-4.4"
      fill="none" stroke-width="2.8" stroke-linecap="round" stroke-linejoin="round" />
  </svg>`;
