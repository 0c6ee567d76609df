// How good the answers are: over time, by market and by tenth of the price; and what has moved.
import { useState } from "preact/hooks";
import { query } from "../api.js";
import { Badge, Card, FindMarket, Place, Together, html, useData, useLive } from "../ui.js";
import { about, amount, label, level, number, percent, signedPercent, span, t } from "../words.js";
import { ClassQuality } from "./class_quality.js";
import { History } from "./history.js";

const MEASURES = [
  { key: "mdape", show: percent },
  { key: "coverage", show: percent, limits: [0.87, 0.93] },
  { key: "cod", show: (value) => number(value, 1), limits: [5, 15] },
  { key: "prd", show: (value) => number(value, 3), limits: [0.98, 1.03] },
  { key: "prb", show: (value) => number(value, 3), limits: [-0.05, 0.05] },
  { key: "bias", show: signedPercent },
];

const verdict = (interval) => (!interval ? "–" : html`<span class=${interval.passes ? "" : "bad-text"} title=${interval.low === undefined ? undefined : `${number(interval.low, 3)} – ${number(interval.high, 3)}`}>${number(interval.value, 3)}${interval.passes ? "" : " !"}</span>`);

/** Markets that are shown at first. */
const FEW = 12;

/** A row of all versions together, as one of a version. */
const together = (row) => ({
  segment: row.segment, answers: row.answers, labelled: row.labelled,
  figures: row.labelled >= MIN_TOGETHER ? { mdape: { value: row.mdape }, bias: row.bias, coverage: { value: row.coverage }, ratios: { cod: { value: row.cod, passes: row.cod >= 5 && row.cod <= 15 }, prd: { value: row.prd, passes: row.prd >= 0.98 && row.prd <= 1.03 } } } : null,
});
const MIN_TOGETHER = 30;
const by = (name) => t("by_segment", { field: name, lower: name.toLowerCase() });

/** By market: of a version, or of all together where it has too few known prices in each. */
function Segments({ groups, all_versions, field, chosen, onPick }) {
  const [is_whole, setWhole] = useState(false);
  const own = groups.filter((group) => group.segment);
  const is_together = !own.some((group) => group.figures) && all_versions.length > 0;
  const named = field ? label(field) : t("segment");
  // Those that can be judged first, the most answers first.
  const all = (is_together ? all_versions.map(together) : own).sort((one, other) => Boolean(other.figures) - Boolean(one.figures) || other.answers - one.answers);
  const rows = is_whole ? all : all.slice(0, FEW);
  if (!rows.length) return html`<p class="note">${t("no_segments")}</p>`;
  return html`${is_together ? html`<p class="soft">${t("all_versions_words")}</p>` : ""}<div class="scroll" tabindex="0" role="region" aria-label=${by(named)}><table class="data">
    <thead><tr><th scope="col">${named}</th>${[t("requests"), t("labels"), t("measure.mdape"), t("measure.bias"), t("measure.coverage"), "COD", "PRD", "PRB"].map((one) => html`<th scope="col" class="num">${one}</th>`)}</tr></thead>
    <tbody>${rows.map((group) => html`<tr class=${group.segment === chosen ? "chosen" : ""}>
      <th scope="row"><button class="link" onClick=${() => onPick(group.segment)}>${level(group.segment)}</button></th><td class="num">${number(group.answers)}</td><td class="num">${number(group.labelled)}</td>
      ${group.figures ? html`<td class="num" title=${group.figures.mdape.low === undefined ? undefined : `${percent(group.figures.mdape.low)} – ${percent(group.figures.mdape.high)}`}>${percent(group.figures.mdape.value)}</td><td class="num">${signedPercent(group.figures.bias)}</td><td class="num">${percent(group.figures.coverage.value)}</td><td class="num">${verdict(group.figures.ratios?.cod)}</td><td class="num">${verdict(group.figures.ratios?.prd)}</td><td class="num">${verdict(group.figures.ratios?.prb)}</td>` : html`<td colspan="6" class="soft">${t("too_few", { count: number(group.labelled) })}</td>`}
    </tr>`)}</tbody></table></div>
    ${all.length > FEW && html`<div class="actions"><button class="quiet small" aria-expanded=${is_whole} onClick=${() => setWhole(!is_whole)}>${is_whole ? t("less") : t("show_all", { count: number(all.length) })}</button></div>`}
    <p class="soft">${t("measures_words")}</p>`;
}

