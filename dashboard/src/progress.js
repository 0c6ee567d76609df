// A training under way: its stage, the member and fold in work, the time left, and the best so far.
import { Badge, html, useLive } from "./ui.js";
import { about, moment, number, percent, span, t } from "./words.js";

/** What a person is told of the stages, and which of them each stands for. */
const STEPS = { features: [], binding: [], folds: ["clusters"], weights: ["intervals"], judging: [], refit: [], saving: ["explaining", "done"], tidying: [] };
const names = Object.keys(STEPS);

/** The step that a training is at; `fitting` reads the rows before the fit begins. */
export function stepOf(running) {
  if (running.stage !== "fitting") return running.stage;
  const stage = running.fit?.stage ?? "binding";
  return names.find((name) => name === stage || STEPS[name].includes(stage)) ?? "binding";
}

/** What is done now, in words. */
export function nowOf(running) {
  const step = stepOf(running);
  const fit = running.fit;
  if (step === "folds" && fit.stage === "clusters") return t("step.clusters", { clusters: fit.member ?? "" });
  if (!fit?.member || !["folds", "refit"].includes(step)) return t(`step.${step}`);
  if (step === "refit") return t("step_member.refit", { member: fit.member });
  return fit.fold ? t("step_member.fold", { member: fit.member, fold: number(fit.fold), folds: number(fit.folds) }) : t("step_member.whole", { member: fit.member });
}

/** How much is over, 0 to 1; undefined where nobody knows. */
export function shareOf(running, took) {
  if (running.fit) return running.fit.stage === "done" ? undefined : running.fit.fraction;
  return running.last_seconds && took !== null ? Math.min(0.97, took / running.last_seconds) : undefined;
}

/** How long it takes yet: by what the first folds have cost; before that, as long as the last time. */
function timeOf(running) {
  const { fit, last_seconds: usual } = running;
  if (fit?.left_s > 0) return t("time_left", { span: span(fit.left_s) });
  return usual && fit?.stage !== "done" ? t("usually", { span: span(usual) }) : "";
}

/** `awaited` is a training that was asked for here, of which the next look tells more. */
export function Progress({ toBeat, awaited }) {
  const { overview } = useLive();
  const training = overview?.services?.training;
  if (!training?.training && !awaited) return null;
  const running = training?.running ?? (awaited ? { stage: "features", since: awaited.at, why: awaited.why, last_seconds: training?.last_training?.seconds } : null);
  if (!running) return html`<div class="progress note" id="progress"><p role="status"><b>${t("training_now")}</b></p><progress aria-label=${t("training_now")}></progress></div>`;
  const took = overview ? Math.max(0, (new Date(overview.at) - new Date(running.since)) / 1000) : null;
  const step = stepOf(running);
  const share = shareOf(running, took);
  const { fit } = running;
  const time = timeOf(running);
  return html`<section class="progress note" id="progress" aria-label=${t("training_now")}>
    <p class="sr" role="status">${t("training_now")} ${t(`step.${step}`)}</p>
    <p><b>${t("training_now")}</b> ${nowOf(running)}${took === null ? "" : `, ${span(took)}`}${time ? ` (${time})` : ""}.${running.why ? ` ${t("asked_for_by", { why: running.why })}` : ""}</p>
    <ol class="stages">${names.map((one) => html`<li class=${names.indexOf(one) < names.indexOf(step) ? "past" : one === step ? "present" : ""} aria-current=${one === step ? "step" : undefined}>${t(one === "folds" && fit?.stage === "clusters" ? "step_short.clusters" : `step_short.${one}`)}</li>`)}</ol>
    <div class="bar-and-share"><progress max="1" value=${share} aria-label=${t("training_share")}></progress><span class="num">${share === undefined ? "" : percent(share, 0)}</span></div>
    ${fit?.members.length ? html`<${Members} fit=${fit} />` : ""}
    ${fit?.estimated_s ? html`<p class="soft">${t("estimated", { span: span(fit.estimated_s), rows: number(fit.rows), fields: number(fit.fields), since: moment(running.since) })}</p>` : ""}
    ${toBeat && html`<p class="soft">${toBeat}</p>`}
  </section>`;
}

/** Every member: its folds, and its error on rows that it has not seen. */
function Members({ fit }) {
  const is_clustering = fit.measure === "silhouette";
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${t("members")}><table class="data members">
    <thead><tr><th scope="col">${t(is_clustering ? "clusters_tried" : "member")}</th><th scope="col">${t("folds_done")}</th><th scope="col" class="num">${t(`fit_measure.${fit.measure}`)}</th></tr></thead>
    <tbody>${fit.members.map((one) => html`<tr key=${one.name} aria-current=${one.name === fit.member ? "step" : undefined} class=${one.name === fit.member ? "present" : ""}>
      <th scope="row">${one.name}${one.name === fit.best ? html` <${Badge} kind="good">${t("best_member")}<//>` : ""}</th>
      <td><progress max=${one.folds || 1} value=${one.folds_done} aria-label=${t("folds_of", { member: one.name })}></progress> ${t("of", { part: number(one.folds_done), whole: number(one.folds) })}</td>
      <td class="num">${one.value === null ? "–" : about(one.value, 4)}</td>
    </tr>`)}</tbody></table></div>`;
}
