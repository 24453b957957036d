// @ts-check
import { useEffect, useId, useLayoutEffect, useRef, useState } from "preact/hooks";
import { html } from "./html.js";
import { MoreIcon } from "./icons.js";

/**
 * A button with a menu (WAI-ARIA Authoring Practices, *Menu Button*): arrows, Home, End and first letters move in it,
 * Escape closes it and gives the focus back.
 *
 * @param {{label: string, items: {name: string, act: () => void, isDangerous?: boolean}[]}} props
 */
export function Menu({ label, items }) {
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const menu = useRef(/** @type {HTMLElement | null} */ (null));
  const button = useRef(/** @type {HTMLElement | null} */ (null));
  usePlace(isOpen, button, menu);
  useEffect(() => {
    if (!isOpen) return undefined;
    itemsOf(menu)[0]?.focus();
    /** @param {Event} event */
    const leave = (event) => { if (!box.current?.contains(/** @type {Node} */ (event.target))) setOpen(false); };
    addEventListener("pointerdown", leave);
    addEventListener("focusin", leave);
    return () => {
      removeEventListener("pointerdown", leave);
      removeEventListener("focusin", leave);
    };
  }, [isOpen]);

  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  /** @param {KeyboardEvent} event */
  function onKeyDown(event) {
    if (!isOpen) return;
    if (event.key === "Escape") close();
    else if (!moveFocus(itemsOf(menu), event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }
  return html`
    <span class="menu ${isOpen ? "open" : ""}" ref=${box} onKeyDown=${onKeyDown}>
      <button type="button" class="quiet square" ref=${button} aria-label=${label} aria-haspopup="menu" aria-expanded=${isOpen}
        aria-controls=${id} onClick=${() => setOpen(!isOpen)}><${MoreIcon} /></button>
      <span role="menu" id=${id} aria-label=${label} class="menu-items" hidden=${!isOpen} ref=${menu}>
        ${isOpen && items.map(({ name, act, isDangerous }) => html`
          <button type="button" role="menuitem" tabindex="-1" key=${name} class=${isDangerous ? "danger" : ""}
            onClick=${() => { close(); act(); }}>${name}</button>`)}
      </span>
    </span>`;
}

/**
 * Beside its button, above it where there is no room below; fixed, so that no scrolling list cuts it off.
 *
 * @param {boolean} isOpen
 * @param {{current: HTMLElement | null}} button
 * @param {{current: HTMLElement | null}} menu
 */
function usePlace(isOpen, button, menu) {
  useLayoutEffect(() => {
    if (!isOpen || !button.current || !menu.current) return;
    const { top, bottom, left, right } = button.current.getBoundingClientRect();
    const { offsetHeight: height, offsetWidth: width } = menu.current;
    const isBelow = bottom + height < innerHeight;
    const start = right - width > 8 ? right - width : Math.min(left, innerWidth - width - 8);
    menu.current.style.setProperty("top", `${isBelow ? bottom : Math.max(8, top - height)}px`);
    menu.current.style.setProperty("left", `${start}px`);
  }, [isOpen]);
}

/** @param {{current: HTMLElement | null}} menu @returns {HTMLElement[]} */
function itemsOf(menu) {
  return [...menu.current?.querySelectorAll("[role=menuitem]") ?? []].map((item) => /** @type {HTMLElement} */ (item));
}

/**
 * @param {HTMLElement[]} items
 * @param {string} key
 * @returns {boolean} whether the key meant a move
 */
function moveFocus(items, key) {
  const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
  const places = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
  const place = key in places ? places[/** @type {keyof typeof places} */ (key)] : placeOfLetter(items, at, key);
  if (place === null) return false;
  items.at(place % items.length)?.focus();
  return true;
}

/** @param {HTMLElement[]} items @param {number} at @param {string} key */
function placeOfLetter(items, at, key) {
  if (key.length !== 1) return null;
  const order = items.map((_, step) => (at + 1 + step) % items.length);
  return order.find((place) => items[place].textContent?.toLowerCase().startsWith(key.toLowerCase())) ?? null;
}
