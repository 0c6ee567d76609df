// The web app in a real Chromium on the quickstart's data:
//   node test/run.mjs [path of the program hedonic] [--pictures DIRECTORY]
// Screenshots are left in dashboard/out. `CHROMIUM` names a browser that is not in PATH.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, chmodSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { Quickstart, freePort, pause, until } from "./quickstart.mjs";

const here = new URL("..", import.meta.url).pathname;
const [program = join(here, "../target/release/hedonic"), flag, directory] = process.argv.slice(2);
const out = join(here, "out");
const pictures = flag === "--pictures" ? directory : null;
mkdirSync(out, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const VIEWS = ["overview", "price", "map", "quality", "models", "stream"];
const SIZES = [[1280, 900], [390, 844]];
const TOKEN = "a-token-of-the-test";
const EVIL = '<img src=x onerror="window.broken=1">';

const began = Date.now();
const say = (text) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);

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
function watched(page, origin) {
  const found = { complaints: [], strangers: [] };
  page.on("console", (message) => message.type() === "error" && found.complaints.push(message.text()));
  page.on("pageerror", (error) => found.complaints.push(String(error)));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(origin) && !url.startsWith("data:") && !url.startsWith("blob:")) found.strangers.push(url);
  });
  return found;
}

async function accessible(page, where) {
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ["violations"] });
    return violations.filter((one) => ["serious", "critical"].includes(one.impact)).map((one) => ({ id: one.id, nodes: one.nodes.slice(0, 4).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary?.slice(0, 200)}`) }));
  });
  assert.deepEqual(found, [], `axe-core at ${where}`);
}

async function fits(page, where) {
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide[0] <= wide[1], `${where} is ${wide[0]} wide, the window ${wide[1]}`);
}

const settled = (page) => until("no skeleton is left", () => page.evaluate(() => !document.querySelector(".skeleton")), 30_000);
const open = async (page, url, view) => {
  await page.goto(`${url}/#/${view}`);
  await page.waitForSelector("main h1");
  await settled(page);
};
const text = (page, selector) => page.textContent(selector);

async function eachView(context, url) {
  for (const [width, height] of SIZES)
    for (const view of VIEWS) {
      const page = await context.newPage();
      await page.setViewportSize({ width, height });
      const found = watched(page, url);
      await open(page, url, view);
      if (view === "price") {
        await page.click(".price-form button.quiet");
        await page.waitForSelector("#price");
        await page.waitForSelector(".waterfall");
        await page.waitForSelector(".comparables");
        await settled(page);
      }
      if (view === "overview") await page.waitForSelector(".way.live");
      const where = `${view}-${width}`;
      await fits(page, where);
      await accessible(page, where);
      await page.screenshot({ path: join(out, `${where}.png`), fullPage: true });
      assert.deepEqual(found.complaints, [], where);
      assert.deepEqual(found.strangers, [], where);
      await page.close();
    }
  say(`${VIEWS.length} views at ${SIZES.map(([width]) => width).join(" and ")} px: they fit, axe-core finds nothing serious, nothing is asked elsewhere`);
}

async function dark(browser, url) {
  const context = await browser.newContext({ colorScheme: "dark", locale: "ru-RU", viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const found = watched(page, url);
  for (const view of VIEWS) {
    await open(page, url, view);
    await accessible(page, `${view}, dark, Russian`);
    await page.screenshot({ path: join(out, `${view}-dark-ru.png`) });
  }
  assert.equal(await page.evaluate(() => document.documentElement.lang), "ru");
  assert.match(await text(page, "nav"), /Обзор/);
  assert.deepEqual(found.complaints, []);
  await context.close();
  say("dark and in Russian");
}

async function price(page, url) {
  await open(page, url, "price");
  await page.fill("#f-city", "Kazan");
  await page.fill("#f-street", "Lenina");
  await page.fill("#f-floor", "3");
  await page.fill("#f-rooms", "2");
  await page.fill("#f-area", "54");
  const before = await (await fetch(`${url}/newest?limit=100`)).json();
  await page.click(".price-form button[disabled=false], .price-form .actions button:not(.quiet)");
  await page.waitForSelector("#price");
  assert.match(await text(page, "#price"), /\d[\d,. \u00a0]*₽/);
  assert.match(page.url(), /city=Kazan/);
  assert.equal(await page.locator("#f-id").count(), 0, "no id is asked for");
  await page.waitForSelector(".comparables tbody tr:nth-child(5)");
  assert.ok((await page.locator(".waterfall tr").count()) > 4);
  assert.match(await text(page, ".left-out"), /assumed/);
  await settled(page);
  const first = await text(page, "#what-if-price .mid");
  const slider = page.locator("#s-area");
  await slider.scrollIntoViewIfNeeded();
  const box = await slider.boundingBox();
  await page.mouse.move(box.x + box.width * 0.3, box.y + box.height / 2);
  await page.mouse.down();
  for (let step = 0; step < 12; step++) {
    await page.mouse.move(box.x + box.width * (0.3 + step * 0.05), box.y + box.height / 2);
    await pause(30);
  }
  await page.mouse.up();
  await until("another price", async () => (await text(page, "#what-if-price .mid")) !== first, 10_000);
  await page.waitForSelector(".curve polyline");
  // The link alone reproduces the form and its price.
  const again = await page.context().newPage();
  await again.goto(page.url());
  await again.waitForSelector("#price");
  assert.equal(await again.inputValue("#f-street"), "Lenina");
  await again.close();
  // The two prices were asked for in earnest, what the slider asked was not.
  await until("the answer is stored", async () => (await (await fetch(`${url}/newest?limit=200`)).json()).answers.some((one) => one.request_id.startsWith("http:web-")), 20_000);
  const after = await (await fetch(`${url}/newest?limit=200`)).json();
  assert.ok(before.answers.length > 0);
  const asked = after.answers.filter((one) => one.request_id.startsWith("http:web-") && one.segment === "Kazan").length;
  assert.ok(asked <= 4, `${asked} answers are stored: what-if prices must not be`);
  say("a price is asked for, a slider prices as it is dragged, and the link reproduces the form");
}

/** Texts of strangers stay texts. */
async function escaped(page, url) {
  const record = { id: "evil", city: EVIL, street: EVIL, floor: 1, rooms: 1 };
  const reply = await fetch(`${url}/predict`, { method: "POST", body: JSON.stringify(record) });
  assert.equal(reply.status, 200);
  await until("it is stored", async () => (await (await fetch(`${url}/records/evil`)).json()).answers.length === 1, 20_000);
  await open(page, url, "stream?id=evil");
  await page.waitForSelector("#life .life");
  await page.goto(`${url}/#/price?${new URLSearchParams({ city: EVIL, street: EVIL, floor: "1", rooms: "1" })}`);
  await page.waitForSelector("#price");
  await settled(page);
  await page.waitForFunction((evil) => document.querySelector(".known")?.textContent.includes(evil), EVIL);
  assert.equal(await page.evaluate(() => window.broken), undefined);
  say("a street that is a tag stays a text");
}

async function models(page, quickstart) {
  const { url } = quickstart;
  const versions = async () => (await (await fetch(`${url}/models`)).json()).models;
  if ((await versions()).length < 2) await fetch(`${quickstart.address("training")}/train`, { method: "POST" });
  await until("a second version", async () => (await versions()).length >= 2);
  await open(page, url, "models");
  await page.waitForSelector(".timeline li:nth-child(2)");
  const button = page.locator(".promote").first();
  await button.waitFor();
  const serving = (await versions()).find((one) => one.serving).version;
  await button.click();
  await page.fill("dialog input[name=why]", "a test");
  await page.fill("dialog input[name=who]", "Chromium");
  await page.screenshot({ path: join(out, "promote.png") });
  await page.click("dialog .actions button:last-child");
  await page.waitForSelector("#swapped");
  await until("another version answers", async () => (await versions()).find((one) => one.serving).version !== serving);
  const { decisions } = await (await fetch(`${url}/models/history`)).json();
  assert.match(decisions.at(-1).why, /a test \(Chromium\)/);
  await page.click("#roll-back");
  await page.fill("dialog input[name=why]", "back again");
  await page.click("dialog .actions button:last-child");
  await until("the version before answers", async () => (await versions()).find((one) => one.serving).version === serving);
  for (const index of [0, 1]) await page.locator(".timeline input[type=checkbox]").nth(index).check();
  await page.waitForSelector("#compare table");
  await page.locator(".timeline button[aria-expanded]").first().click();
  await page.waitForSelector(".details table");
  await page.locator(".details button[aria-expanded]").first().click();
  const report = page.frameLocator("iframe.report");
  await report.locator("section").first().waitFor();
  await accessible(page, "models with details");
  say("a version is promoted and rolled back, with who and why; two are compared; the report shows");
}

async function map(page, url) {
  await open(page, url, "map");
  await page.waitForSelector(".places circle");
  const markets = await page.locator(".places circle").count();
  assert.ok(markets > 20, `${markets} places`);
  await page.locator('.places circle[role="button"]').first().focus();
  await page.keyboard.press("Enter");
  await page.waitForSelector("#study");
  await page.click(".zoom button:first-child");
  await page.click(".zoom button:last-child");
  const box = await page.locator('.places circle[role="button"]').first().boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  for (let times = 0; times < 14; times++) {
    await page.mouse.wheel(0, -100);
    await pause(60);
  }
  await until("squares of the largest place", async () => (await page.locator(".places circle.cell").count()) > 5, 15_000);
  await page.selectOption(".filters select >> nth=2", "error");
  await page.screenshot({ path: join(out, "map-close.png") });
  say(`the map shows ${markets} places, splits as one zooms, and a place leads to its ratio study`);
}

/** The service goes, the page says so; it comes back and asks for a token. */
async function goneAndBack(context, quickstart) {
  const { url } = quickstart;
  const page = await context.newPage();
  await page.setViewportSize({ width: 1280, height: 900 });
  await open(page, url, "overview");
  await page.waitForSelector(".way.live");
  await quickstart.stop();
  await page.waitForSelector(".way.lost", { timeout: 30_000 });
  await page.screenshot({ path: join(out, "gone.png") });
  await quickstart.start([`applier.token=${TOKEN}`]);
  await page.waitForSelector("dialog[open] input[name=token]", { timeout: 60_000 });
  await page.fill("dialog input[name=token]", "a wrong one");
  await page.click("dialog .actions button:last-child");
  await page.waitForFunction(() => sessionStorage.getItem("hedonic-token") === "a wrong one" && document.querySelector("dialog[open] input[name=token]"));
  const reply = await fetch(`${url}/models/rollback`, { method: "POST", headers: { authorization: "Bearer a wrong one" } });
  assert.equal(reply.status, 401);
  await page.fill("dialog input[name=token]", TOKEN);
  await page.click("dialog .actions button:last-child");
  await page.waitForSelector(".way.live", { timeout: 30_000 });
  await settled(page);
  await open(page, url, "models");
  await page.waitForSelector(".timeline li");
  const elsewhere = await fetch(`${url}/what-if`, { method: "POST", headers: { authorization: `Bearer ${TOKEN}`, origin: "http://evil.example" }, body: "[]" });
  assert.equal(elsewhere.status, 403, "a page of another site");
  await page.close();
  say("the service goes and comes back; a wrong token is refused, the right one is taken");
}

async function timed(context, url) {
  const page = await context.newPage();
  await page.goto(`${url}/`);
  await page.waitForSelector(".tiles .figure");
  const found = await page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
    interactive: performance.getEntriesByType("navigation")[0].domInteractive,
    figures: performance.now(),
  }));
  say(`first contentful paint ${Math.round(found.paint)} ms, interactive ${Math.round(found.interactive)} ms, figures within ${Math.round(found.figures)} ms`);
  await page.close();
}

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];

