// The quickstart, started and stopped as a person does.
import { spawn } from "node:child_process";
import { createServer } from "node:net";

const LIMIT_MS = 180_000;

/** A port of loopback that is free now: the service is to come back at the same one. */
export const freePort = () =>
  new Promise((done, failed) => {
    const server = createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export async function until(what, look, limitMs = LIMIT_MS) {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() > end) throw new Error(`not within ${limitMs} ms: ${what}`);
    await pause(200);
  }
}

export class Quickstart {
  constructor(program, directory, port) {
    Object.assign(this, { program, directory, port, output: "", url: `http://127.0.0.1:${port}` });
  }

  async start(settings = []) {
    this.output = "";
    const set = [`applier.http=127.0.0.1:${this.port}`, ...settings].flatMap((one) => ["--set", one]);
    this.child = spawn(this.program, ["--data-dir", this.directory, ...set], { stdio: ["ignore", "pipe", "pipe"] });
    this.left = new Promise((done) => this.child.on("exit", done));
    for (const stream of [this.child.stdout, this.child.stderr]) stream.on("data", (part) => (this.output += part));
    const opened = await until("the line open http://…", () => {
      if (this.child.exitCode !== null) throw new Error(`the quickstart has left: ${this.output}`);
      return this.output.match(/open (http:\/\/\S+)/);
    });
    if (opened[1] !== `${this.url}/`) throw new Error(`found ${opened[1]}, expected ${this.url}/`);
    await until("a model that answers", async () => {
      const reply = await fetch(`${this.url}/status`).catch(() => null);
      return reply?.ok && (await reply.json()).answered > 5;
    });
  }

  /** The address of a service, as it was printed. */
  address(service) {
    return this.output.match(new RegExp(`${service}\\s+(http://[^/\\s]+)`))[1];
  }

  async stop() {
    this.child.kill("SIGINT");
    const end = setTimeout(() => this.child.kill("SIGKILL"), 15_000);
    await this.left;
    clearTimeout(end);
  }
}
