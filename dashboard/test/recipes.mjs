// Classes, several classes and clusters: the services of docs/recipes on the embedded servers, and the same views in Chromium.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SIZES, accessible, fits, open, out, reads, say, settled, text, watched } from "./browser.mjs";
import { freePort, pause, until } from "./quickstart.mjs";
import { trainingWatched } from "./training.mjs";

const root = new URL("../..", import.meta.url).pathname;
const ROWS = 1500;
/** Recipes whose records are those of another. */
const MADE_BY = { scores: "wine" };
/** Settings that make a training long enough to be watched. */
const SLOW = { scores: [], wine: ["prepare.folds=20", "prepare.threads=1"], food: ["prepare.clustering.starts=300", "prepare.threads=1"] };

/** The four services with the settings of a recipe. */
class Recipe {
  constructor(programs, name) {
    Object.assign(this, { programs, name, children: [], data: mkdtempSync(join(tmpdir(), `hedonic-${name}-`)) });
    chmodSync(this.data, 0o755); // PostgreSQL runs as another user where this one is root.
    this.csv = join(this.data, "records.csv");
    this.config = join(root, `config/${name}.toml`);
  }

  program = (name) => join(this.programs, name);

  settings = () => ["--set", `registry.path=${join(this.data, "models")}`];

  environment() {
    const text = readFileSync(join(this.data, "servers.env"), "utf8");
    const found = [...text.matchAll(/^export (\w+)='(.*)'$/gm)].map(([, name, value]) => [name, value]);
    return { ...process.env, ...Object.fromEntries(found), HEDONIC_CONFIG: this.config };
  }

  begin(name, options, env = process.env) {
    const log = openSync(join(this.data, `${name}.log`), "a");
    const child = spawn(this.program(name), options, { cwd: root, env, stdio: ["ignore", log, log] });
    child.left = new Promise((done) => child.on("exit", done));
    this.children.push(child);
  }

  run(name, options) {
    try {
      return execFileSync(this.program(name), options, { cwd: root, env: this.environment(), encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], timeout: 300_000 });
    } catch (error) {
      throw new Error(`${name} ${options.join(" ")}: ${error.stderr ?? error.message}`);
    }
  }

  async start() {
    writeFileSync(this.csv, execFileSync("awk", ["-v", `rows=${ROWS}`, "-f", join(root, `docs/recipes/${MADE_BY[this.name] ?? this.name}.awk`)], { maxBuffer: 64 << 20 }));
    if (this.name === "scores") this.describeScores();
    this.begin("hedonic", ["--servers-only", "--data-dir", this.data]);
    await until("the embedded servers", () => existsSync(join(this.data, "servers.env")));
    const env = this.environment();
    this.url = `http://127.0.0.1:${await freePort()}`;
    this.begin("data-loader", ["--http", "127.0.0.1:0"], env);
    this.trainer = `http://127.0.0.1:${await freePort()}`;
    this.begin("model-application", [...this.settings(), "--set", `dashboard.training=${this.trainer}`, "--http", this.url.slice(7)], env);
    this.run("producer-emulator", ["replay", this.csv]);
    this.run("model-prepare", ["--data", this.csv, ...this.settings()]);
    const slow = SLOW[this.name].flatMap((one) => ["--set", one]);
    this.begin("model-prepare", ["serve", "--http", this.trainer.slice(7), ...this.settings(), ...slow], env);
    await until("a model that answers", async () => {
      const reply = await fetch(`${this.url}/health/ready`).catch(() => null);
      return reply?.ok && (await (await fetch(`${this.url}/status`)).json()).model;
    });
    await until("records are stored", async () => {
      const reply = await fetch(`${this.url}/schema`);
      return reply.ok && (await reply.json()).stored?.rows > ROWS / 2;
    });
  }

  /** The schema of docs/recipes/wine.md whose classes are all scores, and settings with it. */
  describeScores() {
    const schema = join(this.data, "scores.toml");
    const [head, target] = readFileSync(join(root, "schemas/wine.toml"), "utf8").split('name = "quality"');
    const scored = target.replace("integer", "category").replace(/^(min|max) .*\n/gm, "");
    writeFileSync(schema, `${head.replace(/^\[class\]\n(.+\n)+/m, "")}name = "quality"${scored}`);
    const settings = readFileSync(join(root, "config/wine.toml"), "utf8").split("[prepare]")[0];
    this.config = join(this.data, "settings.toml");
    writeFileSync(this.config, settings.replace(/^source = .*/m, `source = ${JSON.stringify(schema)}`));
  }

  async stop() {
    // The servers last: whoever stores has them until then.
    for (const child of [...this.children].reverse()) {
      child.kill("SIGINT");
      const end = setTimeout(() => child.kill("SIGKILL"), 15_000);
      await child.left;
      clearTimeout(end);
    }
    rmSync(this.data, { recursive: true, force: true });
  }

  logs = () => ["data-loader", "model-application", "model-prepare"].map((name) => (existsSync(join(this.data, `${name}.log`)) ? readFileSync(join(this.data, `${name}.log`), "utf8").slice(-1500) : "")).join("\n");
}

async function eachView(context, recipe, ofAnswer) {
  for (const [width, height] of SIZES)
    for (const view of ["overview", "price", "map", "quality", "models", "stream?kind=listings"]) {
      const page = await context.newPage();
      await page.setViewportSize({ width, height });
      const found = watched(page, recipe.url);
      await open(page, recipe.url, view);
      const where = `${recipe.name}-${view.split("?")[0]}-${width}`;
      if (view === "price") {
        await page.click(".price-form button.quiet");
        await page.waitForSelector("#price");
        await settled(page);
        await ofAnswer(page);
      }
      await fits(page, where);
      await accessible(page, where);
      await page.screenshot({ path: join(out, `${where}.png`), fullPage: true });
      assert.deepEqual(found.complaints, [], where);
      assert.deepEqual(found.strangers, [], where);
      await page.close();
    }
}

