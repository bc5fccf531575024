// A strip of the states of the last 24 hours.

import { element, svg } from "./dom.js";
import { moment, span, word } from "./format.js";

const DAY_MS = 86_400_000;
const WIDTH = 1_440;
const HEIGHT = 28;
const MIN_WIDTH = 4; // So that a short outage is seen.

// What it was, from when to when, the oldest first. What was before the oldest change that is known
// is not known; without one, it was as it is since somebody first asked.
export function spansOf(breaker, transitions, now) {
  const begin = now - DAY_MS;
  const changes = transitions
    .filter((one) => one.from && one.from !== one.to && one.to)
    .map((one) => ({ time: new Date(one.time).getTime(), from: word(one.from, "STATE"), to: word(one.to, "STATE") }))
    .sort((a, b) => a.time - b.time);
  const spans = [];
  let at = begin;
  let state = changes.length > 0 ? "UNKNOWN" : word(breaker.state, "STATE");
  for (const change of changes) {
    const time = Math.max(change.time, begin);
    if (time > at) spans.push({ state, begin: at, end: time });
    at = time;
    state = change.to;
  }
  spans.push({ state, begin: at, end: now.getTime() });
  return spans;
}

const isDown = (span) => span.state === "OPEN" || span.state === "HALF OPEN";

export function stripOf(breaker, transitions, now) {
  const begin = now - DAY_MS;
  const spans = spansOf(breaker, transitions, now);
  const open = spans.filter(isDown);
  const total = open.reduce((sum, one) => sum + one.end - one.begin, 0);
  const text =
    open.length === 0
      ? "Closed in the last 24 hours, as far as is known."
      : `Not closed for ${span(total / 1_000)} of the last 24 hours.`;
  // The short ones last, so that no other covers them.
  const bars = [...spans.filter((one) => !isDown(one)), ...open].map((one) => {
    const width = Math.max(MIN_WIDTH, ((one.end - one.begin) / DAY_MS) * WIDTH);
    const x = Math.min(((one.begin - begin) / DAY_MS) * WIDTH, WIDTH - width);
    const title = `${one.state} from ${moment(one.begin)} to ${moment(one.end)}`;
    return svg("rect", { x, y: 0, width, height: HEIGHT, "data-state": one.state }, svg("title", {}, title));
  });
  return element(
    "figure",
    { class: "strip" },
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": text },
      ...bars,
    ),
    element("figcaption", {}, text),
  );
}
