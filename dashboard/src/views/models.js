// The versions: which answers and since when, what each is, two side by side, and another champion.
import { useEffect, useState } from "preact/hooks";
import { ask, get, hasToken, post, query } from "../api.js";
import { Progress } from "../progress.js";
import { Badge, Card, Confirm, Place, WhoAndWhy, html, reason, useData, useLive } from "../ui.js";
import { about, amount, date, label, moment, number, percent, span, t } from "../words.js";

const number_of = (version) => Number(version.slice(1));
const name_of = (value) => `v${String(value).padStart(6, "0")}`;

/** What is named first: of a class, of several, of clusters. */
const first_of = (report) => (report.model?.balanced_accuracy !== undefined ? "accuracy" : report.model?.auc !== undefined ? "auc" : "silhouette");

/** The figures that tell versions apart, by task. */
function measures(report, unit) {
  if (!report) return [];
  const price = report.model && "mdape" in report.model;
  const share = (value) => percent(value);
  const of = (key, value, show, better) => ({ key, value, text: show(value), better });
  if (price)
    return [
      of("mdape", report.model.mdape, share, "low"),
      of("within_10", report.model.within_10, share, "high"),
      of("within_20", report.model.within_20, share, "high"),
      of("r2", report.model.r2, (value) => number(value, 3), "high"),
      of("rmse", report.model.rmse, (value) => amount(value, unit), "low"),
      of("coverage", report.coverage, share),
      ...(report.ratios ? ["cod", "prd", "prb"].map((key) => of(key, report.ratios[key].value, (value) => number(value, 3))) : []),
      of("baseline_mdape", report.baseline?.mdape, share),
      of("train_rows", report.train_rows, number),
      of("holdout_rows", report.holdout_rows, number),
    ];
  return Object.entries({ ...report, ...(report.model ?? {}) })
    .map(([key, value]) => [key, value?.value ?? value])
    .filter(([, value]) => typeof value === "number")
    .map(([key, value]) => of(key, value, (one) => about(one, 4)))
    .sort((one, other) => (other.key === first_of(report)) - (one.key === first_of(report)));
}

const measure_name = (key) => (t(`measure.${key}`) === `measure.${key}` ? label(key) : t(`measure.${key}`));

