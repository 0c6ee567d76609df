// What the web app costs: bytes, time to the first paint, and how much later prices come beside open pages.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { pause } from "./quickstart.mjs";

const FILES = ["index.html", "app.js", "app.css", "world.json", "icon.svg", "licences.txt"];
/** What each view asks for, and every how many milliseconds (dashboard/src/views). */
const ASKED = {
  overview: [["quality?window=24h", 30_000], ["models/history", 30_000], ["changes", 30_000]],
  map: [["market", 20_000], ["quality/segments", 20_000], ["models", 20_000]],
  quality: [["quality?window=24h", 15_000], ["quality/history?window=24h", 30_000], ["quality/tenths", 30_000], ["quality/drift", 60_000]],
  models: [["models", 5000], ["models/history", 5000], ["sweeps", 10_000]],
  stream: [["newest?limit=40", 2500], ["rejects", 15_000]],
};
const PAGES = 10;

/** Bytes of all built files, gzipped. */
export const bytes = () => FILES.reduce((sum, name) => sum + gzipSync(readFileSync(new URL(`../dist/${name}`, import.meta.url)), { level: 9 }).length, 0);

/** A page that is opened for the first time: milliseconds to its paint, until it can be used, and until figures stand there. */
export async function timed(context, url) {
  const page = await context.newPage();
  await page.goto(`${url}/`);
  await page.waitForSelector(".tiles .figure");
  const found = await page.evaluate(() => ({
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
    interactive: performance.getEntriesByType("navigation")[0].domInteractive,
    figures: performance.now(),
  }));
  await page.close();
  return { bytes: bytes(), ...found };
}

const quantile = (sorted, share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
let rounds = 0;

/** How long prices take, in milliseconds, one after the other. */
async function latencies(url, count) {
  const took = [];
  rounds += 1;
  for (let index = 0; index < count; index++) {
    const record = { id: `latency-${process.pid}-${rounds}-${index}`, city: "Kazan", street: "Lenina", floor: 3, rooms: 2, area: 40 + (index % 60) };
    const began = performance.now();
    const reply = await fetch(`${url}/predict`, { method: "POST", body: JSON.stringify(record) });
    assert.equal(reply.status, 200);
    await reply.arrayBuffer();
    took.push(performance.now() - began);
  }
  took.sort((one, other) => one - other);
  return { p50: quantile(took, 0.5), p99: quantile(took, 0.99) };
}

/** Prices beside ten open pages, two of each view: what these ask for, without the browser that would take the processor. */
export async function beside(url, count) {
  const alone = await latencies(url, count);
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
  const views = Object.values(ASKED);
  const pages = Array.from({ length: PAGES }, (_, index) => [events(), ...views[index % views.length].map(([path, ms]) => every(path, ms))]).flat().map((one) => one.catch(quiet));
  await pause(1500);
  const began = performance.now();
  const before = asked;
  const ten = await latencies(url, count);
  const rate = ((asked - before) / (performance.now() - began)) * 1000;
  stop.abort();
  await Promise.all(pages);
  return { alone, ten, rate };
}
