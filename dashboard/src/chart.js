// Lines over time, with axes, units and a legend that follows the pointer (uPlot).
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { html } from "./ui.js";
import { language, t } from "./words.js";

export const COLOURS = ["--c1", "--c2", "--c3", "--c4", "--c5", "--c6"];
const of_style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Draws the range within which a measure is to lie. */
function bands(limits) {
  return {
    hooks: {
      drawClear: (plot) => {
        if (!limits) return;
        const { ctx, bbox } = plot;
        const low = Math.min(plot.valToPos(limits[0] ?? plot.scales.y.min, "y", true), bbox.top + bbox.height);
        const high = Math.max(plot.valToPos(limits[1] ?? plot.scales.y.max, "y", true), bbox.top);
        ctx.save();
        ctx.fillStyle = of_style("--band");
        if (low > high) ctx.fillRect(bbox.left, high, bbox.width, low - high);
        ctx.restore();
      },
    },
  };
}

/** `lines`: `{name, values}` on `times` (seconds since 1970). */
export function Lines({ times, lines, show, limits, height = 190, text }) {
  const place = useRef(null);
  useEffect(() => {
    if (!times.length) return undefined;
    const axis = { stroke: of_style("--soft"), grid: { stroke: of_style("--line"), width: 1 }, ticks: { stroke: of_style("--line") }, font: "12px system-ui" };
    const dates = uPlot.fmtDate;
    const options = {
      width: place.current.clientWidth,
      height,
      cursor: { y: false },
      legend: { live: true },
      fmtDate: (pattern) => dates(language === "ru" ? pattern.replaceAll("{M}/{D}", "{DD}.{MM}") : pattern),
      plugins: [bands(limits)],
      axes: [
        { ...axis, values: (_, ticks, __, ___, step) => ticks.map((tick) => (step >= 86400 ? dates("{DD}.{MM}") : dates("{HH}:{mm}"))(new Date(tick * 1000))) },
        { ...axis, size: 62, values: (_, ticks) => ticks.map(show) },
      ],
      scales: {
        y: {
          range: (_, low, high) => {
            const [least, most] = [Math.min(low, limits?.[0] ?? low), Math.max(high, limits?.[1] ?? high)];
            const room = (most - least || Math.abs(most) || 1) * 0.1;
            return [least - room, most + room];
          },
        },
      },
      series: [
        { value: (_, at) => (at === null ? "–" : dates("{DD}.{MM} {HH}:{mm}")(new Date(at * 1000))), label: t("when") },
        ...lines.map((line, index) => ({
          label: line.name,
          stroke: of_style(COLOURS[index % COLOURS.length]),
          width: 2,
          spanGaps: true,
          points: { show: times.length < 40, size: 5 },
          value: (_, value) => (value === null || value === undefined ? "–" : show(value)),
        })),
      ],
    };
    const plot = new uPlot(options, [times, ...lines.map((line) => line.values)], place.current);
    const fit = new ResizeObserver(() => place.current && plot.setSize({ width: place.current.clientWidth, height }));
    fit.observe(place.current);
    return () => {
      fit.disconnect();
      plot.destroy();
    };
  }, [JSON.stringify([times, lines, limits]), language]);
  return html`<div class="chart" ref=${place} role="img" aria-label=${text}></div>`;
}
