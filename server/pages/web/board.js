// All breakers, the worst first. Only the rows in sight are there; the rest is room.

import { boardPathOf, fetchBoard, pathOf, token } from "./api.js";
import { element, setText } from "./dom.js";
import { overrideText, percent, rate, SHAPES, span, word } from "./format.js";

const ROW_PX = 36;
const MARGIN_ROWS = 30; // Above and below what is in sight.
const FILTER_WAIT_MS = 80;

const COLUMNS = [
  ["Breaker", "name"],
  ["State", "state"],
  ["For", "number wide"],
  ["Failed/limit", "number limit-column"],
  ["Calls/s", "number wide"],
  ["Refused/s", "number wide"],
  ["Next probe", "number wide probe-column"],
  ["Retries left", "number wider"],
  ["Override", "override-column"],
];

const STATES = [
  ["", "All"],
  ["OPEN", "Open"],
  ["HALF_OPEN", "Half-open"],
  ["CLOSED", "Closed"],
  ["OVERRIDDEN", "Overridden"],
];

export class BoardView {
  constructor(main, refresh) {
    document.title = "Fusebox";
    this.refresh = refresh;
    this.board = undefined;
    this.rows = new Map(); // By name, those that are there.
    this.above = room();
    this.below = room();
    this.query = new URLSearchParams(location.search);
    this.build(main);
  }