/** A slider moves what stands above it. */
async function dragged(page) {
  const first = await text(page, "#what-if-price .mid");
  const sliders = page.locator(".slider input");
  for (let index = 0; index < (await sliders.count()); index++)
    for (const share of [0.05, 0.95]) {
      const slider = sliders.nth(index);
      await slider.scrollIntoViewIfNeeded();
      const box = await slider.boundingBox();
      await page.mouse.click(box.x + box.width * share, box.y + box.height / 2);
      const moved = async () => (await text(page, "#what-if-price .mid")) !== first;
      if (await until("another price", moved, 3000).catch(() => false)) return;
    }
  throw new Error(`no slider changes ${first}`);
}

async function classes(context, recipe) {
  await eachView(context, recipe, async (page) => {
    await reads(page, "#price", /^\d+(\.\d+)?\s%$/);
    await reads(page, ".price", /threshold of 50\s%/);
    await reads(page, ".waterfall", /Log odds of the class/);
    await page.waitForSelector(".comparables tbody tr:nth-child(5)");
    await reads(page, "nav", /Ask/);
    await dragged(page);
  });
  const page = await context.newPage();
  await open(page, recipe.url, "overview");
  await reads(page, ".tiles", /AUC\s*0\.\d+/);
  await open(page, recipe.url, "map");
  await page.waitForSelector(".bars tbody tr");
  await reads(page, "main", /no coordinates/);
  await open(page, recipe.url, "quality");
  await reads(page, "main", /Quality/);
  await open(page, recipe.url, "models");
  await reads(page, ".main-measure", /AUC/);
  // A sweep, whose best becomes the challenger, and whose page has the parallel coordinates.
  await reads(page, "#sweeps", /No sweep yet/);
  recipe.run("model-prepare", ["sweep", "--data", recipe.csv, "--trials", "4", "--name", "small", ...recipe.settings()]);
  // The page looks every ten seconds: it may have seen the sweep under way.
  await page.waitForSelector("#sweeps li .badge.good", { timeout: 60_000 });
  for (const part of [/small\s*finished/, /4 trials/, /Best so far: trial \d/]) await reads(page, "#sweeps li", part);
  await page.click("#sweeps button[aria-expanded]");
  const frame = page.frameLocator("#sweeps iframe");
  await frame.getByText("Parallel coordinates").waitFor();
  await frame.locator("svg").nth(1).waitFor({ state: "attached" });
  await accessible(page, "a sweep");
  await page.screenshot({ path: join(out, "sweep.png"), fullPage: true });
  await reads(page, ".timeline", /challenger/);
  await trainingWatched(page, recipe.trainer, ["logistic", "boosted", "forest"]);
  await page.close();
  say("classes: a probability with its threshold, a slider, similar records, a sweep with its page");
}

async function severalClasses(context, recipe) {
  await eachView(context, recipe, async (page) => {
    await reads(page, "#price", /^\d$/);
    await page.waitForSelector(".levels tbody tr:nth-child(3)");
    const shares = await page.locator(".levels .num").allTextContents();
    const sum = shares.reduce((sum, share) => sum + Number.parseFloat(share), 0);
    assert.ok(Math.abs(sum - 100) < 1, `${shares}`);
    await page.waitForSelector(".comparables tbody tr:nth-child(5)");
    await dragged(page);
  });
  const page = await context.newPage();
  await open(page, recipe.url, "quality");
  await reads(page, "main", /Quality/);
  await open(page, recipe.url, "models");
  await reads(page, ".main-measure", /Accuracy\s*0\.\d+/);
  await page.close();
  say("several classes: the likeliest with the probability of each, a slider");
}

async function clusters(context, recipe) {
  await eachView(context, recipe, async (page) => {
    await reads(page, "#price", /^Cluster \d+$/);
    await page.waitForFunction(() => document.querySelectorAll(".stack table tbody tr").length > 5);
    await reads(page, "main", /What the cluster is like/);
    await reads(page, "main", /records of the training belong to it/);
    await dragged(page);
  });
  const page = await context.newPage();
  await open(page, recipe.url, "overview");
  await reads(page, ".tiles", /Silhouette\s*0\.\d+/);
  await open(page, recipe.url, "models");
  await reads(page, ".main-measure", /Silhouette/);
  const numbers = Array.from({ length: 11 }, (_, index) => String(index + 2));
  await trainingWatched(page, recipe.trainer, numbers);
  await page.close();
  say("clusters: the nearest one with its profile, a slider");
}

/** With the programs of a directory. */
export async function recipes(browser, programs) {
  for (const [name, look] of [["wine", classes], ["scores", severalClasses], ["food", clusters]]) {
    const recipe = new Recipe(programs, name);
    const context = await browser.newContext({ locale: "en-GB", reducedMotion: "reduce" });
    context.setDefaultTimeout(60_000);
    try {
      await recipe.start();
      await look(context, recipe);
    } catch (error) {
      for (const [index, page] of context.pages().entries()) await page.screenshot({ path: join(out, `failed-${name}-${index}.png`), fullPage: true }).catch(() => {});
      console.error(recipe.logs());
      throw error;
    } finally {
      await context.close();
      await recipe.stop();
    }
  }
}
