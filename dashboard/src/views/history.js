// Live quality over time.
import { useMemo, useState } from "preact/hooks";
import { query } from "../api.js";
import { COLOURS, Lines } from "../chart.js";
import { Card, Place, html, useData } from "../ui.js";
import { t } from "../words.js";

/** A measure over time, of all versions together and of each. */
export function History({ window, segment, measures }) {
  const of = useData(`quality/history${query({ window, segment })}`, 30000);
  const [key, setKey] = useState(measures[0].key);
  const measure = measures.find((one) => one.key === key);
  const { times, lines } = useMemo(() => {
    const rows = [...(of.data ?? [])].reverse();
    const times = [...new Set(rows.map((row) => row.at))];
    const models = [...new Set(rows.map((row) => row.model))].slice(-COLOURS.length);
    // All answers together, each version by its known prices: a version may answer for a minute only.
    const whole = times.map((at) => {
      const own = rows.filter((row) => row.at === at && row[key] !== null);
      const labels = own.reduce((sum, row) => sum + row.labelled, 0);
      return labels ? own.reduce((sum, row) => sum + row[key] * row.labelled, 0) / labels : null;
    });
    const lines = models.slice(1 - COLOURS.length).map((model) => {
      const values = new Map(rows.filter((row) => row.model === model).map((row) => [row.at, row[key]]));
      return { name: model.split("@")[1], values: times.map((at) => values.get(at) ?? null) };
    });
    const long = lines.filter((line) => line.values.filter((value) => value !== null).length > 2);
    return { times, lines: [{ name: t("all_versions"), values: whole }, ...(models.length > 1 ? long : [])].filter((line) => line.values.some((value) => value !== null)) };
  }, [of.data, key]);
  return html`<${Card} wide title=${t("over_time")} aside=${html`<select aria-label=${t("measure")} value=${key} onChange=${(event) => setKey(event.target.value)}>${measures.map((one) => html`<option value=${one.key}>${t(`measure.${one.key}`)}</option>`)}</select>`}>
    <${Place} of=${of} empty=${(lines.length === 0 || times.length < 2) && t("no_history")}>
      <${Lines} times=${times} lines=${lines} show=${measure.show} limits=${measure.limits} text=${t("over_time_text", { measure: t(`measure.${key}`) })} />
      ${measure.limits && html`<p class="soft">${t("band", { low: measure.show(measure.limits[0]), high: measure.show(measure.limits[1]) })}</p>`}
    <//>
  <//>`;
}
