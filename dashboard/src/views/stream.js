// What comes, as it comes; and one record's whole life by its id.
import { useEffect, useRef, useState } from "preact/hooks";
import { query, send } from "../api.js";
import { Badge, Card, Confirm, Place, WhoAndWhy, html, reason, useData } from "../ui.js";
import { amount, clock, label, level, moment, number, predicted, signedPercent, t } from "../words.js";
import { shown } from "./price.js";

const KINDS = ["listings", "answers", "labels", "rejects"];

export function bytes(base64) {
  const binary = atob((base64 ?? "").replaceAll("\n", ""));
  return new TextDecoder().decode(Uint8Array.from(binary, (one) => one.charCodeAt(0)));
}

const plain = (id) => id.replace(/^http:/, "");
const place_of = (reject) => `${reject.topic}/${reject.partition}/${reject.offset}`;
const path_of = (reject) => `rejects/${encodeURIComponent(reject.topic)}/${reject.partition}/${reject.offset}`;

/** What a label says: a number, or the name of a class. */
const observed = (row, unit) => (row.class ? level(row.class) : amount(row.actual, unit));

/** A reject's code in words. */
const code_words = (code) => (t(`code.${code}`) === `code.${code}` ? code : t(`code.${code}`));

/** The id in a message, where it is JSON that has one. */
function id_in(text, key) {
  try {
    const id = JSON.parse(text)[key];
    return id === undefined || id === null || typeof id === "object" ? null : String(id);
  } catch {
    return null;
  }
}

export function StreamView({ search }) {
  const [kind, setKind] = useState(KINDS.includes(search.get("kind")) ? search.get("kind") : "answers");
  const [mended, setMended] = useState(null);
  const [sent, setSent] = useState(null);
  const [is_paused, setPaused] = useState(false);
  const [id, setId] = useState(search.get("id") ?? "");
  const [sought, setSought] = useState(search.get("id") ?? "");
  const of = useData("newest?limit=40", is_paused ? 0 : 2500);
  const schema = useData("schema");
  const seek = (event) => {
    event?.preventDefault();
    open(id.trim());
  };
  const kept = (one, of) => history.replaceState(null, "", `#/stream${query({ id: one, kind: of === "answers" ? "" : of })}`);
  const open = (one) => {
    setId(one);
    setSought(one);
    kept(one, kind);
    if (one) setTimeout(() => document.getElementById("life")?.scrollIntoView({ block: "nearest" }), 50);
  };
  const choose = (one) => {
    setKind(one);
    kept(sought, one);
  };
  // Tabs are one stop of the keyboard: arrows lead along them.
  const along = (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const next = KINDS[(KINDS.indexOf(kind) + step + KINDS.length) % KINDS.length];
    choose(next);
    document.getElementById(`tab-${next}`)?.focus();
  };
  // From a link to this very page.
  const asked = `${search.get("id") ?? ""} ${search.get("kind") ?? ""}`;
  const before = useRef(asked);
  useEffect(() => {
    if (before.current === asked) return;
    before.current = asked;
    if (KINDS.includes(search.get("kind"))) setKind(search.get("kind"));
    setId(search.get("id") ?? "");
    setSought(search.get("id") ?? "");
  }, [asked]);
  const rows = of.data?.[kind] ?? [];
  const link = (one) => html`<button class="link mono" onClick=${() => open(plain(one))}>${plain(one)}</button>`;
  const fields = (schema.data?.fields ?? []).filter((field) => field.role === "field" && field.kind !== "text");
  const unit = schema.data?.fields.find((field) => field.name === schema.data.target)?.unit;
  const columns = {
    listings: {
      head: ["id", t("when"), schema.data?.target ? label(schema.data.target) : "", ...fields.slice(0, 6).map((field) => label(field.name))],
      row: (row) => [link(String(row[schema.data.key])), clock(row.stored_at), amount(row[schema.data.target], unit), ...fields.slice(0, 6).map((field) => shown(field, row[field.name]))],
    },
    answers: { head: ["id", t("when"), t("answer"), t("interval"), t("version"), t("segment")], row: (row) => [link(row.request_id), clock(row.answered_at), predicted(row.prediction, schema.data?.task, unit), row.low === null ? "–" : `${amount(row.low, "", 3)} – ${amount(row.high, "", 3)}`, row.model.split("@")[1], row.segment ? level(row.segment) : "–"] },
    labels: { head: ["id", t("when"), t("label")], row: (row) => [link(row.request_id), clock(row.received_at), observed(row, unit)] },
    rejects: { head: [t("when"), t("was"), t("reason"), t("payload"), t("place")], row: (row) => [clock(row.rejected_at), html`<div class="wrong"><${Badge} kind="warn">${code_words(row.code)}<//><${Again} reject=${row} onMend=${setMended} /></div>`, row.reason, html`<details><summary>${t("show")}</summary><pre>${bytes(row.payload_base64)}</pre></details>`, html`<span class="mono">${place_of(row)}</span>`] },
  };
  const now = columns[kind];
  return html`
    <form class="search" role="search" onSubmit=${seek}>
      <label for="seek">${t("search_id")}</label>
      <input id="seek" value=${id} onInput=${(event) => setId(event.target.value)} placeholder=${t("search_hint")} />
      <button>${t("search")}</button>
    </form>
    ${sought && html`<${Life} id=${sought} key=${sought} schema=${schema.data} unit=${unit} onClose=${() => open("")} onMend=${setMended} />`}
    ${sent && html`<p class="note good" role="status" id="sent-again">${t(sent.mended ? "sent_mended" : "sent_as_it_was", { place: sent.from, to: place_of(sent) })} ${sent.id !== null && html`<button class="link" onClick=${() => open(sent.id)}>${t("follow_it", { id: sent.id })}</button>`}</p>`}
    <${Card} wide title=${t("newest")} aside=${html`<button class="quiet small" aria-pressed=${is_paused} onClick=${() => setPaused(!is_paused)}>${t(is_paused ? "go_on" : "hold")}</button>`} id="newest">
      <div class="tabs" role="tablist" aria-label=${t("newest")} onKeyDown=${along}>${KINDS.map((one) => html`<button role="tab" id=${`tab-${one}`} tabindex=${kind === one ? 0 : -1} aria-selected=${kind === one} aria-controls="newest-rows" onClick=${() => choose(one)}>${t(`kind.${one}`)}</button>`)}</div>
      ${kind === "rejects" && html`<${Reasons} />`}
      <div id="newest-rows" role="tabpanel" aria-labelledby=${`tab-${kind}`} tabindex="0" class="scroll">
        <${Place} of=${of} empty=${rows.length === 0 && t("nothing_yet")}>
          ${(kind !== "listings" || schema.data) && html`<table class="data"><thead><tr>${now.head.map((one) => html`<th scope="col">${one}</th>`)}</tr></thead>
          <tbody>${rows.map((row) => html`<tr key=${row.request_id ?? `${row.topic}/${row.partition}/${row.offset}`}>${now.row(row).map((cell, index) => html`<td class=${kind === "rejects" && (index === 2 || index === 3) ? "text" : ""}>${cell}</td>`)}</tr>`)}</tbody></table>`}
        <//>
      </div>
    <//>
    ${mended && html`<${Mend} reject=${mended} schema=${schema.data} onClose=${() => setMended(null)} onSent=${(one) => { setSent(one); of.again(); }} />`}`;
}

