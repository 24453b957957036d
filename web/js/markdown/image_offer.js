// @ts-check
import { t } from "../words.js";

const WHOLE = /^data:image\/(?:png|jpeg|gif|webp);base64,/i;
const REMOTE = /^https?:/i;

/**
 * A picture in an answer. One that comes with the text is shown; one from elsewhere only on a click, since loading it
 * tells its server who reads this, and its address may carry the conversation along.
 *
 * @param {string} address
 * @param {string} name
 * @returns {Element}
 */
export function imageOffer(address, name) {
  if (WHOLE.test(address)) return picture(address, name);
  const box = document.createElement("span");
  box.className = "image-offer";
  const label = document.createElement("span");
  label.textContent = name || t`Picture`;
  box.append(label);
  if (!REMOTE.test(address) || !URL.canParse(address)) return box;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = t`Load picture from ${new URL(address).host}`;
  button.addEventListener("click", () => void load(box, button, address, name));
  box.append(button);
  return box;
}

/**
 * @param {Element} box
 * @param {HTMLButtonElement} button
 * @param {string} address
 * @param {string} name
 */
async function load(box, button, address, name) {
  button.disabled = true;
  const blob = await fetched(address);
  if (blob) return box.replaceWith(picture(URL.createObjectURL(blob), name));
  const why = document.createElement("span");
  why.textContent = t`That server lets no other page read it.`;
  const link = document.createElement("a");
  link.href = address;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  link.textContent = t`Open it in a new tab`;
  button.replaceWith(why, " ", link);
}

/**
 * @param {string} address
 * @returns {Promise<Blob | null>} null where it cannot be had, or is no picture
 */
async function fetched(address) {
  try {
    const answer = await fetch(address, { credentials: "omit", referrerPolicy: "no-referrer" });
    const blob = answer.ok ? await answer.blob() : null;
    return blob?.type.startsWith("image/") && !blob.type.startsWith("image/svg") ? blob : null;
  } catch {
    return null;
  }
}

/** @param {string} source @param {string} name */
function picture(source, name) {
  const image = document.createElement("img");
  image.src = source;
  image.alt = name;
  image.referrerPolicy = "no-referrer";
  return image;
}