/** How long prices take, in milliseconds, one after the other. */
async function latencies(url, label) {
  const took = [];
  for (let index = 0; index < 400; index++) {
    const record = { id: `latency-${label}-${index}`, city: "Kazan", street: "Lenina", floor: 3, rooms: 2, area: 40 + (index % 60) };
    const began = performance.now();
    const reply = await fetch(`${url}/predict`, { method: "POST", body: JSON.stringify(record) });
    assert.equal(reply.status, 200);
    await reply.arrayBuffer();
    took.push(performance.now() - began);
  }
  took.sort((one, other) => one - other);
  return [quantile(took, 0.5), quantile(took, 0.99)].map((ms) => ms.toFixed(1));
}

/** Prices beside ten open pages: what these ask for, without the browser that would take the processor. */
async function beside(url) {
  const alone = await latencies(url, "alone");
  const stop = new AbortController();
  const { signal } = stop;
  let asked = 0;
  const every = async (path, ms) => {
    while (!signal.aborted) {
      const reply = await fetch(`${url}/${path}`, { signal });
      assert.ok(reply.ok, `${path}: ${reply.status}`);
      await reply.arrayBuffer();
      asked += 1;
      await pause(ms);
    }
  };
  const events = async () => {
    const reply = await fetch(`${url}/events`, { signal });
    for await (const part of reply.body) asked += part.length > 0 ? 1 : 0;
  };
  const quiet = (error) => {
    if (!signal.aborted) throw error;
  };
  const pages = Array.from({ length: 10 }, () => [events(), every("newest?limit=40", 2500), every("models", 5000), every("quality?window=24h", 15_000), every("market", 20_000)]).flat().map((one) => one.catch(quiet));
  await pause(1500);
  const began = performance.now();
  const before = asked;
  const ten = await latencies(url, "ten");
  const rate = ((asked - before) / (performance.now() - began)) * 1000;
  stop.abort();
  await Promise.all(pages);
  say(`a price takes ${alone[0]} ms (p99 ${alone[1]} ms) with no page open, ${ten[0]} ms (p99 ${ten[1]} ms) beside ten, which ask ${rate.toFixed(1)} times a second`);
}

