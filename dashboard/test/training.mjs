// A training that takes a while, as the trainer tells of it and as the page shows it.
import assert from "node:assert/strict";
import { join } from "node:path";
import { accessible, fits, out, say, trainingConfirmed } from "./browser.mjs";
import { pause } from "./quickstart.mjs";

/** What the page shows of a training; null where none runs. */
const shown = (page) =>
  page.evaluate(() => {
    const section = document.querySelector("#progress");
    if (!section) return null;
    const bar = section.querySelector(".bar-and-share progress");
    return {
      text: section.textContent,
      share: bar?.hasAttribute("value") ? bar.value : null,
      members: [...section.querySelectorAll(".members tbody th")].map((one) => one.firstChild.textContent),
      inWork: section.querySelector(".members tr.present th")?.firstChild.textContent ?? null,
      hasBest: section.querySelector(".members .badge") !== null,
    };
  });

/** Asks for a training on the page that is open, and watches it to its end; `members` are the names that it shows. */
export async function trainingWatched(page, trainer, members) {
  const status = async () => (await fetch(`${trainer}/status`)).json();
  await page.waitForSelector("#train:not([disabled])");
  const before = (await status()).last_training?.version ?? null;
  await page.click("#train");
  await trainingConfirmed(page, "to be watched", "Chromium");
  await page.waitForSelector("#progress .members tr.present", { timeout: 60_000 });
  await fits(page, "a training");
  await accessible(page, "a training");
  await page.screenshot({ path: join(out, `progress-${members.length}.png`), fullPage: true });
  const [views, told] = [[], []];
  for (const end = Date.now() + 240_000; ; await pause(150)) {
    assert.ok(Date.now() < end, "the training ends in time");
    const { running } = await status();
    if (running?.fit) told.push(running.fit);
    const view = await shown(page);
    if (view) views.push(view);
    else break;
  }
  const rising = (values) => values.every((value, index) => index === 0 || value >= values[index - 1]);
  // The trainer names the member and a share that never falls.
  assert.ok(told.some((fit) => members.includes(fit.member) && fit.fraction > 0 && fit.fraction < 1), JSON.stringify(told.at(-1)));
  assert.ok(rising(told.map((fit) => fit.fraction)));
  // So does the page, with the time left, and who is best so far.
  const shares = views.map((view) => view.share).filter((share) => share !== null);
  assert.ok(rising(shares) && new Set(shares.filter((share) => share > 0)).size > 1, `shares ${shares}`);
  assert.deepEqual(views.find((view) => view.inWork).members, members);
  assert.ok(views.some((view) => members.includes(view.inWork) && view.hasBest && /about .+ left/.test(view.text)), views.at(-1).text);
  const { last_training: last } = await status();
  assert.notEqual(last.version, before);
  assert.equal(last.why, "to be watched (Chromium)");
  say(`a training is watched: ${members.join(", ")}; ${new Set(shares).size} shares of the bar`);
}
