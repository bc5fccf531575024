// What the page asks of the server, with the token that this tab was given.

const TOKEN = "fusebox-token";

export const token = {
  get: () => sessionStorage.getItem(TOKEN) ?? "",
  set: (value) => (value ? sessionStorage.setItem(TOKEN, value) : sessionStorage.removeItem(TOKEN)),
};

// An answer that is an error, with the code of Connect's protocol.
export class ApiError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// There was no answer, or not all of one.
export class NetworkError extends Error {}

// Browsers each have their own error for it.
async function askNetwork(path, options) {
  try {
    const response = await fetch(path, { ...options, signal: AbortSignal.timeout(10_000) });
    return { response, text: await response.text() };
  } catch (error) {
    throw new NetworkError(error.message, { cause: error });
  }
}

function headersOf(options) {
  const headers = new Headers(options.headers);
  if (!token.get()) return headers;
  try {
    headers.set("Authorization", `Bearer ${token.get()}`);
  } catch {
    throw new ApiError("unauthenticated", "The token has characters that no token has");
  }
  return headers;
}

// Undefined if it is no JSON: who answers may be a proxy, which does so in its own words.
function parsed(text) {
  try {
    return JSON.parse(text) ?? undefined;
  } catch {
    return undefined;
  }
}

async function ask(path, options = {}) {
  const { response, text } = await askNetwork(path, { ...options, headers: headersOf(options) });
  const body = parsed(text);
  if (response.ok && body) return body;
  const reason = response.ok ? "Something between here and the server answered in its place" : response.statusText;
  throw new ApiError(body?.code ?? "unknown", body?.message ?? reason);
}

// Calls a method of the admin service.
export function call(method, request) {
  return ask(`/fusebox.v1.AdminService/${method}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(request),
  });
}

// Where the table is as JSON. Of `view`, which may have filter, state, offset and limit, what is not empty counts.
export function boardPathOf(view) {
  const query = new URLSearchParams(Object.entries(view).filter(([, value]) => value !== ""));
  if (view.state === "OVERRIDDEN") {
    query.delete("state");
    query.set("overridden", "1");
  }
  const text = query.toString();
  return text ? `/json/breakers?${text}` : "/json/breakers";
}

export const fetchBoard = (view) => ask(boardPathOf(view));

const nameQuery = (name) => `name=${encodeURIComponent(name).replaceAll("%2F", "/")}`;

export const pathOf = (name) => `/breaker?${nameQuery(name)}`;
export const jsonPathOf = (name) => `/json/breaker?${nameQuery(name)}`;

// With so many of its last events at most.
export const fetchBreaker = (name, history) => ask(`${jsonPathOf(name)}&history=${history}`);
