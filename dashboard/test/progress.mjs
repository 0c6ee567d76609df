// What is said of a training under way, in both languages, without a browser: `node test/progress.mjs`.
import assert from "node:assert/strict";
import { bundled } from "./bundled.mjs";

const { nowOf, shareOf, speak, stepOf } = await bundled("progress.js", "words.js");

const fit = (change) => ({ stage: "fitting", last_seconds: 20, fit: { stage: "folds", member: "leaf-wise", fold: 3, folds: 5, fraction: 0.42, members: [], ...change } });
const steps = { binding: "binding", folds: "folds", clusters: "folds", weights: "weights", intervals: "weights", judging: "judging", refit: "refit", explaining: "saving", done: "saving" };
for (const [stage, step] of Object.entries(steps)) assert.equal(stepOf(fit({ stage })), step, stage);
for (const stage of ["features", "tidying"]) assert.equal(stepOf({ stage, fit: null }), stage);
assert.equal(stepOf({ stage: "fitting", fit: null }), "binding", "rows are read before the fit begins");

assert.equal(nowOf(fit({})), "leaf-wise is fitted, fold 3 of 5");
assert.equal(nowOf(fit({ fold: null })), "leaf-wise is fitted on all training rows");
assert.equal(nowOf(fit({ member: null, fold: null })), "members are fitted by folds");
assert.equal(nowOf(fit({ stage: "refit", fold: null })), "leaf-wise is fitted on all rows");
assert.equal(nowOf(fit({ stage: "clusters", member: "7" })), "7 clusters are tried");
assert.equal(nowOf({ stage: "features" }), "features are brought up to date");
speak("ru");
assert.equal(nowOf(fit({})), "обучается leaf-wise, блок 3 из 5");
for (const stage of Object.keys(steps)) assert.match(nowOf(fit({ stage, member: null })), /^[а-яё][а-яё ,:]+/);

assert.equal(shareOf(fit({}), 5), 0.42);
assert.equal(shareOf(fit({ stage: "done", fraction: 1 }), 5), undefined, "saving and judging are to come");
assert.equal(shareOf({ stage: "features", last_seconds: 20 }, 5), 0.25);
assert.equal(shareOf({ stage: "features", last_seconds: 20 }, 500), 0.97);
assert.equal(shareOf({ stage: "features", last_seconds: null }, 5), undefined);
console.log("a training under way is told in words");