/** Each version's whole figures. */
function Versions({ groups, shown, onPick }) {
  const rows = groups.filter((group) => !group.segment).sort((one, other) => (one.model < other.model ? 1 : -1));
  if (rows.length < 2) return null;
  return html`<${Card} wide title=${t("by_version")}><div class="scroll" tabindex="0" role="region" aria-label=${t("by_version")}><table class="data">
    <thead><tr><th scope="col">${t("version")}</th>${[t("requests"), t("labels"), t("measure.mdape"), t("measure.bias"), t("measure.coverage")].map((one) => html`<th scope="col" class="num">${one}</th>`)}</tr></thead>
    <tbody>${rows.slice(0, FEW).map((group) => html`<tr class=${group.model === shown ? "chosen" : ""}><th scope="row"><button class="link" onClick=${() => onPick(group.model)}>${group.model.split("@")[1]}</button></th><td class="num">${number(group.answers)}</td><td class="num">${number(group.labelled)}</td>
      ${group.figures ? html`<td class="num">${percent(group.figures.mdape.value)}</td><td class="num">${signedPercent(group.figures.bias)}</td><td class="num">${percent(group.figures.coverage.value)}</td>` : html`<td colspan="3" class="soft">${t("too_few", { count: number(group.labelled) })}</td>`}</tr>`)}</tbody></table></div><//>`;
}

/** Whether the answers are good, in one sentence. */
function verdict_of(figures, holdout, confidence) {
  // Of classes there is another page.
  if (!figures?.coverage) return null;
  if (figures.coverage.high < confidence - 0.04) return ["warn", t("verdict_intervals", { coverage: percent(figures.coverage.value), confidence: percent(confidence, 0) })];
  if (holdout && figures.mdape.low > 1.25 * holdout) return ["warn", t("verdict_worse", { error: percent(figures.mdape.value), holdout: percent(holdout) })];
  return ["good", t("verdict_good", { error: percent(figures.mdape.value), coverage: percent(figures.coverage.value) })];
}

function Bars({ rows, show, text }) {
  const top = Math.max(...rows.map((row) => row.value), 1e-9);
  return html`<table class="bars"><caption class="sr">${text}</caption><tbody>${rows.map((row) => html`<tr><th scope="row">${row.name}</th><td class="bar" aria-hidden="true"><i style=${{ width: `${(100 * row.value) / top}%` }}></i></td><td class="num">${show(row.value)}</td></tr>`)}</tbody></table>`;
}

function Tenths({ model, unit }) {
  const of = useData(`quality/tenths${query({ model })}`, 30000);
  const rows = (of.data ?? []).map((row) => ({ name: `${about(row.low)} – ${about(row.high)}`, value: row.mdape }));
  return html`<${Card} title=${`${t("by_tenth")}${unit ? `, ${unit}` : ""}`}><${Place} of=${of} empty=${rows.length === 0 && t("no_labels")}><${Bars} rows=${rows} show=${percent} text=${t("by_tenth")} /><p class="soft">${t("by_tenth_words")}</p><//><//>`;
}

function Distribution({ field }) {
  const parts = field.parts.numbers ?? field.parts.levels;
  const is_number = Boolean(field.parts.numbers);
  const name = (index) => {
    if (index === field.training.length - 1) return t("no_value");
    if (is_number) return index === 0 ? `≤ ${about(parts[0])}` : index < parts.length ? `${about(parts[index - 1])} – ${about(parts[index])}` : `> ${about(parts[parts.length - 1])}`;
    return index < parts.length ? level(parts[index]) : t("others");
  };
  const sum = (counts) => counts.reduce((all, one) => all + one, 0) || 1;
  const [then, now] = [sum(field.training), sum(field.requests ?? [])];
  const rows = field.training.map((count, index) => ({ name: name(index), then: count / then, now: (field.requests?.[index] ?? 0) / now })).filter((row) => row.then || row.now);
  const shown = is_number ? rows : [...rows].sort((one, other) => Math.abs(other.then - other.now) - Math.abs(one.then - one.now)).slice(0, 12);
  const top = Math.max(...shown.flatMap((row) => [row.then, row.now]), 1e-9);
  return html`<table class="bars two"><caption class="sr">${label(field.field)}</caption><thead><tr><th scope="col">${t("value")}</th><th scope="col"></th><th scope="col" class="num"><i class="key then"></i>${t("in_training_short")}</th><th scope="col" class="num"><i class="key"></i>${t("in_requests")}</th></tr></thead>
    <tbody>${shown.map((row) => html`<tr><th scope="row">${row.name}</th><td class="bar" aria-hidden="true"><i class="then" style=${{ width: `${(100 * row.then) / top}%` }}></i><i style=${{ width: `${(100 * row.now) / top}%` }}></i></td><td class="num">${percent(row.then, 0)}</td><td class="num">${percent(row.now, 0)}</td></tr>`)}</tbody></table>`;
}