async function illustrated(context, url) {
  const page = await context.newPage();
  await page.setViewportSize({ width: 1200, height: 760 });
  const take = (name) => page.screenshot({ path: join(pictures, `dashboard-${name}.jpg`), type: "jpeg", quality: 62 });
  mkdirSync(pictures, { recursive: true });
  await open(page, url, "price?city=Kazan&street=Lenina&floor=3&rooms=2&area=54");
  await page.waitForSelector(".comparables");
  await settled(page);
  await take("price");
  for (const view of ["overview", "map", "quality", "models"]) {
    await open(page, url, view);
    await pause(1200);
    await take(view);
  }
  await page.close();
}

const data = mkdtempSync(join(tmpdir(), "hedonic-dashboard-"));
chmodSync(data, 0o755); // PostgreSQL runs as another user where this one is root.
const quickstart = new Quickstart(program, data, await freePort());
let browser;
try {
  await quickstart.start();
  say(`the quickstart answers at ${quickstart.url}`);
  browser = await chromium.launch({ executablePath: browserPath(), args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce" });
  context.setDefaultTimeout(30_000);
  const page = await context.newPage();
  await page.setViewportSize({ width: 1280, height: 900 });
  const found = watched(page, quickstart.url);
  await timed(context, quickstart.url);
  await price(page, quickstart.url);
  await map(page, quickstart.url);
  await models(page, quickstart);
  await eachView(context, quickstart.url);
  await dark(browser, quickstart.url);
  await beside(quickstart.url);
  if (pictures) await illustrated(context, quickstart.url);
  await escaped(page, quickstart.url);
  assert.deepEqual(found.complaints, [], "the console");
  assert.deepEqual(found.strangers, [], "requests to others");
  await goneAndBack(context, quickstart);
  say("passed");
} catch (error) {
  console.error(error);
  for (const context of browser?.contexts() ?? [])
    for (const [index, page] of context.pages().entries()) await page.screenshot({ path: join(out, `failed-${index}.png`), fullPage: true }).catch(() => {});
  console.error(quickstart.output.slice(-2000));
  process.exitCode = 1;
} finally {
  await browser?.close();
  await quickstart.stop().catch(() => {});
  rmSync(data, { recursive: true, force: true });
}
