// The web app in a real Chromium on the quickstart's data:
//   node test/run.mjs [path of the program hedonic] [--pictures DIRECTORY]
// Screenshots are left in dashboard/out. `CHROMIUM` names a browser that is not in PATH.
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, chmodSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SIZES, accessible, confirmed, fits, launched, open, out, reads, say, settled, text, trainingConfirmed, watched } from "./browser.mjs";
import { beside, timed } from "./measured.mjs";
import { Quickstart, freePort, pause, until } from "./quickstart.mjs";
import { recipes } from "./recipes.mjs";

const here = new URL("..", import.meta.url).pathname;
const [program = join(here, "../target/release/hedonic"), flag, directory] = process.argv.slice(2);
const pictures = flag === "--pictures" ? directory : null;

const VIEWS = ["overview", "price", "map", "quality", "models", "stream"];
const TOKEN = "a-token-of-the-test";
const EVIL = '<img src=x onerror="window.broken=1">';

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
  await reads(page, "nav", /Обзор/);
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
  await reads(page, "#price", /\d[\d,. \u00a0]*₽/);
  assert.match(page.url(), /city=Kazan/);
  assert.equal(await page.locator("#f-id").count(), 0, "no id is asked for");
  await page.waitForSelector(".comparables tbody tr:nth-child(5)");
  await page.waitForSelector(".waterfall tr:nth-child(5)");
  await reads(page, ".left-out", /assumed/);
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
  await until("another price", async () => (await text(page, "#what-if-price .mid")) !== first);
  await page.waitForSelector(".curve polyline");
  // The link alone reproduces the form and its price.
  const again = await page.context().newPage();
  await again.goto(page.url());
  await again.waitForSelector("#price");
  await until("the street of the link", async () => (await again.inputValue("#f-street")) === "Lenina");
  await again.close();
  // The two prices were asked for in earnest, what the slider asked was not.
  await until("the answer is stored", async () => (await (await fetch(`${url}/newest?limit=200`)).json()).answers.some((one) => one.request_id.startsWith("http:web-")));
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
  await until("it is stored", async () => (await (await fetch(`${url}/records/evil`)).json()).answers.length === 1);
  await open(page, url, "stream?id=evil");
  await page.waitForSelector("#life .life");
  await page.goto(`${url}/#/price?${new URLSearchParams({ city: EVIL, street: EVIL, floor: "1", rooms: "1" })}`);
  await page.waitForSelector("#price");
  await settled(page);
  await page.waitForFunction((evil) => document.querySelector(".known")?.textContent.includes(evil), EVIL);
  assert.equal(await page.evaluate(() => window.broken), undefined);
  say("a street that is a tag stays a text");
}

/** A training is asked for: its progress shows, and the version keeps who asked and why. */
async function trained(page, quickstart) {
  const { url } = quickstart;
  const status = async () => (await (await fetch(`${quickstart.address("training")}/status`)).json());
  await until("no training runs", async () => !(await status()).training);
  await page.waitForSelector("#train:not([disabled])");
  await page.click("#train");
  // Nothing is done before it is said why.
  await page.click("dialog .actions button:last-child");
  assert.equal(await page.locator("dialog[open]").count(), 1);
  await page.waitForSelector(".main-measure:not(:empty)");
  // It may be over before the dialog has closed: whoever looks afterwards sees nothing of it.
  const shown = page.waitForFunction(() => {
    const text = document.querySelector("#progress")?.textContent ?? "";
    return text.includes("listings of a new district (Chromium)") && /To beat: v\d+, Median error/.test(text);
  });
  await Promise.all([trainingConfirmed(page, "listings of a new district", "Chromium"), shown]);
  await page.screenshot({ path: join(out, "training.png"), fullPage: true });
  // New records may begin another training as soon as this one ends: the version tells who asked for it.
  const asked = async (version) => (await (await fetch(`${url}/models/${version}`)).json()).tags?.asked_for;
  const version = await until("a version that was asked for", async () => {
    for (const one of (await (await fetch(`${url}/models`)).json()).models) if ((await asked(one.version)) === "listings of a new district (Chromium)") return one.version;
  });
  await page.waitForSelector(`text=${version} is trained`);
}