export function ModelsView() {
  const list = useData("models", 5000);
  const history = useData("models/history", 5000);
  const schema = useData("schema");
  const unit = schema.data?.fields.find((field) => field.name === schema.data.target)?.unit;
  const [details, setDetails] = useState({});
  const [open, setOpen] = useState(null);
  const [pair, setPair] = useState([]);
  const [asked, setAsked] = useState(null);
  const [done, setDone] = useState(null);
  const [awaited, setAwaited] = useState(null);
  const versions = list.data?.models ?? [];
  useEffect(() => {
    for (const { version } of versions.slice(0, 15))
      if (!details[version])
        get(`models/${version}`).then(
          (found) => setDetails((before) => ({ ...before, [version]: found })),
          (error) => setDetails((before) => ({ ...before, [version]: { error } })),
        );
  }, [versions.map((one) => one.version).join()]);
  const change = async (form) => {
    const why = reason(form);
    const path = asked.version ? `models/${asked.version}/activate` : "models/rollback";
    const swapped = await post(`${path}${query({ why })}`);
    setDone(swapped);
    list.again();
    history.again();
  };
  const choose = (version) => setPair((before) => (before.includes(version) ? before.filter((one) => one !== version) : [...before, version].slice(-2)));
  const decisions = history.data?.decisions ?? [];
  const has_previous = versions.some((one) => one.aliases.includes("previous"));
  return html`
    <${Card} wide title=${t("versions")} aside=${html`<${TrainNow} onAsk=${setAwaited} onDone=${() => { setAwaited(null); list.again(); history.again(); }} /><button class="quiet" disabled=${!has_previous} onClick=${() => setAsked({})} id="roll-back">${t("roll_back")}</button>`}>
      <${Progress} toBeat=${beaten(versions, details)} awaited=${awaited} />
      ${done && html`<p class="note good" role="status" id="swapped">${t("now_answers", { model: done.model })} ${done.shadow && t("shadow", { rows: number(done.shadow.rows ?? 0) })}</p>`}
      <${Place} of=${list} empty=${versions.length === 0 && t("no_versions")}>
        ${versions.length > 1 ? html`<p class="soft hint">${t("compare_hint")}</p>` : ""}
        <ol class="timeline">${versions.map(({ version, aliases, serving }) => {
          const one = details[version];
          const main = measures(one?.report)[0];
          const verdict = decisions.filter((decision) => decision.version === number_of(version)).pop();
          return html`<li class=${serving ? "serving" : ""} key=${version}>
            <div class="head">
              <label class="pick"><input type="checkbox" checked=${pair.includes(version)} onChange=${() => choose(version)} /><span class="sr">${t("compare_it", { version })}</span></label>
              <b>${version}</b>
              ${aliases.map((alias) => html`<${Badge} kind=${alias}>${t(`alias.${alias}`)}<//>`)}
              ${serving && html`<${Badge} kind="good">${t("answers")}<//>`}
              <span class="soft">${one?.trained_at_ms ? t("trained", { at: moment(one.trained_at_ms), data: date(one.data_until_ms) }) : ""}</span>
              <span class="main-measure">${main ? `${measure_name(main.key)} ${main.text}` : one?.error ? one.error.message : ""}</span>
            </div>
            ${verdict && html`<p class="soft">${t(`verdict.${verdict.action}`)} · ${moment(verdict.at_ms)} · ${verdict.who}: ${verdict.why}</p>`}
            <div class="actions">
              <button class="quiet small" aria-expanded=${open === version} onClick=${() => setOpen(open === version ? null : version)}>${t(open === version ? "less" : "details")}</button>
              ${!aliases.includes("champion") && html`<button class="quiet small promote" onClick=${() => setAsked({ version })}>${t("promote")}</button>`}
            </div>
            ${open === version && one?.report && html`<${Details} one=${one} unit=${unit} decisions=${decisions.filter((decision) => decision.version === number_of(version))} />`}
          </li>`;
        })}</ol>
      <//>
    <//>
    ${pair.length === 2 && html`<${Compare} unit=${unit} pair=${pair.map((version) => [version, details[version]])} />`}
    <${Sweeps} />
    <${Card} wide title=${t("decisions")}>
      <${Place} of=${history} empty=${decisions.length === 0 && t("no_decisions")}>
        <div class="scroll" tabindex="0" role="region" aria-label=${t("decisions")}><table class="data"><thead><tr><th scope="col">${t("when")}</th><th scope="col">${t("what")}</th><th scope="col">${t("who")}</th><th scope="col">${t("why")}</th></tr></thead>
        <tbody>${[...decisions].reverse().slice(0, 15).map((one) => html`<tr><td>${moment(one.at_ms)}</td><td>${t(`action.${one.action}`, { version: name_of(one.version) })}</td><td>${one.who}</td><td class="text">${one.why}</td></tr>`)}</tbody></table></div>
      <//>
    <//>
    ${asked && html`<${Confirm} title=${asked.version ? t("promote_it", { version: asked.version }) : t("roll_back_it")} action=${t(asked.version ? "promote" : "roll_back")} onDone=${change} onClose=${() => setAsked(null)}>
      <p>${t(asked.version ? "promote_words" : "roll_back_words")}</p>
      <${WhoAndWhy} />
    <//>`}`;
}