function DriftCard() {
  const of = useData("quality/drift", 60000);
  const [open, setOpen] = useState(null);
  const fields = (of.data?.fields ?? []).filter((field) => field.drift);
  const kind = (drift) => (drift.psi > Math.max(0.25, 3 * drift.by_chance) ? "bad" : drift.psi > Math.max(0.1, 2 * drift.by_chance) ? "warn" : "good");
  return html`<${Card} title=${t("drift")} aside=${of.data && html`<span class="soft">${t("of_requests", { count: number(of.data.rows) })}</span>`}>
    <${Place} of=${of} empty=${fields.length === 0 && t("no_drift")}>
      <div class="drift-head" aria-hidden="true"><span>${t("field")}</span><span>PSI</span><span></span></div><ul class="drift">${fields.map((field) => {
        const name = field.is_prediction ? t("prediction") : field.field;
        return html`<li><button class="row" aria-expanded=${open === name} onClick=${() => setOpen(open === name ? null : name)}><span>${field.is_prediction ? name : label(field.field)}</span><span class="num">${number(field.drift.psi, 3)}</span><${Badge} kind=${kind(field.drift)}>${t(`drift_${kind(field.drift)}`)}<//></button>${open === name && html`<${Distribution} field=${field} />`}</li>`;
      })}</ul>
      <p class="soft">${t("drift_words")}</p>
    <//>
  <//>`;
}

function Calibration({ version }) {
  const of = useData(version ? `models/${version}` : null);
  const rows = of.data?.report?.calibration ?? [];
  if (!version || (of.data && !rows.length)) return null;
  return html`<${Card} title=${t("calibration")}><${Place} of=${of}><table class="data narrow"><thead><tr><th scope="col" class="num">${t("nominal")}</th><th scope="col" class="num">${t("held")}</th></tr></thead><tbody>${rows.map((row) => html`<tr><td class="num">${percent(row.level, 0)}</td><td class="num">${percent(row.held.value)} <span class="soft">(${percent(row.held.low)} – ${percent(row.held.high)})</span></td></tr>`)}</tbody></table><p class="soft">${t("calibration_words")}</p><//><//>`;
}

/** Those of `quality.windows`, as answers have come in them; else the usual ones. */
function windows_of(overview) {
  const found = [...new Set((overview?.quality?.groups ?? []).map((group) => group.window))];
  return found.length ? found : ["1h", "24h", "7d"];
}

const window_name = (one) => (t(`window.${one}`) === `window.${one}` ? one : t(`window.${one}`));

/** Of a window's name, such as 24h; none where it is another. */
function seconds_of(window) {
  const [, count, unit] = window.match(/^(\d+)([smhd])$/) ?? [];
  return count ? Number(count) * { s: 1, m: 60, h: 3600, d: 86400 }[unit] : undefined;
}