/** Whether a reject was sent again, and a button that does it. */
function Again({ reject, onMend }) {
  return html`<button class="quiet small mend" onClick=${() => onMend(reject)}>${t("mend")}</button>${reject.replayed_at ? html` <span class="soft">${t("replayed", { at: clock(reject.replayed_at) })}</span>` : ""}`;
}

/** The last day's rejects by reason. */
function Reasons() {
  const of = useData("rejects", 15000);
  const rows = of.data ?? [];
  const top = Math.max(...rows.map((row) => row.count), 1);
  return html`<${Place} of=${of} empty=${rows.length === 0 && t("no_rejects")}>
    <div class="scroll" tabindex="0" role="region" aria-label=${t("reasons_of_day")}><table class="bars reasons"><caption>${t("reasons_of_day")}</caption><thead><tr><th scope="col">${t("was")}</th><th scope="col">${t("topic")}</th><th scope="col">${t("how_many")}</th><th scope="col">${t("for_example")}</th></tr></thead>
    <tbody>${rows.slice(0, 12).map((row) => html`<tr><th scope="row">${code_words(row.code)}</th><td class="mono">${row.topic}</td><td class="bar"><i style=${{ width: `${(100 * row.count) / top}%` }}></i><span class="over">${number(row.count)}${row.replayed ? `, ${t("of_them_replayed", { count: number(row.replayed) })}` : ""}</span></td><td class="text">${row.example}</td></tr>`)}</tbody></table></div>
  <//>`;
}

