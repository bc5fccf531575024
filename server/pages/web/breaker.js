// One breaker: since when and why, how near its limits, by which policy, what happened.

import { actionsOf } from "./actions.js";
import { fetchBreaker, jsonPathOf, token } from "./api.js";
import { stateMark } from "./board.js";
import { element } from "./dom.js";
import { because, moment, overrideText, percent, seconds, span, word } from "./format.js";
import { stripOf } from "./strip.js";

const HISTORY = 500; // Events, at most.

export class BreakerView {
  constructor(main, name, refresh) {
    this.name = name;
    this.refresh = refresh;
    document.title = `${name} – Fusebox`;
    this.facts = element("div");
    this.actions = element("section", { class: "actions", "aria-label": "Changes" });
    this.note = element("div", { class: "note", hidden: true });
    main.append(
      element("p", {}, element("a", { href: "/" }, "All breakers")),
      element("h1", {}, name),
      this.note,
      this.facts,
      this.actions,
      element("p", { class: "hint" }, "The same as JSON: ", element("a", { href: jsonPathOf(name) }, jsonPathOf(name))),
    );
  }

  // What happened to it is asked for again when something did.
  async update() {
    const page = await fetchBreaker(this.name, this.happened === undefined ? HISTORY : 0);
    const happened = `${page.breaker.epoch}/${page.breaker.revision ?? 0}`;
    if (this.happened === undefined) this.transitions = page.transitions;
    const isStale = this.happened !== undefined && this.happened !== happened;
    this.happened = isStale ? undefined : happened;
    if (isStale) return this.update();
    return { server: page.server, show: () => this.show({ ...page, transitions: this.transitions }) };
  }

  show(page) {
    this.note.hidden = true;
    document.title = `${this.name} – Fusebox`;
    const open = [...this.facts.querySelectorAll("details")].map((details) => details.open);
    this.facts.replaceChildren(...factsOf(page));
    this.facts.querySelectorAll("details").forEach((details, at) => {
      details.open = open[at] ?? false;
    });
    const key = `${page.server?.takesChanges}|${token.get()}|${page.breaker.override?.match}`;
    if (key === this.actionsKey) return; // Nobody's half-written reason is thrown away.
    this.actionsKey = key;
    this.actions.replaceChildren(...actionsOf(page, this.refresh));
  }

  tellError(error) {
    this.note.hidden = false;
    const text =
      error.code === "not_found"
        ? "There is no such breaker: nobody has asked for it, or it was forgotten for lack of calls."
        : error.message;
    this.note.replaceChildren(element("p", {}, text));
    if (/^(not_found|unauthenticated|permission_denied)$/.test(error.code)) this.facts.replaceChildren();
  }

  onKey(event) {
    const isTyping = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "Escape" && !isTyping) document.querySelector("a[href='/']").click();
  }
}

function factsOf(page) {
  const { breaker, policy, transitions = [], server } = page;
  const now = new Date(server.time);
  return [
    standing(breaker, now),
    why(breaker, transitions),
    element("h2", {}, "The last 24 hours"),
    stripOf(breaker, transitions, now),
    element("div", { class: "columns" }, windowFacts(breaker, policy), policyFacts(breaker, policy)),
    history(transitions),
  ];
}

function standing(breaker, now) {
  const since = breaker.lastTransition ? (now - new Date(breaker.lastTransition.time)) / 1_000 : undefined;
  const state = word(breaker.state, "STATE");
  const parts = [stateMark(state)];
  if (since !== undefined) parts.push(` for ${span(since)}`);
  if (breaker.retryAfter) parts.push(`; probes in ${span(seconds(breaker.retryAfter))}`);
  if (state === "HALF OPEN") parts.push(`; ${breaker.probes ?? 0} probes are out`);
  if ((breaker.rampShare ?? 1) < 1) parts.push(`; ${percent(breaker.rampShare)} of calls are admitted`);
  const lines = [element("p", { class: "standing" }, ...parts)];
  if (breaker.override) {
    lines.push(element("p", { class: "override" }, "Override: ", overrideText(breaker.override, breaker.name)));
  }
  return element("section", { "aria-label": "State" }, ...lines);
}

// What it saw when it opened, if it is not closed.
function why(breaker, transitions) {
  if (breaker.state === "STATE_CLOSED") return undefined;
  const trip =
    transitions.find((one) => one.to === "STATE_OPEN" && one.from === "STATE_CLOSED") ??
    transitions.find((one) => one.to === "STATE_OPEN") ??
    breaker.lastTransition;
  if (!trip) return undefined;
  const rows = [
    ["Because", because(trip)],
    ["At", moment(trip.time)],
    ["Window then", windowText(trip.window)],
    ["Failing clients then", (trip.failingClients ?? []).join(", ") || "–"],
  ];
  if (breaker.reopens) rows.push(["Opened again", `${breaker.reopens} times without recovering`]);
  return element(
    "section",
    { class: "why", "aria-label": "Why it opened" },
    element("h2", {}, "Why it opened"),
    list(rows),
  );
}

