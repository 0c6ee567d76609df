// A real Chromium, and what every view has to be in it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { until } from "./quickstart.mjs";

export const SIZES = [[1280, 900], [390, 844]];
/** Where screenshots are left. */
export const out = join(new URL("..", import.meta.url).pathname, "out");
mkdirSync(out, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const began = Date.now();
export const say = (text) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);

function browserPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ["chromium", "chromium-browser", "google-chrome"])
    try {
      return execFileSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
    } catch {
      // The next one.
    }
  throw new Error("found no Chromium in PATH; install the package chromium, or set CHROMIUM");
}

/** What the page complains of, and whom it asks. */
export function watched(page, origin) {
  const found = { complaints: [], strangers: [] };
  page.on("console", (message) => message.type() === "error" && found.complaints.push(message.text()));
  page.on("pageerror", (error) => found.complaints.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith("data:") && !url.startsWith("blob:")) found.strangers.push(url);
  });
  return found;
}

export async function accessible(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.filter((one) => ["serious", "critical"].includes(one.impact)).map((one) => ({ id: one.id, nodes: one.nodes.slice(0, 4).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary?.slice(0, 200)}`) }));
  });
  assert.deepEqual(found, [], `axe-core at ${where}`);
}

export async function fits(page, where) {
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide[0] <= wide[1], `${where} is ${wide[0]} wide, the window ${wide[1]}`);
}

export const settled = (page) => until("no skeleton is left", () => page.evaluate(() => !document.querySelector(".skeleton")), 60_000);
export const open = async (page, url, view) => {
  await page.goto(`${url}/#/${view}`);
  await page.waitForSelector("main h1");
  await settled(page);
};
export const text = (page, selector) => page.textContent(selector);
/** Waits until a text matches: parts of a view come one after the other. */
export async function reads(page, selector, pattern) {
  let last = null;
  const matches = async () => pattern.test((last = await text(page, selector)));
  await until(`${selector} reads ${pattern}`, matches, 60_000).catch(() => assert.match(last ?? "", pattern));
}

export const launched = () => chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });

/** Asked for, filled in, agreed to: the dialog that is open. */
export async function confirmed(page, why, who) {
  await page.fill("dialog input[name=why]", why);
  await page.fill("dialog input[name=who]", who);
  await page.click("dialog .actions button:last-child");
}

/** The same of a training, which is refused while one runs that new records have begun. */
export async function trainingConfirmed(page, why, who) {
  await confirmed(page, why, who);
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const refusal = page.locator("dialog[open] [role=alert]");
    await page.waitForFunction(() => !document.querySelector("dialog[open]") || document.querySelector("dialog[open] [role=alert]"), null, { timeout: 30_000 });
    if (!(await refusal.count())) return;
    assert.match(await refusal.textContent(), /a training is running/);
    await page.waitForTimeout(1000);
    await page.click("dialog .actions button:last-child");
  }
  throw new Error("a training ran for a minute");
}
