// What comes, as it comes; and one record's whole life by its id.
import { useEffect, useState } from "preact/hooks";
import { get } from "../api.js";
import { Badge, Card, Copy, Place, html, useData } from "../ui.js";
import { amount, clock, label, level, moment, number, signedPercent, t } from "../words.js";
import { shown } from "./price.js";

const KINDS = ["listings", "answers", "labels", "rejects"];

export function bytes(base64) {
  const binary = atob((base64 ?? "").replaceAll("\n", ""));
  return new TextDecoder().decode(Uint8Array.from(binary, (one) => one.charCodeAt(0)));
}

const plain = (id) => id.replace(/^http:/, "");

export function StreamView({ search }) {
  const [kind, setKind] = useState("answers");
  const [is_paused, setPaused] = useState(false);
  const [id, setId] = useState(search.get("id") ?? "");
  const [sought, setSought] = useState(search.get("id") ?? "");
  const of = useData("newest?limit=40", is_paused ? 0 : 2500);
  const schema = useData("schema");
  const seek = (event) => {
    event?.preventDefault();
    open(id.trim());
  };
  const open = (one) => {
    setId(one);
    setSought(one);
    history.replaceState(null, "", one ? `#/stream?id=${encodeURIComponent(one)}` : "#/stream");
  };
  const rows = of.data?.[kind] ?? [];
  const link = (one) => html`<button class="link mono" onClick=${() => open(plain(one))}>${plain(one)}</button>`;
  const fields = (schema.data?.fields ?? []).filter((field) => field.role === "field" && field.kind !== "text");
  const unit = schema.data?.fields.find((field) => field.name === schema.data.target)?.unit;
  const columns = {
    listings: {
      head: ["id", t("when"), schema.data?.target ? label(schema.data.target) : "", ...fields.slice(0, 6).map((field) => label(field.name))],
      row: (row) => [link(String(row[schema.data.key])), clock(row.stored_at), amount(row[schema.data.target], unit), ...fields.slice(0, 6).map((field) => shown(field, row[field.name]))],
    },
    answers: { head: ["id", t("when"), t("answer"), t("interval"), t("version"), t("segment")], row: (row) => [link(row.request_id), clock(row.answered_at), amount(row.prediction, unit), row.low === null ? "–" : `${amount(row.low, "", 3)} – ${amount(row.high, "", 3)}`, row.model.split("@")[1], row.segment ? level(row.segment) : "–"] },
    labels: { head: ["id", t("when"), t("label")], row: (row) => [link(row.request_id), clock(row.received_at), amount(row.actual, unit)] },
    rejects: { head: [t("place"), t("when"), t("code"), t("reason"), t("payload")], row: (row) => [html`<span class="mono">${row.topic}/${row.partition}/${row.offset}</span>`, clock(row.rejected_at), html`<${Badge} kind="warn">${row.code}<//>`, row.reason, html`<details><summary>${t("show")}</summary><pre>${bytes(row.payload_base64)}</pre></details>`] },
  };
  const now = columns[kind];
  return html`
    <form class="search" role="search" onSubmit=${seek}>
      <label for="seek">${t("search_id")}</label>
      <input id="seek" value=${id} onInput=${(event) => setId(event.target.value)} placeholder=${t("search_hint")} />
      <button>${t("search")}</button>
    </form>
    ${sought && html`<${Life} id=${sought} key=${sought} schema=${schema.data} unit=${unit} onClose=${() => open("")} />`}
    <${Card} wide title=${t("newest")} aside=${html`<button class="quiet small" aria-pressed=${is_paused} onClick=${() => setPaused(!is_paused)}>${t(is_paused ? "go_on" : "hold")}</button>`}>
      <div class="tabs" role="tablist" aria-label=${t("newest")}>${KINDS.map((one) => html`<button role="tab" id=${`tab-${one}`} aria-selected=${kind === one} aria-controls="newest-rows" onClick=${() => setKind(one)}>${t(`kind.${one}`)}</button>`)}</div>
      <div id="newest-rows" role="tabpanel" aria-labelledby=${`tab-${kind}`} tabindex="0" class="scroll">
        <${Place} of=${of} empty=${rows.length === 0 && t("nothing_yet")}>
          ${(kind !== "listings" || schema.data) && html`<table class="data"><thead><tr>${now.head.map((one) => html`<th scope="col">${one}</th>`)}</tr></thead>
          <tbody>${rows.map((row) => html`<tr key=${row.request_id ?? `${row.topic}/${row.partition}/${row.offset}`}>${now.row(row).map((cell, index) => html`<td class=${kind === "rejects" && index > 2 ? "text" : ""}>${cell}</td>`)}</tr>`)}</tbody></table>`}
        <//>
      </div>
    <//>`;
}

/** Message → stored row → request → answer → label → error. */
function Life({ id, schema, unit, onClose }) {
  const of = useData(`records/${encodeURIComponent(id)}`, 5000);
  const life = of.data;
  const is_unknown = life && !life.record && !life.answers.length && !life.labels.length && !life.rejects.length;
  return html`<${Card} wide title=${t("life_of", { id })} aside=${html`<button class="quiet small" onClick=${onClose} aria-label=${t("close")}>✕</button>`} id="life">
    <${Place} of=${of} empty=${is_unknown && t("unknown_id")}>
      ${life && html`<ol class="life">
        ${life.rejects.map((reject) => html`<li class="bad"><h3>${t("was_rejected")} <${Badge} kind="bad">${reject.code}<//></h3><p>${reject.reason}</p><p class="soft mono">${reject.topic}/${reject.partition}/${reject.offset} · ${moment(reject.rejected_at)}${reject.replayed_at ? ` · ${t("replayed", { at: moment(reject.replayed_at) })}` : ""}</p>
          <pre>${bytes(reject.payload_base64)}</pre><p class="soft">${t("replay_words")} <code>data-loader rejects replay</code></p></li>`)}
        ${life.record && html`<li><h3>${t("was_stored")}</h3><p class="soft">${moment(life.record.stored_at)}</p><dl class="record">${(schema?.fields ?? []).filter((field) => life.record[field.name] !== null && life.record[field.name] !== undefined).map((field) => html`<div><dt>${label(field.name)}</dt><dd>${shown(field, life.record[field.name])}</dd></div>`)}</dl></li>`}
        ${life.answers.map((answer) => html`<li><h3>${t("was_answered")}</h3><p><b>${amount(answer.prediction, unit)}</b> ${answer.low === null ? "" : `(${amount(answer.low, "", 3)} – ${amount(answer.high, "", 3)})`} · ${answer.model}</p><p class="soft">${moment(answer.answered_at)}${answer.request_id.startsWith("http:") ? " · HTTP" : " · Kafka"}</p>
          <details><summary>${t("as_stored")}</summary><pre>${JSON.stringify(JSON.parse(bytes(answer.payload_base64)), null, 2)}</pre></details></li>`)}
        ${life.labels.map((one) => {
          const answer = life.answers.find((own) => own.request_id === one.request_id);
          return html`<li><h3>${t("label_came")}</h3><p><b>${amount(one.actual, unit)}</b>${answer ? html` · ${t("error_is", { value: signedPercent(answer.prediction / one.actual - 1) })} · ${t(one.actual >= answer.low && one.actual <= answer.high ? "within" : "outside")}` : ""}</p><p class="soft">${moment(one.received_at)}</p></li>`;
        })}
      </ol>`}
    <//>
  <//>`;
}