/** How the training stands, and a button that begins one. */
function TrainNow({ onAsk, onDone }) {
  const { overview } = useLive();
  const training = overview?.services?.training;
  const [isAsked, setAsked] = useState(false);
  const [since, setSince] = useState(null);
  const [failed, setFailed] = useState(null);
  if (!training) return null;
  const begin = async (form) => {
    const at = Date.now();
    setFailed(null);
    const asking = post(`train${query({ why: reason(form) })}`);
    // It answers at the training's end: whoever is refused learns it at once, the others watch.
    onAsk({ why: reason(form), at });
    try {
      await Promise.race([asking, new Promise((done) => setTimeout(done, 1500))]);
    } catch (refused) {
      onDone();
      throw refused;
    }
    setSince(at);
    asking.then(onDone, (refused) => {
      setFailed(refused.message);
      onDone();
    });
  };
  const last = training.last_training;
  const result = failed ?? (since && last && new Date(last.finished_at).getTime() > since ? t("training_done", { version: last.version, verdict: last.verdict ?? "" }) : since && !last ? t("training_began") : null);
  const watch = training.watch;
  const state = training.unreachable ? t("training_away") : training.training ? "" : watch?.new_rows_wanted ? t("training_next", { rows: number(watch.new_rows), wanted: number(watch.new_rows_wanted) }) : t("training_idle");
  return html`<span class="soft" role="status">${training.training ? "" : (result ?? state)}</span>
    <button class="quiet" id="train" disabled=${training.training || Boolean(training.unreachable)} onClick=${() => setAsked(true)}>${t("train")}</button>
    ${isAsked && html`<${Confirm} title=${t("train_it")} action=${t("train")} onDone=${begin} onClose=${() => setAsked(false)}><p>${t("train_words")}</p><${WhoAndWhy} /><//>`}`;
}

/** What a version that is trained has to be as good as. */
function beaten(versions, details) {
  const champion = details[versions.find((one) => one.aliases.includes("champion"))?.version];
  const main = measures(champion?.report)[0];
  return main ? t("best_so_far", { version: champion.version, measure: measure_name(main.key), value: main.text }) : "";
}

/** Sweeps of settings: how far, the best so far, and the page with parallel coordinates. */
function Sweeps() {
  const of = useData("sweeps", 10000);
  const [open, setOpen] = useState(null);
  const sweeps = of.data?.sweeps ?? [];
  const empty = sweeps.length === 0 && html`${t("no_sweeps")} <code>model-prepare sweep --trials 50</code>`;
  return html`<${Card} wide title=${t("sweeps")} id="sweeps">
    <${Place} of=${of} empty=${empty}>
      <ul class="plain">${sweeps.map((sweep) => {
        const quiet = (Date.now() - (sweep.last_trial_ms ?? sweep.started_ms)) / 1000;
        const state = sweep.status !== "running" ? t(`sweep.${sweep.status}`) : quiet > 1800 ? t("sweep.stopped") : t("sweep.running");
        return html`<li key=${sweep.run}>
          <p><b>${sweep.name}</b> <${Badge} kind=${sweep.status === "finished" ? "good" : "warn"}>${state}<//> <span class="soft">${t("sweep_trials", { trials: number(sweep.trials), finished: number(sweep.finished), given_up: number(sweep.given_up), failed: number(sweep.failed) })} · ${moment(sweep.started_ms)}</span></p>
          ${sweep.best && html`<p class="soft">${t("sweep_best", { trial: sweep.best.trial.replace("trial ", ""), objective: about(sweep.best.objective, 4) })} ${Object.entries(sweep.best.settings).map(([key, value]) => html`<code>${key} = ${Number.isFinite(Number(value)) ? about(Number(value), 4) : value}</code> `)}</p>`}
          ${sweep.status === "finished" && html`<div class="actions">${hasToken()
            ? html`<button class="quiet small" onClick=${() => download(`sweeps/${sweep.run}/page`, `${sweep.name}.html`)}>${t("report_download")}</button>`
            : html`<button class="quiet small" aria-expanded=${open === sweep.run} onClick=${() => setOpen(open === sweep.run ? null : sweep.run)}>${t("sweep_page")}</button><a href=${`sweeps/${sweep.run}/page`} target="_blank" rel="noopener">${t("report_alone")}</a>`}</div>`}
          ${open === sweep.run && html`<iframe class="report" src=${`sweeps/${sweep.run}/page`} title=${`${t("sweep_page")}: ${sweep.name}`} sandbox=""></iframe>`}
        </li>`;
      })}</ul>
    <//>
  <//>`;
}

