// A line of JSON a round, for bench/dashboard: node test/bench.mjs PROGRAM ROUNDS REQUESTS
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launched } from "./browser.mjs";
import { beside, timed } from "./measured.mjs";
import { Quickstart, freePort } from "./quickstart.mjs";

const [program, rounds = "5", requests = "2000"] = process.argv.slice(2);
const data = mkdtempSync(join(tmpdir(), "hedonic-bench-"));
chmodSync(data, 0o755); // PostgreSQL runs as another user where this one is root.
const quickstart = new Quickstart(program, data, await freePort());
let browser;
try {
  await quickstart.start();
  browser = await launched();
  for (let round = 0; round < Number(rounds); round++) {
    // Nothing is kept from the round before.
    const context = await browser.newContext();
    const page = await timed(context, quickstart.url);
    await context.close();
    console.log(JSON.stringify({ ...page, ...(await beside(quickstart.url, Number(requests))) }));
  }
} finally {
  await browser?.close();
  await quickstart.stop().catch(() => {});
  rmSync(data, { recursive: true, force: true });
}
