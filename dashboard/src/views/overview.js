// Is it alive, and is it good: figures, the last hour, and what needs attention in words.
import { Badge, Card, Place, Spark, html, useData, useLive } from "../ui.js";
import { age, clock, label, level, number, percent, signedPercent, span, t } from "../words.js";

/** IAAO's bands of the ratio study, for the attention list and the table of quality. */
export const out_of_band = (interval) => interval && interval.passes === false && (interval.low > interval.band_high || interval.high < interval.band_low);

const minutes = () => {
  const last = Math.floor(Date.now() / 60000) * 60;
  return Array.from({ length: 60 }, (_, index) => last - (59 - index) * 60);
};

const by_minute = (rows, value = (row) => row[1]) => {
  const of = new Map();
  for (const row of rows ?? []) of.set(row[0], (of.get(row[0]) ?? 0) + value(row));
  return minutes().map((at) => of.get(at) ?? 0);
};

/** What an operator should look at, the worst first. */
export function attention(overview, way, quality) {
  if (!overview) return [];
  const found = [];
  const add = (kind, text) => found.push({ kind, text });
  const { status, parts, counts } = overview;
  if (way === "lost") add("bad", t("attention_lost"));
  for (const [part, state] of Object.entries(parts ?? {})) if (state !== "ready") add("bad", t("attention_part", { part: t(`part.${part}`), state }));
  if (status.refused_model) add("bad", t("attention_refused", { why: status.refused_model }));
  if (status.last_error) add("warn", t("attention_error", { why: status.last_error }));
  if (status.lag_seconds > 5) add("warn", t("attention_lag", { span: span(status.lag_seconds), count: number(status.lag_records) }));
  const { loader, training } = overview.services ?? {};
  for (const [name, service] of [["loader", loader], ["training", training]]) {
    if (service?.unreachable) add("warn", t("attention_unreachable", { name: t(`service.${name}`), why: service.unreachable }));
    else for (const [part, state] of Object.entries(service?.parts ?? {})) if (state !== "ready") add("warn", t("attention_part", { part: `${t(`service.${name}`)}, ${t(`part.${part}`)}`, state }));
  }
  if (loader?.lag_seconds > 5) add("warn", t("attention_loader", { span: span(loader.lag_seconds), count: number(loader.lag_records) }));
  if (training?.failures_in_a_row > 0) add("bad", t("attention_training", { why: training.last_error?.error ?? "" }));
  if (!counts) add("warn", t("attention_no_counts"));
  else {
    if (counts.last_stored_s > 600) add("warn", t("attention_no_listings", { span: span(counts.last_stored_s) }));
    const [stored, rejected] = [0, 0].map((_, index) => (counts.arrivals ?? []).slice(-10).reduce((sum, row) => sum + row[index + 1], 0));
    if (rejected > 20 && rejected / (stored + rejected) > 0.1) add("warn", t("attention_rejects", { share: percent(rejected / (stored + rejected), 0) }));
  }
  const groups = (quality ?? overview.quality)?.groups ?? [];
  const current = groups.filter((group) => group.model === status.model && group.window === "24h" && group.figures?.mdape);
  for (const group of current) {
    const where = group.segment ? t("attention_in", { name: level(group.segment) }) : "";
    const { figures } = group;
    for (const measure of ["cod", "prd", "prb"]) {
      const interval = figures.ratios?.[measure];
      if (out_of_band(interval)) add("warn", t("attention_ratio", { measure: measure.toUpperCase(), value: number(interval.value, 3), low: number(interval.band_low, 2), high: number(interval.band_high, 2), where }));
    }
    if (figures.coverage.high < 0.86) add("warn", t("attention_coverage", { value: percent(figures.coverage.value), where }));
    const holdout = overview.quality?.holdout_mdape;
    if (!group.segment && holdout && figures.mdape.low > holdout * 1.25) add("warn", t("attention_worse", { live: percent(figures.mdape.value), holdout: percent(holdout) }));
  }
  const drift = overview.quality?.drift?.find((one) => one.window === "24h" && one.model === status.model);
  for (const field of drift?.fields ?? []) if (field.psi > Math.max(0.25, 3 * field.by_chance)) add("warn", t("attention_drift", { field: label(field.field), value: number(field.psi, 2) }));
  return found.sort((one, other) => (one.kind === "bad" ? 0 : 1) - (other.kind === "bad" ? 0 : 1)).slice(0, 12);
}

const behind = (seconds) => (seconds === null || seconds === undefined ? t("unknown") : seconds < 1 ? t("up_to_date") : t("lag_seconds", { span: span(seconds) }));

