// @ts-check
/**
 * @import { Attempt } from "../../protocol.js"
 * @import { Bucket } from "../../state/insights.js"
 * @import { Plot } from "./plots.js"
 */
import { useEffect, useRef } from "preact/hooks";
import { formatMoment, t } from "../../words.js";
import { useApp } from "../parts/context.js";
import { html } from "../parts/html.js";

/**
 * The direct way against all relays, over time: drawn, and as a table for who cannot see it.
 *
 * @param {object} props
 * @param {string} props.title
 * @param {Bucket[]} props.buckets
 * @param {(attempts: Attempt[]) => number | null} props.figure
 * @param {(value: number) => string} props.write
 * @param {boolean} [props.isCount]  whether nothing is zero, and not a gap
 */
export function Chart({ title, buckets, figure, write, isCount = false }) {
  const box = useRef(/** @type {HTMLElement | null} */ (null));
  const rows = buckets.map(({ start, direct, relay }) => ({ start, direct: figure(direct), relay: figure(relay) }));
  const { theme } = useApp().model.preferences.value;
  usePlot(box, rows, write, isCount, theme);
  const known = rows.filter(({ direct, relay }) => direct !== null || relay !== null);
  return html`
    <figure class="chart">
      <figcaption>${title}</figcaption>
      <p class="legend" aria-hidden="true">
        <span class="legend-direct">${t`direct`}</span> <span class="legend-relay">${t`relay`}</span>
      </p>
      ${known.length ? html`<div class="plot" ref=${box} aria-hidden="true"></div>` : html`<p class="hint">${t`Not known.`}</p>`}
      <details>
        <summary>${t`As a table`}</summary>
        <div class="table-frame" tabindex="0" role="group" aria-label=${title}>
          <table class="figures-table">
            <thead><tr><th scope="col">${t`Time`}</th><th scope="col">${t`Direct`}</th><th scope="col">${t`Relay`}</th></tr></thead>
            <tbody>
              ${known.map(({ start, direct, relay }) => html`
                <tr key=${start}><th scope="row">${formatMoment(start * 1000)}</th>
                  <td>${direct === null ? "–" : write(direct)}</td><td>${relay === null ? "–" : write(relay)}</td></tr>`)}
            </tbody>
          </table>
        </div>
      </details>
    </figure>`;
}

/**
 * @param {{current: HTMLElement | null}} box
 * @param {{start: number, direct: number | null, relay: number | null}[]} rows
 * @param {(value: number) => string} write
 * @param {boolean} isCount
 * @param {string} theme  drawn anew when it changes
 */
function usePlot(box, rows, write, isCount, theme) {
  const plot = useRef(/** @type {Plot | null} */ (null));
  const drawn = JSON.stringify(rows);
  useEffect(() => {
    const element = box.current;
    let isGone = !element;
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const draw = async () => {
      const { drawPlot } = await import("./plots.js");
      if (isGone || !element) return;
      plot.current?.remove();
      plot.current = drawPlot(element, rows, write, isCount);
    };
    void draw();
    dark.addEventListener("change", draw);
    return () => {
      isGone = true;
      dark.removeEventListener("change", draw);
      plot.current?.remove();
      plot.current = null;
    };
  }, [drawn, theme]);
}
