// @ts-check
/** LaTeX set as MathML, which browsers draw themselves. Loaded only when the first formula is there. */
import temml from "temml";

const MATHML = "http://www.w3.org/1998/Math/MathML";
/** What a formula needs none of, and what could call or name something. */
const FORBIDDEN = ["href", "xlink:href", "src", "id", "class"];
/** In em, of a rule or a space. */
const LARGEST = 20;
const MOST_EXPANSIONS = 500;

/**
 * Sets the formula written in *element* in its place; one that cannot be read stays as it was written.
 *
 * @param {HTMLElement} element  with `data-formula`, "line" or "block"
 */
export function drawFormula(element) {
  const source = element.textContent ?? "";
  const isBlock = element.dataset.formula === "block";
  const drawn = document.createElement("span");
  try {
    temml.render(source, drawn, { displayMode: isBlock, trust: false, throwOnError: true, maxSize: [LARGEST, LARGEST],
      maxExpand: MOST_EXPANSIONS, annotate: false });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    element.className = "formula-source";
    return;
  }
  const math = drawn.querySelector("math");
  if (!math) return;
  clean(math);
  element.className = isBlock ? "formula block" : "formula";
  element.title = source;
  element.replaceChildren(math);
}

/** @param {Element} math */
function clean(math) {
  for (const part of [math, ...math.querySelectorAll("*")]) {
    if (part.namespaceURI !== MATHML) part.remove();
    for (const name of FORBIDDEN) part.removeAttribute(name);
    for (const { name } of [...part.attributes]) if (name.startsWith("on")) part.removeAttribute(name);
  }
}
