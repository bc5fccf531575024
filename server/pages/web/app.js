// The status page: which view is shown, how fresh it is, and the token.

import { ApiError, NetworkError, token } from "./api.js";
import { BoardView } from "./board.js";
import { BreakerView } from "./breaker.js";
import { setText } from "./dom.js";
import { clock } from "./format.js";

const PERIOD_MS = 1_000;
const STALE_MS = 5_000;

const main = document.getElementById("main");
const connection = document.getElementById("connection");
const dialog = document.getElementById("token-dialog");

let view;
let timer;
let round = 0; // Counts what was asked.
let lastGood; // When the server answered last.

function newView() {
  const name = new URLSearchParams(location.search).get("name") ?? "";
  return location.pathname === "/breaker" ? new BreakerView(main, name, refresh) : new BoardView(main, refresh);
}

function show() {
  main.replaceChildren();
  view = newView();
  refresh();
}

// One round: asks, shows, and plans the next. An answer that another question has overtaken is not
// shown. Says whether one was.
async function refresh() {
  clearTimeout(timer);
  round += 1;
  const mine = round;
  try {
    const answer = await view.update();
    if (mine !== round) return false;
    answer.show();
    if (lastGood === undefined) performance.mark("first-answer-shown");
    lastGood = new Date();
    tellCondition(answer.server);
    return true;
  } catch (error) {
    if (mine !== round) return false;
    tellFailure(error);
    return false;
  } finally {
    if (mine === round) timer = setTimeout(refresh, PERIOD_MS);
  }
}

function tell(kind, text) {
  document.documentElement.dataset.connection = kind;
  setText(connection, text);
}

function tellCondition(server) {
  if (server?.notDurable) tell("warning", `Not durable: ${server.notDurable}`);
  else tell("live", `Live, ${server?.version ?? ""}`);
}

// Here nobody can show a certificate, of which the message speaks.
const refusal = (error) => (token.get() === "" && error.code === "unauthenticated" ? "Without a token" : error.message);

// What is shown stays, and is said to be of the past.
function tellFailure(error) {
  if (error instanceof ApiError) {
    tell("refused", lastGood ? `${error.message} (as of ${clock(lastGood)})` : refusal(error));
    view.tellError(error);
  } else if (!(error instanceof NetworkError)) {
    tell("refused", `This page has a defect: ${error}`);
    throw error;
  } else if (lastGood === undefined) {
    tell("lost", "No answer from the server; trying again");
  } else {
    tell("lost", `Disconnected: this is how it was at ${clock(lastGood)}; trying again`);
  }
}

// A request may hang for longer than anybody wants to be shown the past as the present.
setInterval(() => {
  const { connection: kind } = document.documentElement.dataset;
  if ((kind === "live" || kind === "warning") && Date.now() - lastGood > STALE_MS) {
    tell("lost", `Stale: this is how it was at ${clock(lastGood)}`);
  }
}, PERIOD_MS);

function navigate(path) {
  history.pushState(null, "", path);
  show();
  main.focus();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[href^='/']");
  const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
  if (!link || !isPlain || link.getAttribute("href").startsWith("/json/")) return;
  event.preventDefault();
  navigate(link.getAttribute("href"));
});
addEventListener("popstate", show);

document.addEventListener("keydown", (event) => {
  if (dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
  view.onKey?.(event);
});

document.getElementById("token-button").addEventListener("click", () => {
  document.getElementById("token-input").value = "";
  dialog.returnValue = "";
  dialog.showModal();
});
dialog.addEventListener("close", () => {
  const value = document.getElementById("token-input").value.trim();
  if (dialog.returnValue === "keep" && value) token.set(value);
  else if (dialog.returnValue === "forget") token.set("");
  else return;
  lastGood = undefined;
  show();
});

show();