  build(main) {
    this.filter = element("input", {
      type: "search",
      id: "filter",
      placeholder: "part of a name",
      value: this.query.get("filter") ?? "",
      oninput: () => this.onFilter(),
    });
    this.state = element(
      "select",
      { id: "state", onchange: () => this.onFilter() },
      ...STATES.map(([value, text]) =>
        element("option", { value, selected: value === (this.query.get("state") ?? "") }, text),
      ),
    );
    this.summary = element("p", { class: "summary", "aria-live": "polite" });
    this.body = element("tbody");
    this.table = element(
      "table",
      { "aria-label": "Breakers, the worst first" },
      element("thead", {}, element("tr", {}, ...COLUMNS.map(heading))),
      this.body,
    );
    this.scroller = element(
      "div",
      { class: "scroller", tabindex: "0", role: "region", "aria-label": "Breakers", onscroll: () => this.onScroll() },
      this.table,
    );
    this.note = element("div", { class: "note", hidden: true });
    this.twin = element("a", {});
    this.showTwin();
    main.append(
      element("h1", { class: "hidden-text" }, "Breakers"),
      element(
        "form",
        { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
        element("label", {}, "Filter ", this.filter),
        element("label", {}, "State ", this.state),
        this.summary,
      ),
      this.note,
      this.scroller,
      element("p", { class: "hint" }, "Keys: / filter, j and k rows, Enter opens. The same as JSON: ", this.twin),
    );
  }

  showTwin() {
    const path = boardPathOf({ filter: this.filter.value, state: this.state.value });
    this.twin.setAttribute("href", path);
    setText(this.twin, path);
  }

  // The rows in sight, and some around them.
  range() {
    const first = Math.floor(this.scroller.scrollTop / ROW_PX);
    const seen = Math.ceil((this.scroller.clientHeight || 600) / ROW_PX);
    const offset = Math.max(0, first - MARGIN_ROWS);
    return { offset, limit: seen + 2 * MARGIN_ROWS };
  }

  async update() {
    const range = this.range();
    const board = await fetchBoard({ filter: this.filter.value, state: this.state.value, ...range });
    return {
      server: board.server,
      show: () => {
        this.board = board;
        this.show();
      },
    };
  }

  show() {
    const { breakers = 0, open = 0, halfOpen = 0, overridden = 0, matching = 0, offset = 0, rows = [] } = this.board;
    setText(
      this.summary,
      `${matching === breakers ? breakers : `${matching} of ${breakers}`} breakers: ` +
        `${open} open, ${halfOpen} half-open, ${overridden} overridden`,
    );
    document.title = open > 0 ? `(${open} open) Fusebox` : "Fusebox";
    this.showNote(breakers, matching);
    this.table.setAttribute("aria-rowcount", matching + 1);
    this.showRows(rows, offset);
    setRoom(this.above, offset);
    setRoom(this.below, matching - offset - rows.length);
  }

  // A row that stays keeps its element: what is selected or focused in it stays so.
  showRows(rows, offset) {
    const before = this.rows;
    this.rows = new Map(rows.map((row) => [row.name, before.get(row.name) ?? rowOf(row)]));
    for (const [index, row] of rows.entries()) fillRow(this.rows.get(row.name), row, offset + index);
    const wanted = [this.above, ...this.rows.values(), this.below];
    const isAsWanted =
      wanted.length === this.body.children.length && wanted.every((row, at) => row === this.body.children[at]);
    if (isAsWanted) return;
    const focused = this.body.contains(document.activeElement) ? document.activeElement : null;
    this.body.replaceChildren(...wanted);
    focused?.focus({ preventScroll: true });
  }

  showNote(breakers, matching) {
    this.scroller.hidden = matching === 0;
    this.note.hidden = matching > 0;
    if (matching > 0) return;
    if (breakers > 0) {
      this.note.replaceChildren(element("p", {}, "No breaker fits this filter."));
    } else {
      this.note.replaceChildren(
        element("p", {}, "There is no breaker yet: the first call that asks makes it. Try"),
        element("pre", {}, "fuseboxctl allow payments.v1.ChargeService/Charge"),
      );
    }
  }

  tellError(error) {
    if (error.code !== "unauthenticated" && error.code !== "permission_denied") return;
    this.board = undefined;
    this.body.replaceChildren();
    this.scroller.hidden = true;
    this.note.hidden = false;
    this.note.replaceChildren(
      element(
        "p",
        {},
        token.get()
          ? `This token does not let you see breakers: ${error.message}`
          : "This server wants a token first: press Token, above.",
      ),
    );
  }

  onFilter() {
    const query = new URLSearchParams();
    if (this.filter.value) query.set("filter", this.filter.value);
    if (this.state.value) query.set("state", this.state.value);
    const text = query.toString();
    history.replaceState(null, "", text ? `/?${text}` : "/");
    this.showTwin();
    this.scroller.scrollTop = 0;
    clearTimeout(this.waiting);
    this.waiting = setTimeout(this.refresh, FILTER_WAIT_MS);
  }

  onScroll() {
    if (!this.board) return;
    const { offset, limit } = this.range();
    const have = this.board.offset ?? 0;
    const rows = this.board.rows?.length ?? 0;
    const first = offset === 0 ? 0 : offset + MARGIN_ROWS / 2;
    const last = Math.min(offset + limit - MARGIN_ROWS / 2, this.board.matching ?? 0);
    if (first >= have && last <= have + rows) return;
    if (this.scrolling || !this.scroller.isConnected) return;
    this.scrolling = true;
    requestAnimationFrame(async () => {
      const isShown = await this.refresh().finally(() => {
        this.scrolling = false;
      });
      if (isShown) this.onScroll();
    });
  }

  onKey(event) {
    const isTyping = event.target === this.filter || event.target === this.state;
    if (event.key === "Escape" && event.target === this.filter) {
      this.filter.value = "";
      this.filter.blur();
      this.onFilter();
    } else if (event.key === "/" && !isTyping) {
      event.preventDefault();
      this.filter.focus();
    } else if ((event.key === "j" || event.key === "k") && !isTyping) {
      this.moveFocus(event.key === "j" ? 1 : -1);
    }
  }

  moveFocus(by) {
    const links = [...this.body.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    links[at < 0 ? 0 : Math.min(links.length - 1, Math.max(0, at + by))]?.focus();
  }
}

function heading([text, kind]) {
  return element("th", { scope: "col", class: kind }, text);
}

// Keeps the place of rows that are not there.
function room() {
  return element("tr", { class: "room", "aria-hidden": "true" }, element("td"));
}

function setRoom(row, rows) {
  row.style.height = `${Math.max(0, rows) * ROW_PX}px`;
}

// What stands in the cells after the name and the state.
function textsOf(row) {
  const limit = row.failureRateThreshold === undefined ? "off" : percent(row.failureRateThreshold);
  return [
    span(row.secondsInState),
    `${percent(row.failureRate)} / ${limit}`,
    rate(row.callsPerSecond),
    rate(row.refusedPerSecond),
    row.secondsToProbe === undefined ? "–" : `in ${span(row.secondsToProbe)}`,
    rate(row.retriesLeft ?? 0),
    row.override ? overrideText(row.override, row.name) : "–",
  ];
}

function rowOf(row) {
  const link = element("a", { href: pathOf(row.name), title: row.name }, row.name);
  const cells = COLUMNS.map(([, kind], at) =>
    at === 0 ? element("th", { class: kind, scope: "row" }, link) : element("td", { class: kind }),
  );
  return element("tr", {}, ...cells);
}

function fillRow(made, row, index) {
  made.setAttribute("aria-rowindex", index + 2);
  const [, state, ...rest] = made.children;
  if (state.textContent !== stateText(word(row.state, "STATE"))) {
    state.replaceChildren(stateMark(word(row.state, "STATE")));
  }
  made.toggleAttribute("data-overridden", row.override !== undefined);
  for (const [at, text] of textsOf(row).entries()) setText(rest[at], text);
  rest.at(-1).title = rest.at(-1).textContent; // Rarely all of it fits.
}

const stateText = (state) => `${SHAPES[state] ?? "?"} ${state}`;

export function stateMark(state) {
  return element(
    "span",
    { class: "state-mark", "data-state": state },
    element("span", { "aria-hidden": "true" }, `${SHAPES[state] ?? "?"} `),
    state,
  );
}
