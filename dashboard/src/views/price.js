// What does my home cost, and why: a form made of the schema, the price, its reasons, and "what if".
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get, post, query } from "../api.js";
import { Places } from "../places.js";
import { Card, Copy, Place, html, useData } from "../ui.js";
import { about, amount, date, label, level, number, percent, predicted, signed, signedPercent, t } from "../words.js";

const SELECTABLE = 8;
const SLIDERS = 4;
/** Differences of a comparable that are said in words: those of the most important fields. */
const SAID = 4;
const STEPS = 25;

/** Whether an answer is a probability, of one class or of several. */
const is_class = (answer) => answer.threshold !== undefined || answer.probabilities !== undefined;

const is_number = (field) => field.kind === "number" || field.kind === "integer";
const statistics = (schema, name) => schema.stored?.fields?.[name] ?? {};
const median = (schema, name) => statistics(schema, name).quantiles?.[3];

/** The values of the form as a record: texts become what the schema says. */
function record_of(schema, values) {
  const record = {};
  for (const field of schema.fields) {
    const text = (values[field.name] ?? "").trim();
    if (text === "" || field.role === "target") continue;
    if (is_number(field)) record[field.name] = Number(text.replace(",", "."));
    else if (field.kind === "boolean") record[field.name] = text === "true";
    else if (field.kind === "timestamp") record[field.name] = new Date(text).toISOString();
    else record[field.name] = text;
  }
  return record;
}

/** What stands for a field that is left empty, in words. */
function assumed(schema, field) {
  if (field.role === "time") return t("assumed_now");
  if (is_number(field)) {
    const middle = median(schema, field.name);
    if (field.missing_as === "zero") return `0 ${field.unit ?? ""}`;
    if (middle === undefined || middle === null) return t("assumed_unknown");
    return `${field.kind === "integer" ? plain(Math.round(middle), field) : about(middle)}${field.unit ? ` ${field.unit}` : ""}`;
  }
  return t("assumed_unknown");
}

/** A number of a field without separators where it is a year. */
const plain = (value, field) => (field.name.includes("year") ? String(value) : number(value, 2));

export function shown(field, value) {
  if (value === null || value === undefined || value === "") return "–";
  if (!field) return String(value);
  if (field.kind === "boolean") return t(value === true || value === "true" ? "yes" : "no");
  if (field.kind === "timestamp") return date(value);
  if (is_number(field)) return `${plain(Number(value), field)}${field.unit ? ` ${field.unit}` : ""}`;
  return level(value);
}

function Input({ field, schema, value, levels, onInput }) {
  const id = `f-${field.name}`;
  const on = (event) => onInput(field.name, event.target.value);
  const described = field.about ? `${id}-about` : undefined;
  const shared = { id, name: field.name, value: value ?? "", onInput: on, required: field.required, "aria-describedby": described };
  const known = levels ?? statistics(schema, field.name).levels ?? [];
  let input;
  if (field.kind === "boolean")
    input = html`<select ...${shared}><option value="">${t("unknown")}</option><option value="true">${t("yes")}</option><option value="false">${t("no")}</option></select>`;
  else if (field.kind === "category" && known.length > 0 && known.length <= SELECTABLE && !levels)
    input = html`<select ...${shared}>
      <option value="">${field.required ? t("choose") : t("unknown")}</option>
      ${known.map(([one]) => html`<option value=${one}>${level(one)}</option>`)}
    </select>`;
  else if (field.kind === "category")
    input = html`<input ...${shared} type="text" list=${`${id}-list`} autocomplete="off" placeholder=${known[0]?.[0] ?? ""} />
      <datalist id=${`${id}-list`}>${known.map(([one, count]) => html`<option value=${one}>${t("known_times", { count: number(count) })}</option>`)}</datalist>`;
  else if (is_number(field))
    input = html`<input ...${shared} type="number" inputmode="decimal" step=${field.kind === "integer" ? 1 : "any"} min=${field.min} max=${field.max}
      placeholder=${field.required ? "" : assumed(schema, field)} />`;
  else if (field.kind === "timestamp") input = html`<input ...${shared} type="date" />`;
  else input = html`<input ...${shared} type="text" />`;
  return html`<div class="field">
    <label for=${id}>${label(field.name)}${field.unit ? html`<span class="unit">, ${field.unit}</span>` : ""}${field.required ? html`<span class="star" aria-hidden="true"> *</span>` : ""}</label>
    ${input}
    ${field.about && html`<small id=${described}>${t(`about.${field.name}`) === `about.${field.name}` ? field.about : t(`about.${field.name}`)}</small>`}
  </div>`;
}