/** The last day beside the day before it. */
function Changes({ of, answered, stored, is_price }) {
  const { now, before } = of.data?.days ?? {};
  const first = of.data?.first_stored;
  const is_young = first && Date.now() - new Date(first).getTime() < 86400000;
  const sum = (rejects) => Object.values(rejects ?? {}).reduce((all, one) => all + one, 0);
  const rows = now ? [
    // Rounds count a minute late: of a day that has just begun the services know more.
    [t("tile_listings"), is_young ? Math.max(now.stored, stored) : now.stored, before.stored, number],
    [t("tile_answers"), is_young ? Math.max(now.answers, answered) : now.answers, before.answers, number],
    [t("rejected_messages"), sum(now.rejects), sum(before.rejects), number],
    // Live quality is of prices.
    ...(is_price ? [[t("measure.mdape"), now.quality?.mdape, before.quality?.mdape, percent], [t("measure.coverage"), now.quality?.coverage, before.quality?.coverage, percent]] : []),
  ] : [];
  const change = (one, other, show) => (!other || one === null || one === undefined ? "–" : show === percent ? t("points", { value: `${one >= other ? "+" : "−"}${number(Math.abs(100 * (one - other)), 1)}` }) : signedPercent(one / other - 1, 0));
  return html`<${Place} of=${of}>
    ${is_young ? html`<p class="note">${t("no_day_before", { age: age(first) })}</p>` : ""}
    <div class="scroll" tabindex="0" role="region" aria-label=${t("changed_today")}><table class="data narrow-columns"><thead><tr><th scope="col"></th><th scope="col" class="num">${t(is_young ? "since_start" : "last_day")}</th>${!is_young && html`<th scope="col" class="num">${t("day_before")}</th><th scope="col" class="num">${t("change")}</th>`}</tr></thead>
    <tbody>${rows.map(([name, one, other, show]) => html`<tr><th scope="row">${name}</th><td class="num">${one === null || one === undefined ? t("not_yet") : show(one)}</td>${!is_young && html`<td class="num">${other === null || other === undefined ? "–" : show(other)}</td><td class="num">${change(one, other, show)}</td>`}</tr>`)}</tbody></table></div>
  <//>`;
}

function Tile({ title, value, unit, more, spark, to, kind }) {
  return html`<a class=${`tile ${kind ?? ""}`} href=${to}>
    <h2>${title}</h2>
    <p class="figure">${value}${unit && html`<small> ${unit}</small>`}</p>
    <p class="soft">${more}</p>
    ${spark}
  </a>`;
}

