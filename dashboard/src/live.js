// How everything stands, as it changes: server-sent events, and polling where these do not come.
import { ask, get } from "./api.js";

const POLL_MS = 5000;
const QUIET_MS = 9000;

let state = { overview: null, before: null, way: "connecting", error: null };
const watchers = new Set();

export const now = () => state;
export function watch(watcher) {
  watchers.add(watcher);
  return () => watchers.delete(watcher);
}

function set(change) {
  state = { ...state, ...change };
  for (const watcher of watchers) watcher(state);
}

function came(overview, way) {
  set({ before: state.overview, overview, way, error: null });
}

/** Reads events until the stream ends; fails when none comes for long. */
async function stream() {
  const stop = new AbortController();
  let quiet = setTimeout(() => stop.abort(), QUIET_MS);
  try {
    const reply = await ask("events", { signal: stop.signal });
    if (!reply.ok) throw new Error(`HTTP ${reply.status}`);
    const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(quiet);
      quiet = setTimeout(() => stop.abort(), QUIET_MS);
      text += value;
      const events = text.split("\n\n");
      text = events.pop();
      for (const event of events) {
        const data = event.match(/^data: (.*)$/m);
        if (data) came(JSON.parse(data[1]), "live");
      }
    }
  } finally {
    clearTimeout(quiet);
    stop.abort();
  }
}

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

export async function follow() {
  for (;;) {
    try {
      await stream();
      continue;
    } catch {
      // Polled below, then tried again.
    }
    for (let times = 0; times < 3; times++) {
      try {
        came(await get("overview"), "polling");
      } catch (error) {
        set({ way: error.status === 401 ? "locked" : "lost", error });
        await pause(1500);
        break;
      }
      await pause(POLL_MS);
    }
  }
}
