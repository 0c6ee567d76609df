// Texts and numbers in the reader's language: one file of messages a language.
import en from "./messages/en.json";
import ru from "./messages/ru.json";

const LANGUAGES = { en, ru };
const KEY = "hedonic-language";

function chosen() {
  const kept = localStorage.getItem(KEY);
  if (kept in LANGUAGES) return kept;
  return navigator.languages.map((one) => one.slice(0, 2)).find((one) => one in LANGUAGES) ?? "en";
}

export let language = chosen();
document.documentElement.lang = language;
export const languages = Object.keys(LANGUAGES);
export function speak(one) {
  language = one;
  localStorage.setItem(KEY, one);
  document.documentElement.lang = one;
}

/** The text of a key, with `{name}` filled in. */
export function t(key, values = {}) {
  const text = LANGUAGES[language][key] ?? en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
}

const has = (key) => key in LANGUAGES[language] || key in en;

/** What a field is called. */
export function label(name) {
  const key = `field.${name}`;
  if (has(key)) return t(key);
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** A level of a category, such as a building's material. */
export const level = (value) => (has(`level.${value}`) ? t(`level.${value}`) : String(value));

const locale = () => (language === "ru" ? "ru-RU" : "en-GB");

export function number(value, digits = 0) {
  if (value === null || value === undefined || !Number.isFinite(Number(value))) return "–";
  return Number(value).toLocaleString(locale(), { maximumFractionDigits: digits });
}

/** As many digits as say something. */
export function about(value, digits = 3) {
  if (!Number.isFinite(Number(value))) return "–";
  return Number(value).toLocaleString(locale(), { maximumSignificantDigits: digits });
}

const CURRENCIES = ["₽", "$", "€", "£", "RUB", "USD", "EUR"];

/** A value in the target's unit; four digits say enough. */
export function amount(value, unit, digits = 4) {
  if (value === null || value === undefined) return "–";
  const is_money = CURRENCIES.includes(unit);
  const text = Math.abs(value) >= 1000 ? about(value, digits) : number(value, is_money ? 0 : 2);
  return unit ? `${text}\u00a0${unit}` : text;
}

export const signed = (value, unit, digits = 3) => (value > 0 ? "+" : value < 0 ? "−" : "") + amount(Math.abs(value), unit, digits);

export function percent(share, digits = 1) {
  if (share === null || share === undefined || !Number.isFinite(Number(share))) return "–";
  return `${number(100 * share, digits)}\u00a0%`;
}

export const signedPercent = (share, digits = 1) => (share > 0 ? "+" : share < 0 ? "−" : "") + percent(Math.abs(share), digits);

/** An answer as its task has it: a price, how likely it is of the class, or a cluster. */
export function predicted(prediction, task, unit) {
  if (task === "classification") return percent(prediction);
  if (task === "clustering") return t("cluster", { number: number(prediction) });
  return amount(prediction, unit);
}

const as_date = (when) => (typeof when === "number" ? new Date(when) : new Date(String(when).replace(" ", "T")));

export const date = (when) => (when ? as_date(when).toLocaleDateString(locale(), { day: "numeric", month: "short", year: "numeric" }) : "–");
export const moment = (when) =>
  when ? as_date(when).toLocaleString(locale(), { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", second: "2-digit" }) : "–";
export const clock = (when) => (when ? as_date(when).toLocaleTimeString(locale()) : "–");

/** A length of time in words, such as "3 min". */
export function span(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const [unit, size] = units.find(([, size]) => seconds >= size) ?? ["second", 1];
  const many = seconds < 10 && unit === "second" ? Math.round(seconds * 10) / 10 : Math.round(seconds / size);
  return many.toLocaleString(locale(), { style: "unit", unit, unitDisplay: "short" });
}

export const age = (when) => span(Math.max(0, (Date.now() - as_date(when).getTime()) / 1000));
