// How good the probabilities of a class are: over time, by market, and whether they are calibrated.
import { useState } from "preact/hooks";
import { query } from "../api.js";
import { Card, Place, html, useData, useLive } from "../ui.js";
import { label, level, number, percent, span, t } from "../words.js";
import { History } from "./history.js";

const three = (value) => number(value, 3);
const measures = (keys) => keys.map((key) => ({ key, show: key === "accuracy" ? percent : three }));
const OF_ONE = measures(["log_loss", "brier", "auc", "calibration_error"]);
const OF_SEVERAL = measures(["log_loss", "brier", "accuracy", "calibration_error"]);

/** A figure of a group, in the words of its measure. */
const figure = (figures, { key, show }) => (key === "auc" ? auc(figures) : show(figures[key]));

const auc = (figures) => (figures.auc ? three(figures.auc.value) : "–");

/** Tenths by what was predicted: the same shares where probabilities are calibrated. */
function Tenths({ bins }) {
  return html`<table class="data narrow"><thead><tr><th scope="col" class="num">${t("class_predicted")}</th><th scope="col" class="num">${t("class_found")}</th><th scope="col" class="num">${t("labels_class")}</th></tr></thead>
    <tbody>${bins.map((bin) => html`<tr><td class="num">${percent(bin.said)}</td><td class="num">${percent(bin.found)}</td><td class="num">${number(bin.rows)}</td></tr>`)}</tbody></table>`;
}

function Segments({ groups, named, of }) {
  const rows = groups.filter((group) => group.segment);
  if (!rows.length) return html`<p class="note">${t("no_segments")}</p>`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${named}><table class="data">
    <thead><tr><th scope="col">${named}</th>${[t("requests"), t("labels_class"), ...of.map((one) => t(`measure.${one.key}`))].map((one) => html`<th scope="col" class="num">${one}</th>`)}</tr></thead>
    <tbody>${rows.map((group) => html`<tr><th scope="row">${level(group.segment)}</th><td class="num">${number(group.answers)}</td><td class="num">${number(group.labelled)}</td>
      ${group.figures ? of.map((one) => html`<td class="num">${figure(group.figures, one)}</td>`) : html`<td colspan="4" class="soft">${t("too_few_labels", { count: number(group.labelled) })}</td>`}
    </tr>`)}</tbody></table></div>`;
}

export function ClassQuality({ windows, window_name }) {
  const { overview } = useLive();
  const [chosen, setWindow] = useState(null);
  const window = windows.includes(chosen) ? chosen : windows.includes("24h") ? "24h" : windows[0];
  const of = useData(`quality${query({ window })}`, 15000);
  const all = of.data?.groups ?? [];
  const models = [...new Set(all.map((group) => group.model))];
  const [picked, setModel] = useState(null);
  const model = models.includes(picked) ? picked : models.includes(overview?.status?.model) ? overview.status.model : models[0];
  const groups = all.filter((group) => group.model === model);
  const whole = groups.find((group) => !group.segment);
  const figures = whole?.figures;
  const market = useData("schema").data?.market;
  const has_several = of.data?.holdout_accuracy !== undefined;
  const shown = has_several ? OF_SEVERAL : OF_ONE;
  return html`
    <div class="filters">
      <label>${t("window")} <select value=${window} onChange=${(event) => setWindow(event.target.value)}>${windows.map((one) => html`<option value=${one}>${window_name(one)}</option>`)}</select></label>
      <label>${t("version")} <select value=${model ?? ""} onChange=${(event) => setModel(event.target.value)}>${models.map((one) => html`<option value=${one}>${one.split("@")[1]}</option>`)}</select></label>
    </div>
    <${Card} wide title=${t("quality")} id="class-quality">
      <${Place} of=${of} empty=${!whole && t("no_quality")}>
        ${whole && !figures && html`<p class="note">${t("too_few_labels", { count: number(whole.labelled) })}</p>`}
        <dl class="figures">
          <div><dt>${t("measure.log_loss")}</dt><dd>${figures ? three(figures.log_loss) : t("not_yet")}</dd><dd class="soft">${t("holdout_value", { value: three(of.data?.holdout_log_loss) })}</dd></div>
          <div><dt>${t("measure.brier")}</dt><dd>${figures ? three(figures.brier) : t("not_yet")}</dd></div>
          ${has_several
            ? html`<div><dt>${t("measure.accuracy")}</dt><dd>${figures ? percent(figures.accuracy) : t("not_yet")}</dd><dd class="soft">${t("holdout_value", { value: percent(of.data.holdout_accuracy) })}</dd></div>`
            : html`<div><dt>${t("measure.auc")}</dt><dd>${figures ? auc(figures) : t("not_yet")}</dd><dd class="soft">${figures?.auc ? `${three(figures.auc.low)} – ${three(figures.auc.high)}` : ""}</dd></div>`}
          <div><dt>${t("label_coverage_class")}</dt><dd>${percent(whole?.label_coverage)}</dd><dd class="soft">${t("label_delay", { span: span(whole?.label_delay_s) })}</dd></div>
        </dl>
      <//>
    <//>
    <${History} window=${window} segment="" measures=${shown} />
    <div class="columns even">
      <${Card} title=${market ? label(market) : t("segment")}><${Segments} groups=${groups} of=${shown} named=${market ? label(market) : t("segment")} /><//>
      ${figures && html`<${Card} title=${t("calibration_live")}><${Tenths} bins=${figures.calibration} /><p class="soft">${t(has_several ? "calibration_levels_words" : "calibration_live_words")}</p><//>`}
    </div>`;
}
