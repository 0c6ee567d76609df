// Sources of the page as a module of Node: what needs no browser is tested without one.
import { webcrypto } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const store = { getItem: () => null, setItem: () => {} };

/** What these files export, together, in English. */
export async function bundled(...files) {
  Object.assign(globalThis, { localStorage: store, sessionStorage: store, document: { documentElement: {} } });
  globalThis.crypto ??= webcrypto;
  Object.defineProperty(globalThis, "navigator", { value: { languages: ["en"] }, configurable: true });
  const directory = mkdtempSync(join(tmpdir(), "hedonic-bundled-"));
  try {
    const outfile = join(directory, "bundled.mjs");
    const contents = files.map((file) => `export * from "./${file}";`).join("\n");
    const resolveDir = new URL("../src", import.meta.url).pathname;
    await build({ stdin: { contents, resolveDir }, outfile, bundle: true, format: "esm", logLevel: "warning" });
    return await import(outfile);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
