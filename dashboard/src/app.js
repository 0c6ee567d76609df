// The shell: views, language, theme, token, and whether the service can be reached.
import { render } from "preact";
import { useEffect, useState } from "preact/hooks";
import { asked, hasToken, setToken } from "./api.js";
import { follow } from "./live.js";
import { Confirm, html, useHash, useLive } from "./ui.js";
import { language, languages, speak, t } from "./words.js";
import { MapView } from "./views/map.js";
import { ModelsView } from "./views/models.js";
import { OverviewView } from "./views/overview.js";
import { PriceView } from "./views/price.js";
import { QualityView } from "./views/quality.js";
import { StreamView } from "./views/stream.js";
import "uplot/dist/uPlot.min.css";
import "./app.css";

const VIEWS = { overview: OverviewView, price: PriceView, map: MapView, quality: QualityView, models: ModelsView, stream: StreamView };
const THEMES = ["auto", "light", "dark"];

function themed(theme) {
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  localStorage.setItem("hedonic-theme", theme);
}

function Token({ onClose }) {
  return html`<${Confirm} title=${t("token_title")} action=${t("token_use")} onClose=${onClose} onDone=${async (form) => { setToken(form.token); location.reload(); }}>
    <p>${t("token_words")}</p>
    <label class="field">${t("token")}<input name="token" type="password" autocomplete="current-password" /></label>
  <//>`;
}

function App() {
  const { view, search } = useHash();
  const { way, overview } = useLive();
  const [spoken, setSpoken] = useState(language);
  const [theme, setTheme] = useState(localStorage.getItem("hedonic-theme") ?? "auto");
  const [isAsked, setAsked] = useState(false);
  const View = VIEWS[view] ?? OverviewView;
  const shown = view in VIEWS ? view : "overview";
  useEffect(() => {
    asked.forToken = () => setAsked(true);
  }, []);
  useEffect(() => themed(theme), [theme]);
  useEffect(() => {
    document.title = `${name(shown)} · Hedonic`;
  });
  const say = (event) => {
    speak(event.target.value);
    setSpoken(event.target.value);
  };
  // "Price my home" is said of homes; a schema of other things prices, or tells classes or clusters.
  const status = overview?.status;
  const name = (one) => {
    if (one !== "price" || !status?.model || status.model.startsWith("real-estate@")) return t(`view.${one}`);
    return t(status.holdout_mdape === null ? "view.ask" : "view.price_it");
  };
  const skip = (event) => {
    event.preventDefault();
    document.getElementById("main").focus();
  };
  return html`<div class="shell">
    <a class="skip" href="#main" onClick=${skip}>${t("skip")}</a>
    <header class="top">
      <a class="brand" href="#/overview"><img src="assets/icon.svg" width="26" height="26" alt="" /> Hedonic</a>
      <nav aria-label=${t("views")}>${Object.keys(VIEWS).map((one) => html`<a href=${`#/${one}`} aria-current=${one === shown ? "page" : undefined}>${name(one)}</a>`)}</nav>
      <div class="tools">
        <span class=${`way ${way}`} role="status" title=${t(`way.${way}`)}><i></i><span>${t(`way.${way}`)}</span></span>
        <select aria-label=${t("language")} value=${spoken} onChange=${say}>${languages.map((one) => html`<option value=${one}>${one.toUpperCase()}</option>`)}</select>
        <select aria-label=${t("theme")} value=${theme} onChange=${(event) => setTheme(event.target.value)}>${THEMES.map((one) => html`<option value=${one}>${t(`theme.${one}`)}</option>`)}</select>
        <button class="quiet small" onClick=${() => setAsked(true)}>${hasToken() ? t("token_set") : t("token")}</button>
      </div>
    </header>
    ${way === "lost" && html`<p class="lost" role="alert">${t("lost")}</p>`}
    <main id="main" tabindex="-1"><h1>${name(shown)}</h1><${View} key=${`${shown}-${spoken}`} search=${search} /></main>
    <footer>${overview?.status?.model ?? ""} · <a href="openapi.json">openapi.json</a> · <a href="status">status</a> · <a href="metrics">metrics</a> · <a href="assets/licences.txt">${t("licences")}</a></footer>
    ${isAsked && html`<${Token} onClose=${() => setAsked(false)} />`}
  </div>`;
}

render(html`<${App} />`, document.getElementById("app"));
follow();