function windowText(window = {}) {
  const { calls = 0, failures = 0, slow = 0 } = window;
  return `${calls} calls, ${failures} failed (${percent(window.failureRate ?? 0)}), ${slow} slow`;
}

function windowFacts(breaker, policy) {
  const numbers = policy.circuitBreaker ?? {};
  const { window = {}, totals = {} } = breaker;
  const rows = [
    ["Window", windowText(window)],
    ["Failed", limitText(window.failureRate, window.calls, numbers.failureRateThreshold, numbers.minimumCalls)],
    ["Slow", limitText(window.slowRate, window.calls, numbers.slowCallRateThreshold, numbers.minimumCalls)],
    [
      "Failures in a row",
      `${breaker.consecutiveFailures ?? 0}${numbers.consecutiveFailures ? ` of ${numbers.consecutiveFailures}` : ", off"}`,
    ],
    ["Failing clients", clientsText(breaker, numbers)],
    ["Health", `${word(breaker.health, "HEALTH")}${window.calls ? `, score ${(breaker.score ?? 0).toFixed(2)}` : ""}`],
    ["Retry budget", budgetText(breaker.retryBudget)],
    ["In all", totalsText(totals)],
  ];
  if (breaker.bulkhead) {
    rows.push(["Bulkhead", `${breaker.bulkhead.inUse ?? 0} of ${breaker.bulkhead.maxConcurrent} in use`]);
  }
  if (breaker.rateLimit) rows.push(["Rate limit", `${breaker.rateLimit.available ?? 0} calls left at once`]);
  if (breaker.waiting) rows.push(["Waiting", `${breaker.waiting} calls`]);
  return element("section", {}, element("h2", {}, "Now"), list(rows));
}

function limitText(rate, calls = 0, threshold, minimum) {
  if (!threshold) return "off";
  const now = calls >= minimum ? percent(rate ?? 0) : `${calls} of the ${minimum} calls that it takes to say`;
  return `${now}, opens at ${percent(threshold)}`;
}

function clientsText(breaker, numbers) {
  const clients = (breaker.failingClients ?? []).join(", ") || "none";
  return (numbers.minFailingClients ?? 1) > 1 ? `${clients}; it takes ${numbers.minFailingClients}` : clients;
}

function budgetText(budget = {}) {
  const left = (Number(budget.balanceMillis ?? 0) / 1_000).toFixed(1);
  const whose = budget.name ? `${budget.name}, shared` : "its own";
  return `${whose}: ${left} left, ${budget.spent ?? 0} spent, ${budget.refused ?? 0} refused`;
}

function totalsText(totals) {
  const { calls = 0, failures = 0, refused = 0, late = 0, transitions = 0 } = totals;
  return `${calls} calls, ${failures} failed, ${refused} refused, ${late} late, ${transitions} transitions`;
}

function policyFacts(breaker, policy) {
  const matched = breaker.policyMatch ? `, matched by ${breaker.policyMatch}` : ", which rules what no other does";
  return element(
    "section",
    {},
    element("h2", {}, "Policy"),
    element("p", {}, `${breaker.policy}${matched}`),
    element("details", {}, element("summary", {}, "Every number"), element("pre", {}, JSON.stringify(policy, null, 2))),
  );
}

function history(transitions) {
  const rows = transitions.slice(0, 100).map((one) => {
    const change =
      one.from === "STATE_UNSPECIFIED" || !one.from ? "–" : `${word(one.from, "STATE")} → ${word(one.to, "STATE")}`;
    return element(
      "tr",
      {},
      element("td", {}, moment(one.time)),
      element("td", {}, change),
      element("td", {}, because(one)),
    );
  });
  if (rows.length === 0) return element("p", {}, "Nothing happened to it, as far back as is kept.");
  return element(
    "section",
    { "aria-label": "History" },
    element("h2", {}, "History"),
    element(
      "table",
      { class: "history" },
      element(
        "thead",
        {},
        element("tr", {}, ...["When", "Change", "Why"].map((text) => element("th", { scope: "col" }, text))),
      ),
      element("tbody", {}, ...rows),
    ),
  );
}

function list(rows) {
  return element("dl", {}, ...rows.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]));
}