async function models(page, quickstart) {
  const { url } = quickstart;
  const versions = async () => (await (await fetch(`${url}/models`)).json()).models;
  const before = (await versions()).length;
  await open(page, url, "models");
  await trained(page, quickstart);
  await until("another version", async () => (await versions()).length > before || before >= 5);
  // What the training has promoted answers a moment later, and the page shows it.
  await until("the champion answers", async () => (await versions()).some((one) => one.serving && one.aliases.includes("champion")));
  const champion = (await versions()).find((one) => one.serving).version;
  await page.waitForFunction(
    (version) => [...document.querySelectorAll(".timeline li")].some((one) => one.textContent.includes(version) && !one.querySelector(".promote")),
    champion,
  );
  await page.waitForSelector(".timeline li:nth-child(2)");
  const button = page.locator(".promote").first();
  await button.waitFor();
  const serving = (await versions()).find((one) => one.serving).version;
  await button.click();
  await page.screenshot({ path: join(out, "promote.png") });
  await confirmed(page, "a test", "Chromium");
  await page.waitForSelector("#swapped");
  await until("another version answers", async () => (await versions()).find((one) => one.serving).version !== serving);
  const { decisions } = await (await fetch(`${url}/models/history`)).json();
  assert.match(decisions.at(-1).why, /a test \(Chromium\)/);
  await page.click("#roll-back");
  await confirmed(page, "back again", "Chromium");
  await until("the version before answers", async () => (await versions()).find((one) => one.serving).version === serving);
  for (const index of [0, 1]) await page.locator(".timeline input[type=checkbox]").nth(index).check();
  await page.waitForSelector("#compare table");
  await page.locator(".timeline button[aria-expanded]").first().click();
  await page.waitForSelector(".details table");
  await page.locator(".details button[aria-expanded]").first().click();
  const report = page.frameLocator("iframe.report");
  await report.locator("section").first().waitFor();
  await accessible(page, "models with details");
  assert.match((await (await fetch(`${url}/models/history`)).json()).decisions.at(-1).why, /back again \(Chromium\)/);
  say("a version is trained, promoted and rolled back, with who and why; two are compared; the report shows");
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
  await until("squares of the largest place", async () => (await page.locator(".places circle.cell").count()) > 5);
  await page.selectOption("#map-colour", "error");
  await page.screenshot({ path: join(out, "map-close.png") });
  await page.selectOption("#map-colour", "price");
  // Answers of one version, and of none that there is.
  const { models } = await (await fetch(`${url}/models`)).json();
  const { version } = models.find((one) => one.serving);
  await page.selectOption("#map-model", `real-estate@${version}`);
  await page.waitForFunction(() => document.querySelector("#map-of").value === "answers");
  const count = async () => Number((await text(page, ".map-view .aside")).replace(/\D/g, ""));
  await until("answers of the version", async () => (await count()) > 0);
  const known = (await (await fetch(`${url}/quality/segments?model=real-estate@${version}`)).json()).reduce((sum, one) => sum + one.answers, 0);
  assert.ok(Math.abs((await count()) - known) <= 0.5 * known + 50, `${await count()} answers are shown, ${known} are known`);
  await page.waitForSelector("#map-few:disabled");
  await page.selectOption("#map-of", "listings");
  await page.selectOption("#map-model", "");
  await page.selectOption("#map-few", "2");
  await page.selectOption("#map-time", "86400");
  await until("fewer listings", async () => (await count()) > 0);
  await page.fill("#find-market", "Kazan");
  await reads(page, "#study h2", /^Kazan$/);
  say(`the map shows ${markets} places, splits as one zooms, and a place leads to its ratio study`);
}

