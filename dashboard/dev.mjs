// Serves dist/ and hands all else to a running applier, so that a change needs no Rust:
// `npm run build && node dev.mjs http://127.0.0.1:8083 [port]`.
import { createServer, request } from "node:http";
import { readFile } from "node:fs/promises";

const [applier = "http://127.0.0.1:8083", port = "8090"] = process.argv.slice(2);
// As the applier sends it (model-application/src/http/dashboard/assets.rs).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const kinds = { html: "text/html; charset=utf-8", js: "text/javascript", css: "text/css", json: "application/json", svg: "image/svg+xml" };

createServer(async (asked, answer) => {
  const name = asked.url === "/" ? "index.html" : asked.url.match(/^\/assets\/([a-z.]+)$/)?.[1];
  if (name) {
    const bytes = await readFile(new URL(`dist/${name}`, import.meta.url)).catch(() => null);
    answer.writeHead(bytes ? 200 : 404, { "content-type": kinds[name.split(".").pop()] ?? "text/plain", "content-security-policy": policy });
    return answer.end(bytes);
  }
  const to = new URL(asked.url, applier);
  // The page's own requests stay its own; those of another page stay another's.
  const is_own = asked.headers.origin === `http://${asked.headers.host}`;
  const headers = { ...asked.headers, host: to.host, ...(is_own && { origin: to.origin }) };
  const passed = request(to, { method: asked.method, headers }, (came) => {
    answer.writeHead(came.statusCode, came.headers);
    came.pipe(answer);
  });
  passed.on("error", () => answer.destroy());
  answer.on("close", () => passed.destroy());
  asked.pipe(passed);
}).listen(Number(port), "127.0.0.1", () => console.log(`http://127.0.0.1:${port}`));
