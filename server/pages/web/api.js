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

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (token.get()) headers.Authorization = `Bearer ${token.get()}`;
  const response = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(10_000) });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(body.code ?? "unknown", body.message ?? response.statusText);
  return body;
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
  return query.size > 0 ? `/json/breakers?${query}` : "/json/breakers";
}

export const fetchBoard = (view) => ask(boardPathOf(view));

const nameQuery = (name) => `name=${encodeURIComponent(name).replaceAll("%2F", "/")}`;

export const pathOf = (name) => `/breaker?${nameQuery(name)}`;
export const jsonPathOf = (name) => `/json/breaker?${nameQuery(name)}`;

// With so many of its last events at most.
export const fetchBreaker = (name, history) => ask(`${jsonPathOf(name)}&history=${history}`);