/** A reject's message, to be mended and sent again. */
function Mend({ reject, schema, onClose, onSent }) {
  const whole = useData(path_of(reject));
  const text = whole.data ? bytes(whole.data.payload_base64) : "";
  const is_short = Boolean(whole.data?.payload_bytes);
  const again = async (form) => {
    // As it came where nothing was changed: bytes that are no text would not come through a text.
    const is_same = form.message === text.replaceAll("\r\n", "\n") || form.message.replaceAll("\r\n", "\n") === text;
    const sent = await send(`${path_of(reject)}/replay${query({ cluster: whole.data.cluster, why: reason(form) })}`, is_same ? undefined : form.message);
    onSent({ ...sent, from: place_of(reject), id: id_in(form.message, schema?.key ?? "id") });
  };
  return html`<${Confirm} title=${t("mend_title", { place: place_of(reject) })} action=${t("send_again")} onDone=${again} onClose=${onClose} isReady=${Boolean(whole.data)} wide>
    <p>${code_words(reject.code)}: ${reject.reason}</p>
    ${is_short && html`<p class="bad">${t("mend_short", { bytes: number(whole.data.payload_bytes) })}</p>`}
    <${Place} of=${whole}><label class="field">${t("message")}<textarea name="message" rows="9" spellcheck="false" class="mono">${text}</textarea></label><//>
    <p class="soft">${t("mend_words", { topic: reject.topic })}</p>
    <${WhoAndWhy} />
  <//>`;
}

/** The fields of a record that have a value. */
function Fields({ of, schema }) {
  const fields = (schema?.fields ?? []).filter((field) => of[field.name] !== null && of[field.name] !== undefined);
  return html`<dl class="record">${fields.map((field) => html`<div><dt>${label(field.name)}</dt><dd>${shown(field, of[field.name])}</dd></div>`)}</dl>`;
}

/** Message → stored row → request → answer → label → error. */
function Life({ id, schema, unit, onClose, onMend }) {
  const of = useData(`records/${encodeURIComponent(id)}`, 5000);
  const life = of.data;
  const is_unknown = life && !life.record && !life.answers.length && !life.labels.length && !life.rejects.length;
  return html`<${Card} wide title=${t("life_of", { id })} aside=${html`<button class="quiet small" onClick=${onClose} aria-label=${t("close")}>✕</button>`} id="life">
    <${Place} of=${of} empty=${is_unknown && t("unknown_id")}>
      ${life && html`<ol class="life">
        ${life.rejects.map((reject) => html`<li class="bad"><h3>${t("was_rejected")} <${Badge} kind="bad">${code_words(reject.code)}<//></h3><p>${reject.reason}</p><p class="soft mono">${reject.topic}/${reject.partition}/${reject.offset} · ${moment(reject.rejected_at)}${reject.replayed_at ? ` · ${t("replayed", { at: moment(reject.replayed_at) })}` : ""}</p>
          <pre>${bytes(reject.payload_base64)}</pre><p><${Again} reject=${{ ...reject, replayed_at: null }} onMend=${onMend} /></p></li>`)}
        ${life.record && html`<li><h3>${t("was_stored")}</h3><p class="soft">${moment(life.record.stored_at)}</p><${Fields} of=${life.record} schema=${schema} /></li>`}
        ${life.answers.map((answer) => html`${answer.request && html`<li><h3>${t("was_asked")}</h3><${Fields} of=${answer.request} schema=${schema} /></li>`}<li><h3>${t("was_answered")}</h3><p><b>${predicted(answer.prediction, schema?.task, unit)}</b> ${answer.low === null ? "" : `(${amount(answer.low, "", 3)} – ${amount(answer.high, "", 3)})`} · ${answer.model}</p><p class="soft">${moment(answer.answered_at)}${answer.request_id.startsWith("http:") ? " · HTTP" : " · Kafka"}</p>
          <details><summary>${t("as_stored")}</summary><pre>${JSON.stringify(JSON.parse(bytes(answer.payload_base64)), null, 2)}</pre></details></li>`)}
        ${life.labels.map((one) => {
          const answer = life.answers.find((own) => own.request_id === one.request_id);
          return html`<li><h3>${t("label_came")}</h3><p><b>${observed(one, unit)}</b>${answer && answer.low !== null && schema?.task === "regression" ? html` · ${t("error_is", { value: signedPercent(answer.prediction / one.actual - 1) })} · ${t(one.actual >= answer.low && one.actual <= answer.high ? "within" : "outside")}` : ""}</p><p class="soft">${moment(one.received_at)}</p></li>`;
        })}
      </ol>`}
    <//>
  <//>`;
}
