// The market by place: size by count, colour by price or by error; a place leads to its ratio study.
import { useEffect, useRef, useState } from "preact/hooks";
import { get, query } from "../api.js";
import { Places } from "../places.js";
import { Card, FindMarket, Place, Together, html, useData, useLive } from "../ui.js";
import { amount, label, level, number, percent, signedPercent, t } from "../words.js";

const TIMES = [["all", 0], ["day", 86400], ["week", 604800], ["month", 2592000]];
/** From this zoom on, squares of some thirty points stand for the markets. */
const SPLITS_AT = 3;
const CELL_POINTS = 28;

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
const mix = (share) => `color-mix(in oklab, var(--map-high) ${Math.round(100 * share)}%, var(--map-low))`;
const mix_error = (share) => (share >= 0 ? `color-mix(in oklab, var(--bad) ${Math.round(100 * Math.min(1, share))}%, var(--map-zero))` : `color-mix(in oklab, var(--c2) ${Math.round(100 * Math.min(1, -share))}%, var(--map-zero))`);

export function MapView({ search }) {
  const of = useData("schema");
  return html`<${Place} of=${of}>${of.data && html`<${Market} schema=${of.data} of=${search} />`}<//>`;
}

function Market({ schema, of: search }) {
  const [since_s, setSince] = useState(0);
  const [value, setValue] = useState("");
  const [by, setBy] = useState("price");
  const [kind, setKind] = useState("listings");
  const [model, setModel] = useState("");
  const [picked, setPicked] = useState(search.get("market"));
  const is_answers = kind === "answers";
  const [cells, setCells] = useState(null);
  const view = useRef(null);
  const few = schema.fields.find((field) => field.role === "field" && field.kind === "integer" && field.required && field.name === "rooms") ?? schema.fields.find((field) => field.role === "field" && field.kind === "integer" && field.required);
  const only = value !== "" && few ? { field: few.name, value } : {};
  const listed = useData(`market${query(is_answers ? {} : { since_s: since_s || undefined, ...only })}`, 20000, true);
  const errors = useData(`quality/segments${query({ model, since_s: since_s || undefined })}`, 20000, true);
  const versions = useData("models", 20000);
  const by_name = new Map((errors.data ?? []).map((row) => [row.segment, row]));
  // An answer has no place of its own: it stands where its market's listings do.
  const where = new Map((listed.data ?? []).map((row) => [row.name, row]));
  const of = is_answers ? errors : listed;
  const timer = useRef(null);
  const moved = (next) => {
    view.current = next;
    clearTimeout(timer.current);
    if (next.k < SPLITS_AT || is_answers) return setCells(null);
    const cell = Math.max(0.002, Math.min(20, 2 ** Math.round(Math.log2(next.degrees * CELL_POINTS))));
    timer.current = setTimeout(async () => {
      const found = await get(`market${query({ since_s: since_s || undefined, ...only, cell })}`).catch(() => null);
      if (view.current.k >= SPLITS_AT) setCells(found);
    }, 250);
  };
  useEffect(() => {
    if (view.current) moved(view.current);
  }, [since_s, value, kind]);
  const target = schema.fields.find((field) => field.name === schema.target);
  const area = schema.fields.find((field) => field.name === schema.area);
  const per = area && `${target?.unit ?? ""}/${area.unit ?? ""}`;
  const has_map = Boolean(schema.coordinates);
  const answered = (errors.data ?? []).filter((row) => row.answers > 0).map((row) => ({ name: row.segment, count: row.answers, target: row.prediction, by_area: null, latitude: where.get(row.segment)?.latitude ?? null, longitude: where.get(row.segment)?.longitude ?? null }));
  const rows = is_answers ? answered : (listed.data ?? []);
  const shown = (cells ?? rows).filter((row) => row.latitude !== null && row.longitude !== null);
  const price = (row) => (is_answers ? row.target : (row.by_area ?? row.target));
  const price_unit = is_answers ? target?.unit : (per ?? target?.unit);
  const sorted = shown.map(price).filter((one) => one !== null).sort((one, other) => one - other);
  const [low, high] = [quantile(sorted, 0.05), quantile(sorted, 0.95)];
  const colour = (row) => {
    if (by === "error") {
      const found = by_name.get(row.name);
      return found?.bias === null || !found ? "var(--line)" : mix_error(found.bias / 0.2);
    }
    return price(row) === null ? "var(--line)" : mix(Math.min(1, Math.max(0, (price(row) - low) / (high - low || 1))));
  };
  const most = Math.max(...shown.map((row) => row.count), 1);
  const words = (row) => {
    const bias = by_name.get(row.name)?.bias ?? null;
    const median = row.by_area ? amount(row.by_area, per, 3) : amount(row.target, target?.unit, 3);
    return `${level(row.name)}: ${t(is_answers ? "count_answers" : "count_listings", { count: number(row.count) })}, ${t("median_word")} ${median}${bias === null ? "" : `, ${t("signed_error")} ${signedPercent(bias)}`}`;
  };
  const pick = (name) => {
    setPicked(name || null);
    history.replaceState(null, "", name ? `#/map?market=${encodeURIComponent(name)}` : "#/map");
  };
  const choose = (event) => {
    setModel(event.target.value);
    // Listings are of no version.
    if (event.target.value && by === "price") setKind("answers");
  };
  const names = rows.map((row) => row.name).filter((name) => name !== null);
  const models = [...(versions.data?.models ?? [])];
  const points = [...shown].sort((one, other) => other.count - one.count).map((row, index) => ({
    longitude: row.longitude, latitude: row.latitude, name: row.name, text: words(row), colour: colour(row), is_main: index < 40 && !cells, kind: cells ? "cell" : "",
    size: 3 + (cells ? 11 : 17) * Math.sqrt(row.count / most), key: `${row.name}/${row.longitude}/${row.latitude}`,
  }));
  return html`
    <div class="filters">
      <label>${t("map_of")} <select id="map-of" value=${kind} onChange=${(event) => setKind(event.target.value)}><option value="listings">${t("kind.listings")}</option><option value="answers">${t("map_answers")}</option></select></label>
      <label>${t(is_answers ? "time_answered" : "time")} <select id="map-time" value=${since_s} onChange=${(event) => setSince(Number(event.target.value))}>${TIMES.map(([name, seconds]) => html`<option value=${seconds}>${t(`time.${name}`)}</option>`)}</select></label>
      ${few && html`<label title=${is_answers ? t("listings_only") : undefined}>${label(few.name)} <select id="map-few" disabled=${is_answers} value=${is_answers ? "" : value} onChange=${(event) => setValue(event.target.value)}><option value="">${t("any")}</option>${[0, 1, 2, 3, 4, 5].filter((one) => one >= (few.min ?? 0)).map((one) => html`<option value=${one}>${one}</option>`)}</select></label>`}
      <label>${t("version")} <select id="map-model" value=${model} onChange=${choose}><option value="">${t("any")}</option>${models.map((one) => html`<option value=${`${schema.name}@${one.version}`}>${one.version}${one.serving ? ` (${t("answers")})` : ""}</option>`)}</select></label>
      ${schema.task === "regression" && html`<label>${t("colour_by")} <select id="map-colour" value=${by} onChange=${(event) => setBy(event.target.value)}><option value="price">${is_answers ? t("answer_median") : area ? t("price_by_area") : target ? label(target.name) : t("price")}</option><option value="error">${t("signed_error")}</option></select></label>`}
      <${FindMarket} field=${schema.market} names=${names} value=${picked ?? ""} onPick=${pick} />
    </div>
    <div class=${has_map ? "columns map-view" : "map-view"}>
      ${has_map && html`<${Card} title=${t(is_answers ? "map_of_answers" : "map")} aside=${html`<span class="soft">${t(is_answers ? "count_answers" : "count_listings", { count: number(rows.reduce((sum, row) => sum + row.count, 0)) })}</span>`}>
        <${Place} of=${of} empty=${rows.length === 0 && t(since_s || value || model ? "none_of_filter" : is_answers ? "nothing_yet" : "no_listings")}>
          <${Places} points=${points} height=${matchMedia("(max-width: 900px)").matches ? 380 : 540} text=${t("map_text")} onPick=${(one) => pick(one.name)} onMove=${moved} picked=${picked} />
            <div class="legend"><span>${by === "error" ? `${signedPercent(-0.2, 0)} ${t("too_cheap")}` : amount(low, price_unit, 2)}</span><i class=${by}></i><span>${by === "error" ? `${signedPercent(0.2, 0)} ${t("too_dear")}` : amount(high, price_unit, 2)}</span><span class="hint">${t("map_hint")}</span></div>
        <//>
      <//>`}
      <div class="stack">
        ${picked && html`<${Study} name=${picked} row=${listed.data?.find((row) => row.name === picked)} model=${model} errors=${by_name.get(picked)} unit=${target?.unit} per=${per} onClose=${() => pick("")} />`}
        <${Card} aside=${!has_map && html`<span class="soft">${t(is_answers ? "count_answers" : "count_listings", { count: number(rows.reduce((sum, row) => sum + row.count, 0)) })}</span>`} title=${schema.market ? t("largest", { field: label(schema.market) }) : t("records")}>
          ${!has_map && html`<p class="note">${t("no_coordinates", { field: schema.market ? label(schema.market).toLowerCase() : "" })}</p>`}
          <${Place} of=${of} empty=${!has_map && rows.length === 0 && t(since_s || value || model ? "none_of_filter" : "nothing_yet")}><${Bars} rows=${rows.filter((row) => row.name !== null).slice(0, picked ? 12 : 30)} price=${price} count=${t(is_answers ? "kind.answers" : "kind.listings")} head=${is_answers ? t("answer_median") : target ? t("median_of", { field: label(target.name), lower: label(target.name).toLowerCase() }) : ""} field=${schema.market} unit=${price_unit} errors=${by === "error" ? by_name : null} onPick=${pick} /><//>
        <//>
      </div>
    </div>`;
}

function Bars({ rows, price, count, head, field, unit, errors, onPick }) {
  const top = Math.max(...rows.map((row) => row.count), 1);
  return html`<table class="bars"><thead><tr><th scope="col">${field ? label(field) : t("segment")}</th><th scope="col">${count}</th><th scope="col" class="num">${errors ? t("signed_error") : `${head}${unit ? `, ${unit}` : ""}`}</th></tr></thead><tbody>${rows.map((row) => html`<tr><th scope="row"><button class="link" onClick=${() => onPick(row.name)}>${level(row.name)}</button></th><td class="bar"><i style=${{ width: `${(100 * row.count) / top}%` }}></i><span class="over">${number(row.count)}</span></td><td class="num">${errors ? signedPercent(errors.get(row.name)?.bias ?? NaN) : price(row) === null ? "–" : amount(price(row), "", 3)}</td></tr>`)}</tbody></table>`;
}

/** A market's ratio study, as `/quality` has it. */
function Study({ name, row, model, errors, unit, per, onClose }) {
  const { overview } = useLive();
  const of = useData(`quality${query({ segment: name, window: "24h" })}`, 15000);
  const groups = of.data?.groups ?? [];
  // Of the version that is chosen; else of the one that answers, or where too few know its prices yet, of another.
  const current = groups.find((one) => one.model === (model || overview?.status?.model));
  const group = model || current?.figures ? current : (groups.find((one) => one.figures) ?? current ?? groups[0]);
  if (group?.figures && !group.figures.mdape) return null;
  const ratios = group?.figures?.ratios;
  return html`<${Card} title=${level(name)} aside=${html`<button class="quiet small" onClick=${onClose} aria-label=${t("close")}>✕</button>`} id="study">
    ${row && html`<p>${t("listings_known", { count: number(row.count) })} ${t("median")} ${amount(row.target, unit, 3)}${row.by_area ? `, ${amount(row.by_area, per, 3)}` : ""}.</p>`}
    <${Place} of=${of}>
      ${!group ? html`<p class="note">${t("no_answers_here")}</p>` : !group.figures ? html`<p class="note">${t("too_few_of", { count: number(group.labelled), version: group.model.split("@")[1] })}</p><${Together} row=${errors} />` : html`
        <p class="soft">${t("study_of", { version: group.model.split("@")[1] })}</p>
        <p>${t("study_words", { error: percent(group.figures.mdape.value), coverage: percent(group.figures.coverage.value), count: number(group.labelled) })}</p>
        <table class="data"><thead><tr><th scope="col">${t("measure")}</th><th scope="col">${t("value")}</th><th scope="col">${t("interval")}</th><th scope="col">${t("band_short")}</th></tr></thead>
        <tbody>${["median_ratio", "cod", "prd", "prb"].filter((key) => ratios?.[key]).map((key) => html`<tr><th scope="row" title=${t(`about_measure.${key}`)}>${t(`measure.${key}`)}</th><td class=${`num ${ratios[key].passes ? "" : "bad-text"}`}>${number(ratios[key].value, 3)}</td><td class="num">${number(ratios[key].low, 3)} – ${number(ratios[key].high, 3)}</td><td class="num">${number(ratios[key].band_low, 2)} – ${number(ratios[key].band_high, 2)}</td></tr>`)}</tbody></table>`}
    <//>
  <//>`;
}
