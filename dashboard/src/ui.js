// The pieces that all views share.
import { h } from "preact";
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import htm from "htm";
import { get } from "./api.js";
import { now, watch } from "./live.js";
import { label, level, number, percent, t } from "./words.js";

export const html = htm.bind(h);

const NOTHING_YET = { data: null, error: null, isLoading: true };

/**
 * What a path gives: `{data, error, isLoading, again}`; asked for anew every so often. What another path gave is
 * not shown for it, but where it `keeps` that until it knows better, as a map does.
 */
export function useData(path, everyMs = 0, keeps = false) {
  const [state, set] = useState({ ...NOTHING_YET, path });
  const [round, setRound] = useState(0);
  useEffect(() => {
    if (!path) return undefined;
    const stop = new AbortController();
    let timer;
    const look = async () => {
      try {
        const data = await get(path, stop.signal);
        set({ data, error: null, isLoading: false, path });
      } catch (error) {
        if (stop.signal.aborted) return;
        set((before) => ({ data: keeps || before.path === path ? before.data : null, error, isLoading: false, path }));
      }
      if (everyMs && !stop.signal.aborted) timer = setTimeout(look, document.hidden ? everyMs * 4 : everyMs);
    };
    look();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [path, everyMs, round]);
  const again = useCallback(() => setRound((before) => before + 1), []);
  return { ...(keeps || state.path === path ? state : NOTHING_YET), again };
}

export function useLive() {
  const [state, set] = useState(now());
  useEffect(() => watch(set), []);
  return state;
}

/** A place with its loading, error and empty states. */
export function Place({ of, empty, children }) {
  if (of.data === null && of.isLoading) return html`<div class="skeleton" role="status"><span class="sr">${t("loading")}</span></div>`;
  if (of.data === null)
    return html`<div class="note bad" role="alert">
      <p>${t("not_available")} ${of.error?.message}</p>
      <button class="quiet" onClick=${of.again}>${t("try_again")}</button>
    </div>`;
  const stale = of.error && html`<p class="note warn" role="status">${t("not_refreshed")} ${of.error.message}</p>`;
  return html`${stale}${empty ? html`<p class="note">${empty}</p>` : children}`;
}

export function Card({ title, aside, children, wide, id }) {
  return html`<section class=${`card${wide ? " wide" : ""}`} id=${id}>
    ${title && html`<header><h2>${title}</h2>${aside && html`<div class="aside">${aside}</div>`}</header>`}
    ${children}
  </section>`;
}

/** A line of values without axes; its text says what it shows. */
export function Spark({ values, text }) {
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return html`<div class="spark"></div>`;
  const [width, height] = [120, 28];
  // One spike, such as the history at the start, does not flatten the rest.
  const sorted = [...known].sort((one, other) => one - other);
  const top = Math.min(sorted[sorted.length - 1], 3 * sorted[Math.floor(0.9 * (sorted.length - 1))] || Infinity) || 1e-9;
  const at = (value, index) => `${((index * width) / (values.length - 1)).toFixed(1)},${(height - 2 - ((height - 4) * Math.min(value, top)) / top).toFixed(1)}`;
  const points = values.map((value, index) => at(value ?? 0, index));
  return html`<svg class="spark" viewBox=${`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label=${text}>
    <polygon points=${`0,${height} ${points.join(" ")} ${width},${height}`} class="area" />
    <polyline points=${points.join(" ")} class="line" />
  </svg>`;
}

/** Asks before something is done. `onDone` takes what the form holds and may throw. */
export function Confirm({ title, children, action, onDone, onClose, isReady = true, wide }) {
  const dialog = useRef(null);
  const [error, setError] = useState(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => {
    dialog.current.showModal();
  }, []);
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      await onDone(Object.fromEntries(new FormData(event.target)));
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  };
  return html`<dialog ref=${dialog} class=${wide ? "wide" : undefined} onClose=${onClose} aria-labelledby="dialog-title">
    <form onSubmit=${submit}>
      <h2 id="dialog-title">${title}</h2>
      ${children}
      ${error && html`<p class="bad" role="alert">${error.message}</p>`}
      <div class="actions">
        <button type="button" class="quiet" onClick=${onClose}>${t("cancel")}</button>
        <button disabled=${isBusy || !isReady}>${action}</button>
      </div>
    </form>
  </dialog>`;
}

/** Who asks for something, and why: both are recorded. */
export function WhoAndWhy() {
  return html`<label class="field">${t("why")}<input name="why" required maxlength="150" /></label>
    <label class="field">${t("who")}<input name="who" required maxlength="40" autocomplete="name" /></label>`;
}

/** As one text, as the registry keeps it. */
export function reason(form) {
  const who = form.who?.trim();
  return `${form.why.trim()}${who ? ` (${who})` : ""}`;
}

/** IAAO's bands of the ratio study. */
const IAAO = { median_ratio: [0.9, 1.1], cod: [5, 15], prd: [0.98, 1.03] };
/** Fewer prices give a rough figure. */
const ROUGH = 30;

/** What all versions together came to in a market, where one alone has too few known prices. */
export function Together({ row }) {
  if (!row?.labelled) return null;
  return html`<p>${t(row.labelled < ROUGH ? "together_rough" : "together", { error: percent(row.mdape), coverage: percent(row.coverage), count: number(row.labelled) })}</p>
    <table class="data narrow"><thead><tr><th scope="col">${t("measure")}</th><th scope="col" class="num">${t("value")}</th><th scope="col" class="num">${t("band_short")}</th></tr></thead>
    <tbody>${Object.entries(IAAO).map(([key, [low, high]]) => html`<tr><th scope="row" title=${t(`about_measure.${key}`)}>${t(`measure.${key}`)}</th><td class=${`num ${row.labelled >= ROUGH && (row[key] < low || row[key] > high) ? "bad-text" : ""}`}>${number(row[key], key === "cod" ? 1 : 3)}</td><td class="num">${number(low, 2)} – ${number(high, 2)}</td></tr>`)}</tbody></table>`;
}

/** A market by its name, with those that are known below it. */
export function FindMarket({ field, names, value, onPick }) {
  const [typed, setTyped] = useState(value ?? "");
  useEffect(() => setTyped(value ?? ""), [value]);
  const pick = (event) => {
    const text = event.target.value.trim().toLowerCase();
    setTyped(event.target.value);
    if (text === "") return onPick("");
    const found = names.find((name) => name.toLowerCase() === text || level(name).toLowerCase() === text);
    if (found) onPick(found);
    else if (event.type === "change") {
      const begins = names.filter((name) => level(name).toLowerCase().startsWith(text));
      if (begins.length === 1) onPick(begins[0]);
    }
  };
  return html`<label>${field ? label(field) : t("segment")} <input id="find-market" list="markets" value=${typed} onInput=${pick} onChange=${pick} placeholder=${t("find_market_hint", { example: names[0] ? level(names[0]) : "" })} autocomplete="off" /></label>
    <datalist id="markets">${[...names].sort().map((name) => html`<option value=${level(name)}></option>`)}</datalist>`;
}

export function Copy({ text, children }) {
  const [done, set] = useState(false);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Not a secure context: the older way.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    set(true);
    setTimeout(() => set(false), 1500);
  };
  return html`<button type="button" class="quiet" onClick=${copy}>${done ? t("copied") : children}</button><span class="sr" role="status">${done ? t("copied") : ""}</span>`;
}

export function Badge({ kind, children }) {
  return html`<span class=${`badge ${kind ?? ""}`}>${children}</span>`;
}

/** The values behind `#/view?…`. */
export function useHash() {
  const read = () => {
    const [path, search] = location.hash.replace(/^#\/?/, "").split("?");
    return { view: path || "overview", search: new URLSearchParams(search ?? "") };
  };
  const [hash, set] = useState(read());
  useEffect(() => {
    const changed = () => set(read());
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return hash;
}
