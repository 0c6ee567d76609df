// Texts are complete: every key in every language's file, with the same places to fill in, and no key that no
// source asks for. `node test/messages.mjs` needs nothing installed.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const source = new URL("../src/", import.meta.url).pathname;
const messages = Object.fromEntries(readdirSync(join(source, "messages")).map((name) => [name.replace(".json", ""), JSON.parse(readFileSync(join(source, "messages", name), "utf8"))]));
assert.deepEqual(Object.keys(messages).sort(), ["en", "ru"]);

const { en } = messages;
// A language writes a name in the middle of a sentence small, or as it stands.
const places = (text) => [...new Set(text.replaceAll("{lower}", "{field}").match(/\{\w+\}/g) ?? [])].sort();
for (const [language, texts] of Object.entries(messages)) {
  const missing = Object.keys(en).filter((key) => !(key in texts));
  const unknown = Object.keys(texts).filter((key) => !(key in en));
  assert.deepEqual({ missing, unknown }, { missing: [], unknown: [] }, `keys of ${language}.json`);
  for (const [key, text] of Object.entries(texts)) {
    assert.ok(text.trim(), `${language}.json: ${key} is empty`);
    assert.deepEqual(places(text), places(en[key]), `${language}.json: what is filled into ${key}`);
  }
}

// A Russian text is one: letters of another script alone are names.
const NAMES = /^[\s\d%.,:()²…–—-]*((AUC|COD|PRD|PRB|IAAO|R|F1|RMSE|PIT|id|PostgreSQL|Kafka|curl|Python|kcat|English|Hedonic|Brier|HTTP)[\s\d%.,:()²…–—-]*)*$/;
const foreign = Object.entries(messages.ru).filter(([, text]) => {
  const words = text.replace(/\{\w+\}/g, "");
  return !/[а-яё]/i.test(words) && !NAMES.test(words);
});
assert.deepEqual(foreign, [], "ru.json: texts without a Russian word");

// What sources ask for: t("key") as it stands, and t(`start.${…}`) by its start.
const directories = [source, join(source, "views")];
const sources = directories.flatMap((directory) => readdirSync(directory).filter((name) => name.endsWith(".js")).map((name) => join(directory, name)));
const text = sources.map((name) => readFileSync(name, "utf8")).join("\n");
const asked = [...text.matchAll(/\bt\(\s*"([^"]+)"/g)].map((found) => found[1]);
assert.deepEqual([...new Set(asked)].filter((key) => !(key in en)), [], "keys that sources ask for");
const starts = [...text.matchAll(/`([a-z_]+[._])\$\{/g)].map((found) => found[1]);
const strings = new Set([...text.matchAll(/"([\w.]+)"/g)].map((found) => found[1]));
// Names of fields and levels are those of schemas.
const is_used = (key) => strings.has(key) || starts.some((start) => key.startsWith(start)) || /^(field|level)\./.test(key);
assert.deepEqual(Object.keys(en).filter((key) => !is_used(key)), [], "keys that no source asks for");
console.log(`${Object.keys(en).length} texts in ${Object.keys(messages).join(" and ")}`);