/** A reject is mended and sent again; garbage stays a reject. */
async function replayed(page, url) {
  await open(page, url, "stream?kind=rejects");
  await page.waitForSelector(".reasons tbody tr");
  const rejects = async () => (await (await fetch(`${url}/newest?limit=200`)).json()).rejects;
  const wanted = await until("a request without a field", async () => (await rejects()).find((one) => one.topic === "requests" && one.code === "missing_field" && !one.reason.includes('"id"')), 120_000);
  const payload = JSON.parse(Buffer.from(wanted.payload_base64, "base64").toString());
  const place = `${wanted.topic}/${wanted.partition}/${wanted.offset}`;
  await open(page, url, `stream?kind=rejects&id=${encodeURIComponent(payload.id)}`);
  await page.waitForSelector("#life .mend");
  await page.click("#life .mend");
  await page.waitForSelector("dialog textarea");
  await until("the reject's payload", async () => (await page.inputValue("dialog textarea")).includes(payload.id));
  await accessible(page, "mending a reject");
  // A field may be there without a value.
  const given = Object.entries(payload).filter(([, value]) => value !== null && value !== "");
  const whole = { city: "Kazan", street: "Lenina", floor: 3, rooms: 2, ...Object.fromEntries(given) };
  await page.fill("dialog textarea", JSON.stringify(whole));
  await page.screenshot({ path: join(out, "mend.png") });
  await confirmed(page, "the field was missing", "Chromium");
  await page.waitForSelector("#sent-again");
  await reads(page, "#sent-again", new RegExp(`${place} is mended`));
  await until("it is answered", async () => (await (await fetch(`${url}/records/${payload.id}`)).json()).answers.length === 1);
  await page.click("#sent-again button");
  await page.waitForSelector("#life .life li:nth-child(2)");
  await page.screenshot({ path: join(out, "mended.png"), fullPage: true });
  const marked = await (await fetch(`${url}/rejects/${place}`)).json();
  assert.ok(marked.replayed_at);
  for (const [origin, expected] of [["http://evil.example", 403], [url, 200]]) {
    const reply = await fetch(`${url}/rejects/${place}/replay`, { method: "POST", headers: { origin }, body: "garbage" });
    assert.equal(reply.status, expected, origin);
  }
  await until("garbage is a reject", async () => (await rejects()).some((one) => Buffer.from(one.payload_base64, "base64").toString() === "garbage"));
  say("a reject is mended and sent again, and answered; a page of another site may not; garbage is a reject again");
}

/** What a newcomer wants to know, by clicking alone. */
async function newcomer(page, url) {
  await page.goto(`${url}/`);
  await page.waitForSelector("#changed table");
  await settled(page);
  // Which version answers, and what changed since yesterday?
  await reads(page, ".tiles", /Version that answers\s*v\d+/);
  await reads(page, "#changed", /Listings stored[\s\S]*became champion/);
  // What was rejected?
  await page.click(".tile:has-text('Rejected messages')");
  await page.waitForSelector(".reasons tbody tr");
  await reads(page, "#newest", /not a JSON object[\s\S]*new_data/);
  // Is the model good in my city?
  await page.click("nav a:has-text('Quality')");
  await page.waitForSelector("#is-it-good .note");
  await settled(page);
  await page.fill("#find-market", "Moscow");
  await page.waitForFunction(() => document.querySelector("#is-it-good h2").textContent === "Is it good in Moscow?");
  await reads(page, "#is-it-good .note", /half of the answers|too few|Yes|intervals|all versions/);
  await page.screenshot({ path: join(out, "city.png"), fullPage: true });
  // What does my flat cost, and why?
  await page.click("nav a:has-text('Price my home')");
  await page.click("text=Try an example");
  await page.waitForSelector(".waterfall");
  await reads(page, "#price", /₽/);
  say("a newcomer's five questions are answered by clicking alone");
}

