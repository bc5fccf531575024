// How numbers, times and states are written.

const PLAIN = "–";

// "STATE_HALF_OPEN" -> "HALF OPEN".
export const word = (value, type) => (value ?? "").replace(`${type}_`, "").replaceAll("_", " ");

export function percent(share) {
  if (share === undefined) return PLAIN;
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;
}

export function rate(perSecond) {
  if (perSecond === undefined) return PLAIN;
  return perSecond >= 100 ? perSecond.toFixed(0) : perSecond.toFixed(1);
}

// 75 -> "1 min 15 s": the two largest units.
export function span(seconds) {
  if (seconds === undefined || seconds === null || Number.isNaN(seconds)) return PLAIN;
  const units = [
    ["d", 86_400],
    ["h", 3_600],
    ["min", 60],
    ["s", 1],
  ];
  let left = Math.max(0, Math.round(seconds));
  const parts = [];
  for (const [name, size] of units) {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count > 0) parts.push(`${count} ${name}`);
  }
  return parts.slice(0, 2).join(" ") || "0 s";
}

// "29.988s", as durations are written in JSON, in seconds.
export const seconds = (duration) => (duration === undefined ? undefined : Number.parseFloat(duration));

export const clock = (date) => date.toLocaleTimeString([], { hour12: false });

export function moment(text) {
  const date = new Date(text);
  const pad = (number) => String(number).padStart(2, "0");
  return (
    `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ` +
    `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`
  );
}

// By text, shape and colour.
export const SHAPES = { OPEN: "■", "HALF OPEN": "◐", CLOSED: "●" };

const CAUSES = {
  CONSECUTIVE_FAILURES: (t) => `${t.consecutiveFailures} failures in a row`,
  FAILURE_RATE: (t) => `${windowText(t.window)} failed (${percent(t.window?.failureRate ?? 0)})`,
  SLOW_CALL_RATE: (t) =>
    `${t.window?.slow ?? 0} of ${t.window?.calls ?? 0} calls were slow (${percent(t.window?.slowRate ?? 0)})`,
  RETRY_AFTER: () => "the dependency asked to be left alone (Retry-After)",
  WAIT_OVER: () => "the wait was over",
  PROBE_FAILED: () => "a probe failed",
  PROBES_EXPIRED: () => "probes came to no end",
  PROBES_SUCCEEDED: () => "probes succeeded",
  RESET: () => "it was reset",
  DELETED: () => "it was deleted",
  OVERRIDDEN: (t) => `${word(t.override?.mode, "OVERRIDE_MODE")} was imposed`,
  OVERRIDE_CLEARED: () => "the override was taken back",
  OVERRIDE_EXPIRED: () => "the override ended by itself",
};

const windowText = (window) => `${window?.failures ?? 0} of ${window?.calls ?? 0} calls`;

// Why something happened, in a few words.
export function because(transition) {
  const cause = (transition.cause ?? "").replace("CAUSE_", "");
  const text = CAUSES[cause]?.(transition) ?? cause.toLowerCase();
  const by = transition.actor ? `, by ${transition.actor}` : "";
  const why = transition.reason ? `: ${transition.reason}` : "";
  const trace = transition.traceId ? ` (trace ${transition.traceId})` : "";
  return text + by + why + trace;
}

export function overrideText(override, name) {
  const parts = [word(override.mode, "OVERRIDE_MODE")];
  if (override.drill) parts.push("(drill)");
  if (override.match && override.match !== name) parts.push(`on ${override.match}`);
  if (override.actor) parts.push(`by ${override.actor}`);
  const left = override.remaining ? `, ${span(seconds(override.remaining))} left` : "";
  return `${parts.join(" ")}${override.reason ? `: ${override.reason}` : ""}${left}`;
}
