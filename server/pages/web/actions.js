// What somebody with a token may do to a breaker.

import { call, token } from "./api.js";
import { element, setText } from "./dom.js";

const MODES = [
  ["OVERRIDE_MODE_FORCED_OPEN", "Force open: refuse all calls"],
  ["OVERRIDE_MODE_FORCED_CLOSED", "Force closed: let all calls pass"],
  ["OVERRIDE_MODE_SHADOW", "Shadow: let all pass, and count"],
];

const TIMES = [
  ["900s", "15 minutes"],
  ["3600s", "1 hour"],
  ["86400s", "1 day"],
  ["", "until it is cleared"],
];

export function actionsOf(page, refresh) {
  if (!page.server?.takesChanges) {
    return [
      element("h2", {}, "Changes"),
      element("p", {}, "This page changes nothing: start the server with --identities for that, or use fuseboxctl."),
    ];
  }
  if (!token.get()) {
    return [element("h2", {}, "Changes"), element("p", {}, "To override, clear or reset it, give a token (above).")];
  }
  const { breaker } = page;
  const forms = [overrideForm(breaker, refresh), resetForm(breaker, refresh)];
  if (breaker.override) forms.unshift(clearForm(breaker, refresh));
  return [element("h2", {}, "Changes"), ...forms];
}

function choice(name, options) {
  return element("select", { name }, ...options.map(([value, text]) => element("option", { value }, text)));
}

const reasonField = () =>
  element(
    "label",
    {},
    "Reason ",
    element("input", { name: "reason", required: true, maxlength: 500, autocomplete: "off" }),
  );

// A form that makes one call, and says what became of it.
function form(title, button, fields, make, refresh) {
  const outcome = element("output", { role: "status" });
  const submit = async (event) => {
    event.preventDefault();
    const values = Object.fromEntries(new FormData(event.target));
    try {
      await make(values);
      setText(outcome, "Done.");
      event.target.reset();
    } catch (error) {
      setText(outcome, `Not done: ${error.message}`);
    }
    await refresh();
  };
  return element(
    "form",
    { onsubmit: submit, "aria-label": title },
    ...fields,
    element("button", { type: "submit" }, button),
    outcome,
  );
}

function overrideForm(breaker, refresh) {
  const fields = [
    element("label", {}, "What ", choice("mode", MODES)),
    element("label", {}, "For ", choice("ttl", TIMES)),
    reasonField(),
  ];
  const make = ({ mode, ttl, reason }) =>
    call("OverrideBreaker", { match: breaker.name, mode, reason, ...(ttl ? { ttl } : {}) });
  return form("Override", "Override", fields, make, refresh);
}

function clearForm(breaker, refresh) {
  const match = breaker.override.match || breaker.name;
  const make = ({ reason }) => call("ClearOverride", { match, reason });
  return form("Clear the override", `Clear the override of ${match}`, [reasonField()], make, refresh);
}

function resetForm(breaker, refresh) {
  const make = ({ reason }) => call("ResetBreaker", { name: breaker.name, reason });
  return form("Reset", "Reset: as if it were new", [reasonField()], make, refresh);
}