/** A page that asks for the token: a frame cannot send one. */
async function download(path, name) {
  const reply = await ask(path);
  const url = URL.createObjectURL(await reply.blob());
  const link = document.createElement("a");
  Object.assign(link, { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}

function Details({ one, unit, decisions }) {
  const { report } = one;
  const { overview } = useLive();
  const evidence = decisions.map((decision) => decision.evidence).filter(Boolean).pop();
  const [page, setPage] = useState(false);
  return html`<div class="details">
    <div class="columns even">
      <div><h3>${t("measures")}</h3><table class="data"><tbody>${measures(report, unit).map((row) => html`<tr><th scope="row">${measure_name(row.key)}</th><td class="num">${row.text}</td></tr>`)}</tbody></table></div>
      <div>
        ${report.members && html`<h3>${t("members")}</h3><table class="data"><thead><tr><th scope="col">${t("member")}</th><th scope="col" class="num">${t("weight")}</th><th scope="col" class="num">${t("trees")}</th></tr></thead><tbody>${report.members.map((member) => html`<tr><th scope="row">${member.name}</th><td class="num">${percent(member.weight, 0)}</td><td class="num">${member.trees ? number(member.trees) : "–"}</td></tr>`)}</tbody></table>`}
        <h3>${t("origin")}</h3>
        <dl>${[["data_source", one.run?.params?.["data.source"]], ["data_rows", number(one.run?.params?.["data.rows"])], ["data_until", date(one.data_until_ms)], ["code", one.code_version], ["effort", one.run?.params?.["fit.effort"]], ["asked_for", one.tags?.asked_for], ["fit_took", one.run ? span((one.run.ended_ms - one.run.started_ms) / 1000) : null]].filter(([, value]) => value && value !== "–").map(([key, value]) => html`<dt>${t(key)}</dt><dd>${value}</dd>`)}</dl>
      </div>
    </div>
    ${evidence?.checks?.length > 0 && html`<h3>${t("evidence")}</h3><ul class="plain">${evidence.checks.map((check) => html`<li><${Badge} kind=${check.passes ? "good" : "bad"}>${check.passes ? "✓" : "✗"}<//> ${check.said ?? check.name ?? JSON.stringify(check)}</li>`)}</ul>`}
    ${one.run && html`<div class="actions">${hasToken()
      ? html`<button class="quiet small" onClick=${() => download(`models/${one.version}/report`, `${one.version}.html`)}>${t("report_download")}</button>`
      : html`<button class="quiet small" aria-expanded=${page} onClick=${() => setPage(!page)}>${t("report")}</button><a href=${`models/${one.version}/report`} target="_blank" rel="noopener">${t("report_alone")}</a>`}</div>`}
    ${page && html`<iframe class="report" src=${`models/${one.version}/report`} title=${t("report")} sandbox=""></iframe>`}
  </div>`;
}

function Compare({ unit, pair }) {
  const [[first, one], [second, other]] = pair;
  if (!one?.report || !other?.report) return html`<div class="skeleton"></div>`;
  const others = new Map(measures(other.report, unit).map((row) => [row.key, row]));
  return html`<${Card} wide title=${t("compare", { first, second })} id="compare">
    <div class="scroll" tabindex="0" role="region" aria-label=${t("compare", { first, second })}><table class="data"><thead><tr><th scope="col">${t("measure")}</th><th scope="col" class="num">${first}</th><th scope="col" class="num">${second}</th></tr></thead><tbody>
      ${measures(one.report, unit).map((row) => {
        const there = others.get(row.key);
        const better = there && row.better && row.text !== there.text ? ((row.value < there.value) === (row.better === "low") ? 0 : 1) : null;
        return html`<tr><th scope="row">${measure_name(row.key)}</th><td class=${`num ${better === 0 ? "better" : ""}`}>${row.text}</td><td class=${`num ${better === 1 ? "better" : ""}`}>${there?.text ?? "–"}</td></tr>`;
      })}
      <tr><th scope="row">${t("data_until")}</th><td class="num">${date(one.data_until_ms)}</td><td class="num">${date(other.data_until_ms)}</td></tr>
    </tbody></table></div>
  <//>`;
}