/** The views say so where the service refuses. */
async function refused(context, url) {
  const page = await context.newPage();
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.route((asked) => asked.href.startsWith(url) && !/\/(assets\/.*|events|overview)?$/.test(asked.pathname), (route) => route.fulfill({ status: 503, contentType: "application/json", body: JSON.stringify({ error: "the database is away (no answer in time): ask again" }) }));
  for (const view of VIEWS) {
    await page.goto(`${url}/#/${view}`);
    await page.waitForSelector("main [role=alert]");
    await settled(page);
    await reads(page, "main [role=alert]", /the database is away/);
    await page.screenshot({ path: join(out, `${view}-away.png`), fullPage: true });
  }
  await page.unroute(() => true).catch(() => {});
  await page.close();
  say("each view says what is away, and offers to try again");
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
  // What changes something needs the token too; the page has it.
  for (const path of ["train", "models/rollback", "rejects/requests/0/0/replay"])
    for (const headers of [{}, { authorization: "Bearer a wrong one" }]) assert.equal((await fetch(`${url}/${path}`, { method: "POST", headers })).status, 401, path);
  const training = quickstart.address("training");
  await page.waitForSelector("#train:not([disabled])", { timeout: 60_000 });
  await page.click("#train");
  await trainingConfirmed(page, "with the token", "Chromium");
  await until("it is trained", async () => (await (await fetch(`${training}/status`)).json()).last_training?.why === "with the token (Chromium)", 120_000);
  const elsewhere = await fetch(`${url}/what-if`, { method: "POST", headers: { authorization: `Bearer ${TOKEN}`, origin: "http://evil.example" }, body: "[]" });
  assert.equal(elsewhere.status, 403, "a page of another site");
  await page.close();
  say("the service goes and comes back; a wrong token is refused, the right one is taken");
}

async function told(context, url) {
  const found = await timed(context, url);
  say(`${(found.bytes / 1024).toFixed(1)} KB gzipped; first contentful paint ${Math.round(found.paint)} ms, interactive ${Math.round(found.interactive)} ms, figures within ${Math.round(found.figures)} ms`);
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
  browser = await launched();
  const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce" });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  await page.setViewportSize({ width: 1280, height: 900 });
  const found = watched(page, quickstart.url);
  await told(context, quickstart.url);
  await newcomer(page, quickstart.url);
  await price(page, quickstart.url);
  await map(page, quickstart.url);
  await models(page, quickstart);
  await replayed(page, quickstart.url);
  await refused(context, quickstart.url);
  await eachView(context, quickstart.url);
  await dark(browser, quickstart.url);
  const { alone, ten, rate } = await beside(quickstart.url, 400);
  say(`a price takes ${alone.p50.toFixed(1)} ms (p99 ${alone.p99.toFixed(1)} ms) with no page open, ${ten.p50.toFixed(1)} ms (p99 ${ten.p99.toFixed(1)} ms) beside ten, which ask ${rate.toFixed(1)} times a second`);
  if (pictures) await illustrated(context, quickstart.url);
  await escaped(page, quickstart.url);
  assert.deepEqual(found.complaints, [], "the console");
  assert.deepEqual(found.strangers, [], "requests to others");
  await goneAndBack(context, quickstart);
  await quickstart.stop();
  await recipes(browser, dirname(program));
  say("passed");
} catch (error) {
  console.error(error);
  for (const context of browser?.contexts() ?? [])
    for (const [index, page] of context.pages().entries()) await page.screenshot({ path: join(out, `failed-${index}.png`), fullPage: true }).catch(() => {});
  console.error(quickstart.output.slice(-2000));
  process.exitCode = 1;
} finally {
  await browser?.close();
  await quickstart.stop().catch(() => {}); // It may have left already.
  rmSync(data, { recursive: true, force: true });
}