export function QualityView({ search }) {
  const { overview } = useLive();
  const windows = windows_of(overview);
  const [chosen, setWindow] = useState(null);
  const window = windows.includes(chosen) ? chosen : windows.includes("24h") ? "24h" : windows[0];
  const [segment, setSegment] = useState(search.get("market") ?? "");
  const pick = (name) => {
    setSegment(name);
    history.replaceState(null, "", name ? `#/quality?market=${encodeURIComponent(name)}` : "#/quality");
  };
  const of = useData(`quality${query({ window })}`, 15000);
  const models = [...new Set((of.data?.groups ?? []).map((group) => group.model))];
  const [model, setModel] = useState(null);
  const known = (of.data?.groups ?? []).filter((group) => group.figures && !group.segment).map((group) => group.model);
  const newest = [overview?.status?.model].filter((one) => known.includes(one))[0] ?? [...known].sort().pop() ?? models[0];
  const shown = model && models.includes(model) ? model : newest;
  const groups = (of.data?.groups ?? []).filter((group) => group.model === shown);
  const whole = groups.find((group) => group.segment === segment || (!segment && !group.segment));
  const schema = useData("schema");
  const market = schema.data?.market;
  const unit = schema.data?.fields.find((field) => field.name === schema.data.target)?.unit;
  const rough = useData(`quality/segments${query({ since_s: seconds_of(window) })}`, 20000);
  const all_versions = rough.data ?? [];
  const so_far = segment ? all_versions.find((row) => row.segment === segment) : null;
  const trained = useData(segment && overview?.status?.model ? `models/${overview.status.model.split("@")[1]}` : null);
  const held_out = segment ? trained.data?.report?.segments?.find((one) => one.by === market && one.name === segment) : null;
  const names = [...new Set([...(of.data?.groups ?? []), ...all_versions].map((row) => row.segment).filter(Boolean))];
  const figures = whole?.figures;
  const said = verdict_of(figures, of.data?.holdout_mdape, 0.9);
  const version = overview?.status?.model?.split("@")[1];
  const is_price = overview?.status?.holdout_mdape !== null;
  if (overview && [overview.status?.holdout_auc, overview.status?.holdout_accuracy].some((value) => value !== null && value !== undefined)) return html`<${ClassQuality} windows=${windows} window_name=${window_name} />`;
  if (overview && !is_price) return html`<${Card} wide title=${t("quality")}><p class="note">${t("quality_prices_only")}</p><//>`;
  return html`
    <div class="filters">
      <label>${t("window")} <select value=${window} onChange=${(event) => setWindow(event.target.value)}>${windows.map((one) => html`<option value=${one}>${window_name(one)}</option>`)}</select></label>
      <label>${t("version")} <select value=${shown ?? ""} onChange=${(event) => setModel(event.target.value)}>${models.map((one) => html`<option value=${one}>${one.split("@")[1]}</option>`)}</select></label>
      <${FindMarket} field=${market} names=${names} value=${segment ? level(segment) : ""} onPick=${pick} />
      ${segment && html`<button class="quiet" onClick=${() => pick("")}>${t("all_markets")} ✕</button>`}
    </div>
    <${Card} wide title=${segment ? t("is_it_good_in", { market: level(segment) }) : t("is_it_good")} id="is-it-good">
      <${Place} of=${of} empty=${!whole && !so_far && (segment ? t("no_answers_here") : t("no_quality"))}>
        ${said ? html`<p class=${`note ${said[0]}`}>${said[1]}</p>` : whole && html`<p class="note">${t("too_few_of", { count: number(whole.labelled), version: whole.model.split("@")[1] })}</p>`}
        ${!whole && so_far ? html`<p class="note">${t("all_versions_words")}</p>` : ""}
        ${held_out ? html`<p>${t("holdout_here", { version: trained.data.version, count: number(held_out.metrics.rows), error: percent(held_out.metrics.mdape) })}${held_out.ratios?.cod ? ` COD ${number(held_out.ratios.cod.value, 1)}, PRD ${number(held_out.ratios.prd?.value, 3)}.` : ""}</p>` : ""}
        ${!said && so_far ? html`<${Together} row=${so_far} />` : ""}
        ${whole && (figures || !so_far) ? html`<dl class="figures">
          <div><dt>${t("measure.mdape")}</dt><dd>${figures ? percent(figures.mdape.value) : t("not_yet")}</dd><dd class="soft">${t("expected_error", { value: percent(of.data?.expected_mdape), holdout: percent(of.data?.holdout_mdape) })}</dd></div>
          <div><dt>${t("measure.coverage")}</dt><dd>${figures ? percent(figures.coverage.value) : t("not_yet")}</dd><dd class="soft">${figures ? `${percent(figures.coverage.low)} – ${percent(figures.coverage.high)}` : ""}</dd></div>
          <div><dt>${t("measure.bias")}</dt><dd>${figures ? signedPercent(figures.bias) : t("not_yet")}</dd><dd class="soft">${t("bias_words")}</dd></div>
          <div><dt>${t("label_coverage")}</dt><dd>${percent(whole?.label_coverage)}</dd><dd class="soft">${t("label_delay", { span: span(whole?.label_delay_s) })}</dd></div>
        </dl>` : ""}
      <//>
    <//>
    <${History} window=${window} segment=${segment} measures=${MEASURES} />
    <${Card} wide title=${by(market ? label(market) : t("segment"))}><${Segments} groups=${groups} all_versions=${all_versions} field=${market} chosen=${segment} onPick=${(name) => { pick(name); document.getElementById("main").scrollIntoView({ block: "start" }); }} /><//>
    <div class="columns even"><${Tenths} model=${shown} unit=${unit} /><${DriftCard} /></div>
    <${Versions} groups=${of.data?.groups ?? []} shown=${shown} onPick=${setModel} />
    <${Calibration} version=${version} />`;
}
