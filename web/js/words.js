// @ts-check
/**
 * The page's own words, in the reader's language. English stands in the code and is the key of what the files in
 * `languages/` say instead; what they lack is shown in English.
 *
 * Words that are chosen before they are shown are kept as functions, `() => t`…``, so that they follow the language.
 */
import { signal } from "@preact/signals";

/**
 * @typedef {"en" | "de" | "es"} Language
 * @typedef {Record<string, string | Partial<Record<Intl.LDMLPluralRule, string>>>} Dictionary
 */

/** @type {Record<Language, string>} each by its own name */
export const LANGUAGES = { en: "English", de: "Deutsch", es: "Español" };

/** In dollars. */
const LEAST_MONEY = 0.0001;

/** @type {Partial<Record<Language, () => Promise<{words: Dictionary}>>>} */
const DICTIONARIES = { de: () => import("./languages/de.js"), es: () => import("./languages/es.js") };

const spoken = signal(/** @type {{language: Language, words: Dictionary}} */ ({ language: "en", words: {} }));

/** @returns {Language} */
export function language() {
  return spoken.value.language;
}

/**
 * @param {Language} wanted
 * @returns {Promise<void>} when the page speaks it
 */
export async function speak(wanted) {
  const words = (await DICTIONARIES[wanted]?.())?.words ?? {};
  spoken.value = { language: wanted, words };
}

/**
 * @param {readonly string[]} preferred  as `navigator.languages` has them
 * @returns {Language} the first that the page speaks
 */
export function bestLanguage(preferred) {
  const known = preferred.map((tag) => /** @type {Language} */ (tag.split("-", 1)[0]));
  return known.find((tag) => tag in LANGUAGES) ?? "en";
}

/**
 * The tag of a template whose text is translated: t`Removed ${name}.` looks up "Removed {0}.".
 *
 * @param {TemplateStringsArray} strings
 * @param {...unknown} values
 * @returns {string}
 */
export function t(strings, ...values) {
  const english = strings.reduce((text, piece, position) => `${text}{${position - 1}}${piece}`);
  const found = spoken.value.words[english];
  return fill(typeof found === "string" ? found : english, values);
}

/**
 * The form of a sentence that a number asks for; `{0}` stands for the number.
 *
 * @param {number} count
 * @param {string} one  English, for 1
 * @param {string} other  English, for every other number, and the key of the translations
 * @returns {string}
 */
export function tn(count, one, other) {
  const { language: tag, words } = spoken.value;
  const forms = words[other];
  const english = count === 1 ? one : other;
  const form = typeof forms === "object" ? forms[new Intl.PluralRules(tag).select(count)] ?? forms.other : english;
  return fill(form ?? english, [formatNumber(count)]);
}

/**
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 * @returns {string}
 */
export function formatNumber(value, options) {
  return value.toLocaleString(spoken.value.language, options);
}

/**
 * @param {number} milliseconds
 * @returns {string} `812 ms`, `3.4 s`, `2 min`
 */
export function formatDuration(milliseconds) {
  if (milliseconds < 1000) return unit(Math.round(milliseconds), "millisecond");
  if (milliseconds < 60_000) return unit(milliseconds / 1000, "second", 1);
  return unit(milliseconds / 60_000, "minute", 1);
}

/**
 * @param {number} dollars
 * @returns {string} small amounts keep the digits that say something, `<$0.0001` stands for less than can matter
 */
export function formatMoney(dollars) {
  const isTiny = dollars > 0 && dollars < LEAST_MONEY;
  const digits = dollars >= 0.1 || dollars === 0 ? 2 : 4;
  const shown = formatNumber(isTiny ? LEAST_MONEY : dollars,
    { style: "currency", currency: "USD", minimumFractionDigits: 2, maximumFractionDigits: digits });
  return isTiny ? `<${shown}` : shown;
}

/**
 * @param {number} bytes
 * @returns {string} `512 B`, `3.4 kB`, `20 MB`
 */
export function formatBytes(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  const maximumFractionDigits = power > 0 && value < 10 ? 1 : 0;
  return formatNumber(value, { style: "unit", unit: units[power], unitDisplay: "short", maximumFractionDigits });
}

/**
 * @param {number} moment  in milliseconds since 1970
 * @returns {string} the time of day, with the day where it is another than today
 */
export function formatMoment(moment) {
  const date = new Date(moment);
  /** @type {Intl.DateTimeFormatOptions} */
  const day = date.toDateString() === new Date().toDateString() ? {} : { month: "short", day: "numeric" };
  return date.toLocaleString(spoken.value.language, { ...day, hour: "2-digit", minute: "2-digit" });
}

/**
 * @param {number} value
 * @param {string} name
 * @param {number} [digits]
 */
function unit(value, name, digits = 0) {
  return formatNumber(value, { style: "unit", unit: name, maximumFractionDigits: digits });
}

/**
 * @param {string} text
 * @param {readonly unknown[]} values
 */
function fill(text, values) {
  return text.replace(/\{(\d+)\}/g, (hole, position) => (position in values ? String(values[position]) : hole));
}
