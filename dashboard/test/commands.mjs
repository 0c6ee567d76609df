// "Copy as": the commands say what the form says, whatever is typed into it: `node test/commands.mjs`.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { bundled } from "./bundled.mjs";

const { commands } = await bundled("views/price.js");
const field = (name, kind) => ({ name, kind, role: name === "id" ? "key" : "field" });
const schema = { key: "id", fields: [field("id", "text"), field("street", "category"), field("area", "number")] };
// Ends of quotes, of strings and of lines, an expansion, and what an echo would change.
const streets = ["Lenina", "O'Hara", `'''; $(touch hacked) "x" \\n \\\\ %s`, "улица\nБаумана \u{1F3E0}"];
for (const street of streets) {
  const record = { street, area: 54.5 };
  const { curl, python, kcat } = commands(schema, record, "http://127.0.0.1:8083");
  const of = (text) => {
    const { id, ...rest } = JSON.parse(text);
    assert.match(id, /^web-/);
    return rest;
  };
  // A shell in which curl and kcat print what they are given.
  const sent = execFileSync("sh", ["-c", `curl() { while [ "$1" != -d ]; do shift; done; printf %s "$2"; }\n${curl}`], { encoding: "utf8" });
  assert.deepEqual(of(sent), record);
  const published = execFileSync("sh", ["-c", `kcat() { cat; }\n${kcat}`], { encoding: "utf8" });
  assert.deepEqual(of(published), record);
  // One message a line.
  assert.equal(published.indexOf("\n"), published.length - 1);
  const [loading] = python.match(/^record = .*$/m);
  const loaded = execFileSync("python3", ["-c", `import json\n${loading}\nprint(json.dumps(record))`], { encoding: "utf8" });
  assert.deepEqual(of(loaded), record);
}
// Another question has another id: an id that was answered is refused with another record.
const ids = [1, 2].map((area) => JSON.parse(commands(schema, { area }, "").kcat.match(/\{.*\}/)[0]).id);
assert.notEqual(ids[0], ids[1]);
// Where ids are numbers, HTTP gives one, and the topic needs one.
const numbered = { key: "id", asks_for_token: true, fields: [field("id", "integer"), field("area", "number")] };
const { curl, kcat } = commands(numbered, { area: 3 }, "");
assert.ok(!curl.includes('"id"') && curl.includes("Bearer $TOKEN") && /"id":"\d+"/.test(kcat));
console.log("copied commands say what the form says");
