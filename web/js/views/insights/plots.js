// @ts-check
/** What uPlot draws. Loaded when the first chart is shown. */
import uPlot from "uplot";
import { language } from "../../words.js";

const HEIGHT = 190;
const AXIS_SPACE = 70;
const DASH = [7, 5];

/** @typedef {{remove: () => void}} Plot */

/**
 * @param {HTMLElement} element
 * @param {{start: number, direct: number | null, relay: number | null}[]} rows
 * @param {(value: number) => string} write
 * @param {boolean} isCount
 * @returns {Plot}
 */
export function drawPlot(element, rows, write, isCount) {
  const style = getComputedStyle(element);
  /** @param {string} name */
  const colour = (name) => style.getPropertyValue(name).trim();
  const font = `12px ${colour("--sans")}`;
  const axis = { stroke: colour("--muted"), font, grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false } };
  const bars = isCount ? { paths: uPlot.paths.bars?.({ size: [0.5, 24] }), points: { show: false } } : {};
  const plot = new uPlot({
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, points: { size: 8 } },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(most ?? 0, isCount ? 1 : 0) * 1.1 || 1] } },
    axes: [
      { ...axis, space: AXIS_SPACE, values: (_plot, moments, _axis, _space, step) => moments.map((moment) => momentName(moment, step)) },
      { ...axis, size: AXIS_SPACE, values: (_plot, values) => values.map((value) => write(value)) },
    ],
    series: [
      {},
      { stroke: colour("--accent"), fill: isCount ? colour("--accent") : undefined, width: 2, spanGaps: true, ...bars },
      { stroke: colour("--detour"), fill: isCount ? colour("--detour-soft") : undefined, width: 2, dash: DASH, spanGaps: true, ...bars },
    ],
  }, columns(rows, isCount), element);
  const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: HEIGHT }));
  observer.observe(element);
  return {
    remove() {
      observer.disconnect();
      plot.destroy();
    },
  };
}

/**
 * @param {{start: number, direct: number | null, relay: number | null}[]} rows
 * @param {boolean} isCount
 * @returns {uPlot.AlignedData}
 */
function columns(rows, isCount) {
  const direct = rows.map((row) => row.direct);
  const relay = rows.map((row) => row.relay);
  // What is counted stands on top of each other: the taller bar, drawn first, is the sum.
  const sums = rows.map((row) => (row.direct === null && row.relay === null ? null : (row.direct ?? 0) + (row.relay ?? 0)));
  return [rows.map(({ start }) => start), isCount ? sums : direct, relay];
}

/** @param {number} moment  in seconds since 1970 @param {number} step  in seconds */
function momentName(moment, step) {
  /** @type {Intl.DateTimeFormatOptions} */
  const form = step < 24 * 3600 ? { hour: "2-digit", minute: "2-digit" } : { month: "short", day: "numeric" };
  return new Date(moment * 1000).toLocaleString(language(), form);
}
