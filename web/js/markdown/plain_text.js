// @ts-check

/** In characters. The browser lays a piece out as a whole, each time that something is added to it. */
const PIECE = 4000;

/**
 * Adds to a text that is too long to be drawn as markdown, in pieces, so that only the last one is laid out again.
 *
 * @param {Element} block
 * @param {string} text
 */
export function addPlainly(block, text) {
  let rest = text;
  while (rest) {
    let piece = block.lastElementChild;
    const room = PIECE - (piece?.textContent?.length ?? PIECE);
    if (!piece || room <= 0) {
      piece = block.appendChild(document.createElement("div"));
      piece.className = "plain";
      continue;
    }
    piece.append(rest.slice(0, room));
    rest = rest.slice(room);
  }
}
