// The applier's HTTP interface: every figure of the page comes through here.

const KEY = "hedonic-token";
let token = sessionStorage.getItem(KEY) ?? "";
/** Called when the service asks for a token. */
export const asked = { forToken: () => {} };

export const hasToken = () => token !== "";
export function setToken(value) {
  token = value.trim();
  token ? sessionStorage.setItem(KEY, token) : sessionStorage.removeItem(KEY);
}

export class Refusal extends Error {
  constructor(status, why) {
    super(why);
    this.status = status;
  }
}

export function ask(path, options = {}) {
  const headers = { ...(token && { authorization: `Bearer ${token}` }), ...options.headers };
  return fetch(path, { cache: "no-store", ...options, headers });
}

async function taken(reply) {
  const body = await reply.json().catch(() => null);
  if (reply.ok) return body;
  if (reply.status === 401) asked.forToken();
  throw new Refusal(reply.status, body?.error ?? `HTTP ${reply.status}`);
}

export const get = async (path, signal) => taken(await ask(path, { signal }));

export const post = async (path, body, signal) =>
  taken(await ask(path, {
    method: "POST",
    signal,
    ...(body !== undefined && { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  }));

/** The same with a body that is sent as it is. */
export const send = async (path, body) =>
  taken(await ask(path, { method: "POST", ...(body !== undefined && { headers: { "content-type": "application/octet-stream" }, body }) }));

export const query = (of) => {
  const given = Object.entries(of).filter(([, value]) => value !== undefined && value !== "" && value !== null);
  return given.length ? `?${new URLSearchParams(given)}` : "";
};
