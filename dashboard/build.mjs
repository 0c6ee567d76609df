// Makes dist/ of src/: `npm run build`. The same input gives the same bytes, so CI can compare.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { gzipSync } from "node:zlib";

/** Bytes, gzipped, that the whole page may have. */
const BUDGET = 150 * 1024;
const FILES = ["index.html", "app.js", "app.css", "world.json", "icon.svg", "licences.txt"];
/** What the built files hold of others. */
const OTHERS = ["preact", "htm", "uplot", "d3-geo", "d3-array", "internmap", "topojson-client", "world-atlas"];

const here = new URL(".", import.meta.url);
const path = (name) => new URL(name, here).pathname;

await mkdir(path("dist"), { recursive: true });
await build({
  entryPoints: { app: path("src/app.js") },
  outdir: path("dist"),
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022"],
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
});
for (const name of ["index.html", "icon.svg"]) await copyFile(path(`src/${name}`), path(`dist/${name}`));
await copyFile(path("node_modules/world-atlas/countries-110m.json"), path("dist/world.json"));
const licences = await Promise.all(
  OTHERS.map(async (name) => {
    const { version, license } = JSON.parse(await readFile(path(`node_modules/${name}/package.json`), "utf8"));
    const text = await readFile(path(`node_modules/${name}/LICENSE`), "utf8");
    return `${name} ${version} (${license})\n\n${text.trim()}\n`;
  }),
);
await writeFile(path("dist/licences.txt"), licences.join(`\n${"-".repeat(72)}\n\n`));

let total = 0;
for (const name of FILES) {
  const bytes = await readFile(path(`dist/${name}`));
  const packed = gzipSync(bytes, { level: 9 }).length;
  total += packed;
  console.log(`${name.padEnd(12)} ${String(bytes.length).padStart(8)} bytes ${String(packed).padStart(7)} gzipped`);
}
console.log(`${"all".padEnd(12)} ${"".padStart(14)} ${String(total).padStart(7)} gzipped, of ${BUDGET}`);
if (total > BUDGET) {
  console.error(`the page has ${total} bytes gzipped; expected at most ${BUDGET}: leave something out`);
  process.exit(1);
}
