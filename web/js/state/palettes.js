// @ts-check
/** What the command palette offers for what was typed. */

/** @typedef {{id: string, name: string, group: string, act: () => void, keys?: string[]}} Command */

/**
 * @param {Command[]} commands
 * @param {string} typed
 * @param {number} most
 * @returns {Command[]} those whose name holds all that was typed, in its order, the closest first
 */
export function matching(commands, typed, most) {
  const wanted = typed.toLowerCase().replace(/\s+/g, "");
  if (!wanted) return commands.slice(0, most);
  return commands
    .map((command) => ({ command, score: scoreOf(`${command.name} ${command.group}`.toLowerCase(), wanted) }))
    .filter(({ score }) => score < Infinity)
    .sort((a, b) => a.score - b.score)
    .slice(0, most)
    .map(({ command }) => command);
}

/**
 * @param {string} text
 * @param {string} wanted
 * @returns {number} how far apart its letters stand; Infinity where one is missing
 */
function scoreOf(text, wanted) {
  const whole = text.indexOf(wanted);
  if (whole >= 0) return whole === 0 || text[whole - 1] === " " ? 0 : 1;
  let at = -1;
  let gaps = 2;
  for (const letter of wanted) {
    const next = text.indexOf(letter, at + 1);
    if (next < 0) return Infinity;
    gaps += next - at - 1;
    at = next;
  }
  return gaps;
}