function Form({ schema, values, set, onPrice, isBusy, onExample }) {
  const [levels, setLevels] = useState({});
  const market = schema.market;
  const chosen = market && values[market];
  useEffect(() => {
    if (!chosen) return undefined;
    const stop = new AbortController();
    const others = schema.fields.filter((field) => field.kind === "category" && field.required && field.name !== market && field.role === "field");
    const timer = setTimeout(async () => {
      for (const field of others) {
        const found = await get(`values${query({ field: field.name, within: market, value: chosen })}`, stop.signal).catch(() => null);
        if (found && !stop.signal.aborted) setLevels((before) => ({ ...before, [field.name]: found }));
      }
    }, 200);
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [chosen]);
  const fields = schema.fields.filter((field) => !["key", "target"].includes(field.role) && field.kind !== "text");
  const [first, rest] = [fields.filter((field) => field.required), fields.filter((field) => !field.required)];
  const area = rest.filter((field) => field.name === schema.area);
  const folded = rest.filter((field) => field.name !== schema.area);
  const one = (field) => html`<${Input} key=${field.name} field=${field} schema=${schema} value=${values[field.name]} levels=${levels[field.name]} onInput=${set} />`;
  const given = folded.filter((field) => values[field.name]).length;
  return html`<form class="price-form" onSubmit=${(event) => { event.preventDefault(); onPrice(); }}>
    <div class="fields">${[...first, ...area].map(one)}</div>
    ${folded.length > 0 && html`<details open=${given > 0 || first.length === 0}>
      <summary>${t(schema.task === "regression" ? "more_fields" : "more_fields_plain", { count: folded.length })}</summary>
      <div class="fields">${folded.map(one)}</div>
    </details>`}
    <div class="actions">
      <button disabled=${isBusy}>${isBusy ? t("pricing") : t(schema.task === "regression" ? "price_it" : "ask_it")}</button>
      <button type="button" class="quiet" onClick=${onExample}>${t("example")}</button>
    </div>
  </form>`;
}

/** How wide the interval is, in words. */
function certainty(answer) {
  const width = (answer.high - answer.low) / 2 / Math.abs(answer.prediction || 1);
  return { width, word: t(width < 0.1 ? "certain_high" : width < 0.2 ? "certain_middle" : "certain_low") };
}

/** The probability of each class, the likeliest first. */
function Levels({ answer }) {
  const rows = Object.entries(answer.probabilities).sort((one, other) => other[1] - one[1]);
  return html`<div class="price">
    <p class="big" id="price">${level(answer.class)}</p>
    <p>${t("likely_level", { share: percent(answer.prediction) })}</p>
    <table class="waterfall levels">
      <caption class="sr">${t("probabilities")}</caption>
      <tbody>${rows.map(([name, share]) => html`<tr class=${name === answer.class ? "total" : ""}>
        <th scope="row">${level(name)}</th>
        <td class="bar" aria-hidden="true"><i class="total" style=${{ left: 0, width: `${Math.max(100 * share, 0.4)}%` }}></i></td>
        <td class="num">${percent(share)}</td>
      </tr>`)}</tbody>
    </table>
  </div>`;
}

function Price({ answer, schema }) {
  const { prediction, low, high, unit, confidence } = answer;
  if (schema.task === "clustering") return html`<div class="price"><p class="big" id="price">${t("cluster", { number: number(prediction) })}</p></div>`;
  if (answer.probabilities) return html`<${Levels} answer=${answer} />`;
  if (answer.threshold !== undefined)
    return html`<div class="price">
      <p class="big" id="price">${percent(prediction)}</p>
      <p>${t(answer.class ? "is_of_class" : "is_not_of_class", { name: schema.class_name, threshold: percent(answer.threshold) })}</p>
      <div class="range" role="img" aria-label=${t("probability_bar", { value: percent(prediction), threshold: percent(answer.threshold) })}>
        <i class="fill" style=${{ left: 0, width: `${100 * prediction}%` }}></i>
        <i class="mark" style=${{ left: `${100 * answer.threshold}%` }}></i>
      </div>
    </div>`;
  const { width, word } = certainty(answer);
  const [from, to] = [Math.min(low, prediction) * 0.9, Math.max(high, prediction) * 1.06];
  const at = (value) => `${(100 * (value - from)) / (to - from || 1)}%`;
  return html`<div class="price">
    <p class="big" id="price" title=${String(prediction)}>${amount(prediction, unit)}</p>
    <div class="range" role="img" aria-label=${t("interval_bar", { low: amount(low, unit, 3), high: amount(high, unit, 3) })}>
      <i class="fill" style=${{ left: at(low), width: `${(100 * (high - low)) / (to - from || 1)}%` }}></i>
      <i class="mark" style=${{ left: at(prediction) }}></i>
      <b class="low" style=${{ left: at(low) }}>${amount(low, "", 3)}</b>
      <b class="high" style=${{ left: at(high) }}>${amount(high, "", 3)}</b>
    </div>
    <p class="words">${t("interval_words", { share: number(confidence * 10), low: amount(low, unit, 3), high: amount(high, unit, 3) })} <strong>${word}</strong> (±${percent(width, 0)}).</p>
  </div>`;
}

function Waterfall({ answer, schema, record }) {
  const { base, reasons, scale } = answer.explanation;
  const unit = answer.unit;
  // Of a class all is in log odds, which may be below 0.
  const total = scale ? reasons.reduce((sum, reason) => sum + reason.amount, base) : answer.prediction;
  const most = 9;
  const kept = reasons.slice(0, most);
  const others = reasons.slice(most).reduce((sum, reason) => sum + reason.amount, 0);
  const rows = [{ name: t("reason_base"), amount: base, is_total: true, from: 0, to: base }];
  let at = base;
  for (const reason of [...kept, ...(reasons.length > most ? [{ field: null, amount: others }] : [])]) {
    const field = schema.fields.find((one) => one.name === reason.field);
    const value = field && record[field.name];
    rows.push({
      name: reason.field ? label(reason.field) : t("reason_others"),
      value: field ? (value === undefined ? t("assumed", { value: assumed(schema, field) }) : shown(field, value)) : "",
      is_assumed: field && value === undefined,
      amount: reason.amount,
      from: at,
      to: at + reason.amount,
    });
    at += reason.amount;
  }
  rows.push({ name: t(scale ? "reason_log_odds" : "reason_price"), amount: total, is_total: true, from: 0, to: total });
  const ends = [...rows.filter((row) => !row.is_total).flatMap((row) => [row.from, row.to]), ...(scale ? [0] : [])];
  const [least, most_of_all] = [Math.min(...ends, base, at), Math.max(...ends, base, at)];
  const room = (most_of_all - least || 1) * 0.08;
  const low = scale ? least - room : Math.max(0, least - room * 3);
  const high = most_of_all + room;
  const place = (value) => (100 * (Math.max(value, low) - low)) / (high - low || 1);
  return html`<table class="waterfall">
    <caption class="sr">${t("reasons")}</caption>
    <tbody>
      ${rows.map((row) => {
        const [from, to] = [place(Math.min(row.from, row.to)), place(Math.max(row.from, row.to))];
        const kind = row.is_total ? "total" : row.amount >= 0 ? "up" : "down";
        return html`<tr class=${row.is_total ? "total" : ""}>
          <th scope="row">${row.name} ${row.value && html`<span class=${row.is_assumed ? "value assumed" : "value"}>${row.value}</span>`}</th>
          <td class="bar" aria-hidden="true"><i class=${kind} style=${{ left: `${from}%`, width: `${Math.max(to - from, 0.4)}%` }}></i></td>
          <td class="num">${row.is_total ? amount(row.amount, unit) : signed(row.amount, unit)}</td>
        </tr>`;
      })}
    </tbody>
  </table>`;
}

/** What a comparable differs by, as the model says it, in words. */
function worded(difference, schema, unit) {
  const field = schema.fields.find((one) => one.name === difference.field);
  const [value, own] = [difference.value, difference.subject].map((one) => shown(field, one));
  const named = label(difference.field);
  const lower = /^.[^a-zа-яё]/.test(named) ? named : named.charAt(0).toLowerCase() + named.slice(1);
  const places = { field: named, lower, value, own };
  const words =
    difference.value === null ? t("differs_gap", places)
    : difference.subject === null ? t("differs_here", places)
    : field?.kind === "category" ? t("differs_name", places)
    : t("differs_number", places);
  return difference.amount === undefined ? words : `${words} (${signed(difference.amount, unit)})`;
}

/** Past records beside the one that is asked about: what each has that differs. */
function Comparables({ rows, schema, record, answer }) {
  const target = schema.target;
  const target_field = schema.fields.find((field) => field.name === target);
  const [latitude, longitude] = schema.coordinates ?? [];
  const columns = schema.fields.filter((field) => field.role === "field" && field.kind !== "text" && ![latitude, longitude].includes(field.name));
  const differs = (field, row) => record[field.name] !== undefined && row[field.name] !== null && String(record[field.name]) !== String(row[field.name]);
  const difference = (row) => columns.filter((field) => differs(field, row)).map((field) => `${label(field.name)} ${shown(field, row[field.name])}`).join(", ");
  const found = new Map((answer.explanation?.comparables ?? []).map((one) => [one.id, one.differences]));
  const is_shown = (one) => ![latitude, longitude].includes(one.field);
  const said = (row) => (found.get(String(row[schema.key])) ?? []).filter(is_shown).slice(0, SAID);
  const has_said = rows.some((row) => said(row).length > 0);
  const points = rows
    .filter((row) => latitude && row[latitude] !== null && row[longitude] !== null)
    .map((row) => ({ longitude: row[longitude], latitude: row[latitude], size: 6, text: `${target ? shown(target_field, row[target]) : row[schema.key]}${difference(row) ? `; ${t("differs_in", { fields: difference(row) })}` : ""}` }));
  if (latitude && record[latitude] !== undefined && record[longitude] !== undefined)
    points.push({ longitude: record[longitude], latitude: record[latitude], size: 9, kind: "here", text: t("here") });
  const shown_columns = columns.filter((field) => rows.some((row) => row[field.name] !== null)).slice(0, 8);
  return html`<div class="comparables">
    <div class="scroll" tabindex="0" role="region" aria-label=${t("comparables")}>
      <table class="data">
        <caption class="sr">${t("comparables")}</caption>
        <thead><tr><th scope="col">${target ? label(target) : t("record")}</th>${!is_class(answer) && target && html`<th scope="col">${t("to_this")}</th>`}${has_said && html`<th scope="col">${t("differs_by")}</th>`}${shown_columns.map((field) => html`<th scope="col">${label(field.name)}</th>`)}<th scope="col">${t("when")}</th></tr></thead>
        <tbody>${rows.map((row) => html`<tr>
          <td class="num">${target ? shown(target_field, row[target]) : row[schema.key]}</td>
          ${!is_class(answer) && target && html`<td class="num">${signedPercent(row[target] / answer.prediction - 1, 0)}</td>`}
          ${has_said && html`<td class="said">${said(row).map((one) => worded(one, schema, answer.unit)).join("; ") || "–"}</td>`}
          ${shown_columns.map((field) => html`<td class=${`${is_number(field) ? "num" : ""}${differs(field, row) ? " differs" : ""}`}>${shown(field, row[field.name])}</td>`)}
          <td>${date(row[schema.time] ?? row.stored_at)}</td>
        </tr>`)}</tbody>
      </table>
    </div>
    <p class="soft"><i class="key differs"></i>${t("differs_words")}${has_said ? ` ${t("differs_amounts")}` : ""}${points.length > 1 ? ` ${t(points.some((one) => one.kind === "here") ? "comparables_map_words" : "comparables_map_only")}` : ""}</p>
    ${points.length > 1 && html`<${Places} points=${points} height=${220} text=${t("comparables_map")} />`}
  </div>`;
}

/** Sliders that price again as they are dragged, each with the curve of its whole range. */
function WhatIf({ schema, record, answer }) {
  const fields = useMemo(() => {
    const numbers = schema.fields.filter((field) => field.role === "field" && is_number(field) && statistics(schema, field.name).quantiles?.[1] !== null && statistics(schema, field.name).quantiles);
    const [latitude, longitude] = schema.coordinates ?? [];
    const movable = numbers.filter((field) => ![latitude, longitude].includes(field.name));
    const rank = (field) => (field.name === schema.area ? 0 : field.required ? 1 : record[field.name] !== undefined ? 2 : 3);
    return [...movable].sort((one, other) => rank(one) - rank(other)).slice(0, SLIDERS);
  }, [schema, answer]);
  const range = (field) => {
    const [, low, , , , high] = statistics(schema, field.name).quantiles;
    const value = Number(record[field.name] ?? median(schema, field.name));
    // Hundreds of places on the slider, at round numbers.
    const step = field.kind === "integer" ? 1 : 10 ** Math.floor(Math.log10(Math.max(Math.max(high, value) - Math.min(low, value), 1e-6) / 500));
    const round = (one) => Number((Math.round(one / step) * step).toPrecision(12));
    const [from, to] = [round(Math.min(low, value)), round(Math.max(high, value))];
    return { from, to: to > from ? to : from + step, step, value: round(value) };
  };
  const [moved, setMoved] = useState({});
  const [priced, setPriced] = useState(null);
  const [curve, setCurve] = useState(null);
  const [error, setError] = useState(null);
  const running = useRef(null);
  useEffect(() => {
    setMoved({});
    setPriced(null);
    setCurve(null);
  }, [answer]);
  useEffect(() => {
    if (!Object.keys(moved).length) return undefined;
    const timer = setTimeout(async () => {
      running.current?.abort();
      running.current = new AbortController();
      const whole = { ...record, ...moved };
      const field = fields.find((one) => one.name === curve?.field) ?? fields[0];
      const { from, to } = range(field);
      const at = Array.from({ length: STEPS }, (_, index) => {
        const value = from + ((to - from) * index) / (STEPS - 1);
        return field.kind === "integer" ? Math.round(value) : value;
      });
      try {
        const answers = await post("what-if", [whole, ...at.map((value) => ({ ...whole, [field.name]: value }))], running.current.signal);
        setError(answers[0].error ? new Error(answers[0].error) : null);
        if (!answers[0].error) setPriced(answers[0]);
        setCurve({ field: field.name, points: at.map((value, index) => [value, charted(answers[index + 1], answer)]).filter(([, value]) => value !== undefined) });
      } catch (refused) {
        if (refused.name !== "AbortError") setError(refused);
      }
    }, 60);
    return () => clearTimeout(timer);
  }, [JSON.stringify(moved)]);
  if (!fields.length) return null;
  const show = (one) => (one.probabilities ? t("level_share", { name: level(one.class), share: percent(one.prediction) }) : predicted(one.prediction, schema.task, one.unit));
  const drag = (field) => (event) => {
    const value = Number(event.target.value);
    setCurve((before) => (before?.field === field.name ? before : { field: field.name, points: [] }));
    setMoved((before) => ({ ...before, [field.name]: value }));
  };
  return html`<div class="what-if">
    <p class="then" aria-live="polite" id="what-if-price"><span class="mid">${show(priced ?? answer)}</span>
      ${priced && !is_class(answer) && schema.task !== "clustering" && html`<span class=${priced.prediction >= answer.prediction ? "good-text" : "bad-text"}>${signed(priced.prediction - answer.prediction, answer.unit)}</span>`}
      ${priced && html`<button type="button" class="quiet small" onClick=${() => { setMoved({}); setPriced(null); }}>${t("reset")}</button>`}
    </p>
    ${error && html`<p class="bad" role="alert">${error.message}</p>`}
    ${fields.map((field) => {
      const { from, to, step, value } = range(field);
      const here = moved[field.name] ?? value;
      return html`<div class="slider" key=${field.name}>
        <label for=${`s-${field.name}`}>${label(field.name)}</label>
        <output for=${`s-${field.name}`}>${shown(field, here)}</output>
        <input id=${`s-${field.name}`} type="range" min=${from} max=${to} step=${step} value=${here} onInput=${drag(field)} aria-valuetext=${shown(field, here)} />
        ${curve?.field === field.name && curve.points.length > 1 && schema.task !== "clustering" && html`<${Curve} points=${curve.points} at=${here} text=${t("curve", { field: label(field.name) })} show=${(one) => (is_class(answer) ? percent(one) : amount(one, answer.unit, 3))} />`}
      </div>`;
    })}
  </div>`;
}

/** What a curve is drawn of: of several classes the probability of the one that was predicted first. */
const charted = (one, first) => (first.probabilities ? one.probabilities?.[first.class] : one.prediction);

function Curve({ points, at, text, show }) {
  const [width, height] = [400, 60];
  const [first, last] = [points[0][0], points[points.length - 1][0]];
  const values = points.map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (value) => (width * (value - first)) / (last - first || 1);
  const y = (value) => height - 4 - ((height - 8) * (value - low)) / (high - low || 1);
  return html`<figure class="curve">
    <svg viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label=${text}>
      <line x1=${x(at)} x2=${x(at)} y1="0" y2=${height} class="at" />
      <polyline points=${points.map(([one, value]) => `${x(one).toFixed(1)},${y(value).toFixed(1)}`).join(" ")} class="line" />
    </svg>
    <figcaption><span>${show(low)}</span><span>${show(high)}</span></figcaption>
  </figure>`;
}

/** How many sales are known at the place. */
function Known({ schema, record }) {
  const categories = schema.fields.filter((field) => field.kind === "category" && field.required && record[field.name]);
  const [counts, set] = useState([]);
  useEffect(() => {
    let is_gone = false;
    (async () => {
      const found = [];
      for (const field of categories.slice(0, 2)) {
        const within = found.length ? { within: categories[0].name, value: record[categories[0].name] } : {};
        const levels = await get(`values${query({ field: field.name, ...within })}`).catch(() => null);
        if (!levels) break;
        const own = levels.find(([one]) => one === record[field.name]);
        found.push({ name: record[field.name], count: own ? own[1] : 0 });
      }
      if (!is_gone) set(found);
    })();
    return () => {
      is_gone = true;
    };
  }, [JSON.stringify(categories.map((field) => record[field.name]))]);
  if (!counts.length) return null;
  const last = counts[counts.length - 1];
  return html`<p class="known">${t(schema.task === "regression" ? "known_sales" : "known_records")} ${counts.map((one, index) => html`${index ? ", " : ""}<b>${level(one.name)}</b> ${number(one.count)}`)}. ${schema.task !== "regression" ? "" : last.count === 0 ? t("known_none") : last.count < 5 ? t("known_few") : ""}</p>`;
}

function ClusterProfile({ answer, schema, record }) {
  const version = answer.model.split("@")[1];
  const of = useData(`models/${version}`);
  const told = () => {
    const cluster = of.data.report.found?.[answer.prediction];
    if (!cluster) return null;
    const rows = of.data.report.features.map((feature, index) => {
      const field = schema.fields.find((one) => one.name === feature.field);
      return { name: `${label(feature.field)}${feature.level ? `: ${level(feature.level)}` : ""}`, centre: cluster.centre[index], field, own: field && is_number(field) ? record[field.name] : undefined };
    });
    return html`<p>${t("cluster_size", { count: number(cluster.size) })}</p>
      <div class="scroll" tabindex="0" role="region" aria-label=${t("cluster_profile")}><table class="data"><thead><tr><th scope="col">${t("field")}</th><th scope="col" class="num">${t("cluster_centre")}</th><th scope="col" class="num">${t("here")}</th></tr></thead>
      <tbody>${rows.slice(0, 30).map((row) => html`<tr><th scope="row">${row.name}</th><td class="num">${about(row.centre)} ${row.field?.unit ?? ""}</td><td class="num">${row.own === undefined ? "–" : `${about(row.own)} ${row.field?.unit ?? ""}`}</td></tr>`)}</tbody></table></div>`;
  };
  return html`<${Place} of=${of}>${of.data && told()}<//>`;
}

/** An answer as a screen reader says it when it comes. */
function spoken(answer, schema) {
  if (answer.probabilities) return t("level_share", { name: level(answer.class), share: percent(answer.prediction) });
  const said = predicted(answer.prediction, schema.task, answer.unit);
  return schema.task === "regression" && answer.low !== undefined ? `${said}, ${t("interval_bar", { low: amount(answer.low, answer.unit, 3), high: amount(answer.high, answer.unit, 3) })}` : said;
}

const drawn = () => `web-${[...crypto.getRandomValues(new Uint32Array(2))].map((one) => one.toString(36)).join("")}`;

/** A record under an id of its own: another record under an id that was answered is refused. */
const with_id = (schema, record) => (schema.fields.some((field) => field.name === schema.key && field.kind === "text") ? { [schema.key]: drawn(), ...record } : record);

/** The same question as commands. Values may come from a link: none ends the quotes it stands in. */
export function commands(schema, record, origin) {
  const asked = with_id(schema, record);
  const body = JSON.stringify(asked);
  const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const curl = `curl -s -X POST '${origin}/predict?explain=5' -H 'content-type: application/json'${schema.asks_for_token ? " -H \"Authorization: Bearer $TOKEN\"" : ""} -d ${quoted(body)}`;
  // A string of JSON is one of Python, too.
  const python = `import json, urllib.request\n\nrecord = json.loads(${JSON.stringify(body)})\nrequest = urllib.request.Request(\n    "${origin}/predict?explain=5",\n    data=json.dumps(record).encode(),\n    headers={"content-type": "application/json"${schema.asks_for_token ? ', "authorization": "Bearer TOKEN"' : ""}},\n)\nprint(json.load(urllib.request.urlopen(request)))`;
  // On the topic each request has an id. Not every echo leaves backslashes alone.
  const message = JSON.stringify({ [schema.key]: asked[schema.key] ?? String(Date.now()), ...record });
  const kcat = `printf '%s\\n' ${quoted(message)} | kcat -b BROKER -P -t requests`;
  return { curl, python, kcat };
}

export function PriceView({ search }) {
  const of = useData("schema");
  return html`<${Place} of=${of}>${of.data && html`<${Asking} schema=${of.data} search=${search} />`}<//>`;
}

function Asking({ schema, search }) {
  const [values, setValues] = useState(() => Object.fromEntries([...search].filter(([name]) => schema.fields.some((field) => field.name === name))));
  const [priced, setPriced] = useState(null);
  const [rows, setRows] = useState(null);
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  const result = useRef(null);
  const set = (name, value) => setValues((before) => ({ ...before, [name]: value }));

  const price = async (of = values) => {
    setBusy(true);
    setError(null);
    const record = record_of(schema, of);
    try {
      const asked = with_id(schema, record);
      const answer = await post("predict?explain=5", asked);
      setPriced({ answer, record });
      // Below the form, where it is narrow.
      if (matchMedia("(max-width: 900px)").matches) setTimeout(() => result.current?.scrollIntoView({ block: "start" }), 50);
      const given = Object.entries(of).filter(([, value]) => value !== "" && value !== undefined);
      history.replaceState(null, "", `#/price?${new URLSearchParams(given)}`);
      setRows(null);
      const ids = answer.explanation?.comparables?.map((one) => one.id) ?? [];
      const found = ids.length && ids.every((id) => !id.includes(",")) ? await get(`records${query({ ids: ids.join(",") })}`).catch(() => []) : [];
      setRows(found.length ? found : await post("similar?limit=5", record).catch(() => []));
    } catch (refused) {
      setError(refused);
    } finally {
      setBusy(false);
    }
  };

  const example = async () => {
    try {
      const { listings } = await get("newest?limit=20");
      const whole = [...listings].sort((one, other) => count(other) - count(one))[0];
      if (!whole) throw new Error(t("no_listings"));
      const of = {};
      for (const field of schema.fields)
        if (!["key", "target", "time"].includes(field.role) && field.kind !== "text" && whole[field.name] !== null) of[field.name] = String(whole[field.name]);
      setValues(of);
      await price(of);
    } catch (refused) {
      setError(refused);
    }
  };
  const count = (row) => Object.values(row).filter((value) => value !== null).length;

  useEffect(() => {
    const required = schema.fields.filter((field) => field.required && !["key", "target"].includes(field.role));
    if (required.length && required.every((field) => values[field.name])) price();
  }, []);

  const left_out = schema.fields.filter((field) => !["key", "target"].includes(field.role) && field.kind !== "text" && priced && priced.record[field.name] === undefined);
  return html`<div class="columns price-view">
    <${Card} title=${t(schema.task === "regression" ? "price_title" : "ask_title")}>
      <${Form} schema=${schema} values=${values} set=${set} onPrice=${() => price()} isBusy=${isBusy} onExample=${example} />
      ${error && html`<p class="note bad" role="alert">${error.message}</p>`}
    <//>
    <div class="stack" ref=${result}>
      <p class="sr" role="status">${priced ? spoken(priced.answer, schema) : ""}</p>
      ${!priced && html`<${Card}><p class="note">${t("price_empty")}</p><//>`}
      ${priced && html`
        <${Card}>
          <${Price} answer=${priced.answer} schema=${schema} />
          <${Known} schema=${schema} record=${priced.record} />
          <p class="soft">${t(priced.answer.data_until ? "answered_by" : "answered_by_model", { model: priced.answer.model, date: date(priced.answer.data_until) })}</p>
          ${left_out.length > 0 && html`<details class="left-out"><summary>${t("left_out", { count: left_out.length })}</summary>
            <ul>${left_out.map((field) => html`<li>${label(field.name)}: ${assumed(schema, field)}</li>`)}</ul></details>`}
        <//>
        ${priced.answer.explanation && html`<${Card} title=${priced.answer.explanation.level !== undefined ? t("reasons_level", { name: level(priced.answer.explanation.level) }) : t(priced.answer.explanation.scale ? "reasons_class" : "reasons")}><${Waterfall} ...${priced} schema=${schema} /><//>`}
        ${schema.task === "clustering" && html`<${Card} title=${t("cluster_profile")}><${ClusterProfile} ...${priced} schema=${schema} /><//>`}
        <${Card} title=${t("what_if")}><${WhatIf} ...${priced} schema=${schema} /><//>
        <${Card} title=${t(schema.task !== "regression" ? "comparables_plain" : schema.name === "real-estate" ? "comparables" : "comparables_any")}>
          ${rows === null ? html`<div class="skeleton"></div>` : rows.length === 0 ? html`<p class="note">${t("no_comparables")}</p>` : html`<${Comparables} rows=${rows} schema=${schema} ...${priced} />`}
        <//>
        <${Card} title=${t("take_along")}><${Along} schema=${schema} record=${priced.record} /><//>`}
    </div>
  </div>`;
}

function Along({ schema, record }) {
  const { curl, python, kcat } = useMemo(() => commands(schema, record, location.origin), [schema, record]);
  return html`<p class="soft">${t("take_along_words")}</p><div class="actions">
    <${Copy} text=${location.href}>${t("copy_link")}<//>
    <${Copy} text=${curl}>${t("copy_as", { what: "curl" })}<//>
    <${Copy} text=${python}>${t("copy_as", { what: "Python" })}<//>
    <${Copy} text=${kcat}>${t("copy_as", { what: "kcat" })}<//>
  </div>`;
}