export function OverviewView() {
  const { overview, before, way } = useLive();
  const quality = useData("quality?window=24h", 30000);
  const models = useData("models/history", 30000);
  const changes = useData("changes", 30000);
  if (!overview && way === "lost") return html`<div class="note bad" role="alert"><p>${t("attention_lost")}</p></div>`;
  if (!overview && way === "locked") return html`<div class="note"><p>${t("token_words")}</p></div>`;
  if (!overview) return html`<div class="tiles">${[1, 2, 3, 4, 5, 6].map(() => html`<div class="skeleton tile"></div>`)}</div>`;
  const { status, counts } = overview;
  const { loader, training } = overview.services ?? {};
  const share = training?.running?.fit?.fraction;
  const found = attention(overview, way, quality.data);
  const whole = (window) => overview.quality?.groups?.find((group) => group.window === window && group.model === status.model);
  const newest = (overview.quality?.groups ?? []).filter((group) => group.figures && group.window === "24h").sort((one, other) => (one.model < other.model ? 1 : -1))[0];
  const live = [whole("1h"), whole("24h"), newest].find((group) => group?.figures) ?? whole("24h");
  const figures = live?.figures;
  const of_other = figures && live.model !== status.model ? `${live.model.split("@")[1]}, ` : "";
  const stored = by_minute(counts?.arrivals);
  const rejected = by_minute(counts?.rejects, (row) => row[3]);
  const answered = by_minute(counts?.answers);
  const seconds = before ? (new Date(overview.at) - new Date(before.at)) / 1000 : 0;
  const rate = before && seconds > 0.5 ? Math.max(0, (status.answered - before.status.answered) / seconds) : null;
  const rejected_total = Object.values(changes.data?.days?.now?.rejects ?? {}).reduce((sum, one) => sum + one, 0);
  // A minute that is over, where there is one with listings.
  const per_minute = stored[58] || stored[59];
  const code = (one) => (t(`code.${one}`) === `code.${one}` ? one : t(`code.${one}`));
  const reasons = Object.entries((counts?.rejects ?? []).reduce((sums, row) => ({ ...sums, [row[2]]: (sums[row[2]] ?? 0) + row[3] }), {})).sort((one, other) => other[1] - one[1]);
  const since = models.data?.decisions?.filter((one) => one.version === Number(status.model?.split("@v")[1]) && one.action !== "kept").pop();
  const day = models.data?.decisions?.filter((one) => Date.now() - one.at_ms < 86400000) ?? [];
  return html`
    <${Card} wide title=${t("attention")} aside=${html`<${Badge} kind=${found.some((one) => one.kind === "bad") ? "bad" : found.length ? "warn" : "good"}>${found.length ? number(found.length) : t("all_well")}<//>`} id="attention">
      ${found.length === 0 ? html`<p class="well">${t("nothing_to_do")}</p>` : html`<ul class="attention">${found.map((one) => html`<li class=${one.kind}>${one.text}</li>`)}</ul>`}
    <//>
    <div class="tiles">
      <${Tile} title=${t("tile_listings")} to="#/stream?kind=listings" value=${number(counts?.stored_total)} more=${t("per_minute", { count: number(per_minute) })} spark=${html`<${Spark} values=${stored} text=${t("spark_listings")} />`} />
      <${Tile} title=${t("tile_answers")} to="#/stream" value=${number(status.answered)} more=${rate === null ? "…" : t("per_second", { count: number(rate, 1) })} spark=${html`<${Spark} values=${answered.slice(0, 57)} text=${t("spark_answers")} />`} />
      <${Tile} title=${t("tile_latency")} to="#/overview" value=${status.answered ? number(status.p50_ms, 1) : "–"} unit=${status.answered ? t("ms") : ""} more=${status.answered ? t("p99", { value: number(status.p99_ms, 1) }) : t("not_yet")} />
      <${Tile} title=${t("tile_lag")} to="#/overview" value=${status.lag_records === null || status.lag_records === undefined ? t("unknown") : number(status.lag_records)} more=${behind(status.lag_seconds)} kind=${status.lag_seconds > 5 ? "warn" : ""} />
      ${loader?.lag_records !== undefined && html`<${Tile} title=${t("tile_loader_lag")} to="#/stream" value=${loader.lag_records === null ? t("unknown") : number(loader.lag_records)} more=${behind(loader.lag_seconds)} kind=${loader.lag_seconds > 5 ? "warn" : ""} />`}
      <${Tile} title=${t("tile_rejects")} to="#/stream?kind=rejects" value=${changes.data ? number(rejected_total) : "…"} more=${reasons[0] ? t("most_often", { code: code(reasons[0][0]) }) : t("none_last_hour")} spark=${html`<${Spark} values=${rejected} text=${t("spark_rejects")} />`} />
      <${Tile} title=${t("tile_champion")} to="#/models" value=${status.model ? status.model.split("@")[1] : "–"} more=${[since ? t("champion_since", { age: age(since.at_ms) }) : status.last_swap ? t("champion_since", { age: age(status.last_swap.swapped_at) }) : "", training?.training ? t("next_in_training", { share: share === undefined ? "…" : percent(share, 0) }) : ""].filter(Boolean).join("; ")} />
      ${status.holdout_mdape !== null && html`<${Tile} title=${t("tile_error")} to="#/quality" value=${figures ? percent(figures.mdape.value) : t("not_yet")} more=${`${of_other}${t("holdout_error", { value: percent(status.holdout_mdape) })}`} />
      <${Tile} title=${t("tile_coverage")} to="#/quality" value=${figures ? percent(figures.coverage.value) : t("not_yet")} more=${figures ? of_other + t("of_labels", { count: number(live.labelled) }) : live?.too_few ? t("too_few", { count: number(live.labelled) }) : t("no_labels")} />`}
      ${status.holdout_auc !== null && html`<${Tile} title="AUC" to="#/quality" value=${number(status.holdout_auc, 3)} more=${t("on_holdout")} />`}
      ${status.holdout_accuracy !== null && status.holdout_accuracy !== undefined && html`<${Tile} title=${t("measure.accuracy")} to="#/quality" value=${percent(status.holdout_accuracy)} more=${t("on_holdout")} />`}
      ${status.silhouette !== null && html`<${Tile} title=${t("silhouette")} to="#/models" value=${number(status.silhouette, 3)} more=${t("in_training")} />`}
    </div>
    <${Card} wide title=${t("changed_today")} aside=${html`<span class="soft">${t("as_of", { at: clock(overview.at) })}</span>`} id="changed">
      <${Changes} of=${changes} answered=${status.answered} stored=${counts?.stored_total ?? 0} is_price=${status.holdout_mdape !== null} />
      <h3>${t("decisions_of_day")}</h3>
      ${day.length === 0 ? html`<p class="note">${t("nothing_changed")}</p>` : html`<ul class="plain">${day.slice(-6).reverse().map((one) => html`<li><time>${clock(one.at_ms)}</time> ${t(`action.${one.action}`, { version: `v${String(one.version).padStart(6, "0")}` })} <span class="soft">${one.who}: ${one.why}</span></li>`)}</ul>`}
    <//>`;
}
