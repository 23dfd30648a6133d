"use strict";
// Limits, breaks and exclusions. What binds is decided by the server; here it is asked for and shown.

const protection = $("protection");
const protectionRules = protection ? JSON.parse(protection.dataset.rules) : {};
const PROTECTION = "/api/v1/players/me";
const CHANGES = {
  tightened: "Tightened",
  loosening_asked: "Looser asked for",
  loosening_withdrawn: "Looser taken back",
  loosened: "Loosened",
};
const EXCLUSIONS = {
  time_out: "You take a break",
  self_exclusion: "You have excluded yourself",
  mandatory: "The casino has excluded you",
  register: "The national register excludes you",
};

function element(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function pressable(text, className, testId, press) {
  const button = element("button", text, className);
  button.type = "button";
  button.dataset.testid = testId;
  button.addEventListener("click", press);
  return button;
}

const at = (iso) => new Date(iso).toLocaleString([], { dateStyle: "medium", timeStyle: "short", hour12: false });
const daysFromNow = (days) =>
  new Date(Date.now() + days * 86400000).toLocaleDateString([], { dateStyle: "long" });
const plural = (count, one) => `${count.toLocaleString("en-GB")} ${one}${count === 1 ? "" : "s"}`;

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? plural(minutes, "minute") : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** Of a kind of limit, what a person reads for its value. */
function limitText(kind, value) {
  if (value === null) return "no limit";
  return kind === "session" ? plural(value, "minute") : money(value);
}

const placeText = (kind, period) => `${protectionRules.kinds[kind]} ${protectionRules.periods[period]}`;

/** Do what a form asks for, with its button disabled meanwhile; a refusal is told beside it. */
async function attempt(name, button, work) {
  $(`${name}-status`).textContent = "";
  $(`${name}-error`).hidden = true;
  if (button) button.disabled = true;
  try {
    const said = await work();
    if (said) $(`${name}-status`).textContent = said;
  } catch (error) {
    $(`${name}-error`).textContent = error.message;
    $(`${name}-error`).hidden = false;
  }
  if (button) button.disabled = false;
}

/** Ask before what cannot be undone; the safe answer has the focus, and is what Escape means. */
function confirmed(title, text, yes) {
  const dialog = $("confirm");
  $("confirm-title").textContent = title;
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = yes;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
  });
}

// Limits.

async function putLimit(kind, period, value) {
  const limit = await call("PUT", `${PROTECTION}/limits/${kind}/${period}`, { value });
  await showProtection();
  const place = placeText(kind, period);
  if (!limit.effective_at) return `${place}: ${limitText(kind, limit.value)}, in force now.`;
  const looser = limit.waiting === null ? "To be without a limit" : `The looser limit of ${limitText(kind, limit.waiting)}`;
  return `${looser} waits until ${at(limit.effective_at)}. Until then ${limitText(kind, limit.value)} is in force.`;
}

function limitEntry(kind, period, binding, own) {
  const entry = element("li");
  entry.dataset.testid = `limit-${kind}-${period}`;
  const line = element("p", undefined, "limit-line");
  line.append(element("span", placeText(kind, period)), element("strong", limitText(kind, binding ? binding.value : null)));
  entry.append(line);
  if (binding && binding.used !== null) {
    const used = element("progress");
    used.max = Math.max(binding.value, 1);
    used.value = binding.value ? Math.min(Math.max(binding.used, 0), binding.value) : 1;
    used.setAttribute("aria-label", `Used of ${placeText(kind, period)}`);
    entry.append(used, element("p", `${limitText(kind, binding.used)} used, counted until ${at(binding.ends_at)}`, "hint"));
  }
  if (!own) {
    entry.append(element("p", "Set by the rules or by the casino", "hint"));
    return entry;
  }
  if (binding && own.value !== binding.value) {
    const mine = own.value === null ? "You have set none" : `Your own is ${limitText(kind, own.value)}`;
    entry.append(element("p", `${mine}; the rules or the casino have a tighter one.`, "hint"));
  }
  const press = (value) => (event) => attempt("limit", event.target, () => putLimit(kind, period, value));
  const choices = element("div", undefined, "limit-choices");
  if (own.effective_at) {
    const looser = own.waiting === null ? "No limit" : limitText(kind, own.waiting);
    const due = new Date(own.effective_at) <= new Date();
    const asks = protectionRules.confirmed;
    const when = due && asks ? "waits for you to confirm it" : `waits until ${at(own.effective_at)}`;
    entry.append(element("p", `${looser} ${when}.`, "hint pending"));
    if (due && asks) {
      choices.append(pressable("Confirm", "quiet", "confirm-limit", (event) => attempt("limit", event.target, async () => {
        const limit = await call("POST", `${PROTECTION}/limits/${kind}/${period}/confirmation`);
        await showProtection();
        return `${placeText(kind, period)}: ${limitText(kind, limit.value)}, in force now.`;
      })));
    }
    choices.append(pressable("Keep the tighter limit", "quiet", "keep-limit", press(own.value)));
  } else if (own.value !== null) {
    choices.append(pressable("Remove", "quiet", "remove-limit", press(null)));
  }
  for (const button of choices.children) button.setAttribute("aria-label", `${button.textContent}: ${placeText(kind, period)}`);
  if (choices.children.length) entry.append(choices);
  return entry;
}

function showLimits(state) {
  const entries = [];
  for (const kind of Object.keys(protectionRules.kinds)) {
    for (const period of Object.keys(protectionRules.periods)) {
      const here = (one) => one.kind === kind && one.period === period;
      const binding = state.binding.find(here);
      const own = state.limits.find((one) => here(one) && one.origin === "player" && (one.value !== null || one.effective_at));
      if (binding || own) entries.push(limitEntry(kind, period, binding, own));
    }
  }
  if (!entries.length) entries.push(element("li", "No limit is set.", "hint"));
  $("limits").replaceChildren(...entries);
  const required = state.required.map((name) => {
    const [kind, period] = name.split("/");
    return period ? placeText(kind, period) : protectionRules.kinds[kind];
  });
  $("limits-required").textContent = `Before your first deposit set a limit of: ${required.join("; ")}.`;
  $("limits-required").hidden = !required.length;
}

function limitForm() {
  const kind = $("limit-kind").value;
  const rule = protectionRules.limits.find((one) => one.kind === kind && one.period === $("limit-period").value);
  const most = rule && rule.maximum !== null ? `At most ${limitText(kind, rule.maximum)} here.` : "";
  $("limit-unit").textContent = kind === "session" ? "Minutes" : `Amount in ${currency}`;
  $("limit-hint").textContent = most;
}

async function setLimit(event) {
  event.preventDefault();
  const [kind, period, text] = [$("limit-kind").value, $("limit-period").value, $("limit-value").value];
  await attempt("limit", event.submitter, async () => {
    const value = kind === "session" ? (/^\d{1,6}$/.test(text.trim()) ? Number(text) : null) : toMinor(text);
    if (value === null) {
      throw new Error(kind === "session" ? "Write whole minutes, for example 60." : `Write the amount as a number of ${currency}, for example 20.`);
    }
    const said = await putLimit(kind, period, value);
    $("limit-value").value = "";
    return said;
  });
}

async function showChanges() {
  if (!$("limit-changes").open) return;
  await attempt("limit", null, async () => {
    const { entries } = await call("GET", `${PROTECTION}/limits/history`);
    const rows = entries.map((entry) => {
      const row = element("tr");
      const by = entry.origin === "staff" ? " by the casino" : "";
      row.append(
        cell(at(entry.recorded_at)), cell(placeText(entry.kind, entry.period)), cell((CHANGES[entry.change] || entry.change) + by),
        cell(limitText(entry.kind, entry.value), "number"),
      );
      return row;
    });
    $("limit-changes").querySelector("tbody").replaceChildren(...(rows.length ? rows : [emptyRow(4, "None yet.")]));
  });
}

function emptyRow(columns, text) {
  const row = element("tr", undefined, "empty");
  row.append(cell(text));
  row.firstChild.colSpan = columns;
  return row;
}

// Breaks and exclusions.

function showExclusions(state) {
  const running = state.exclusions.filter((one) => !one.ended_at);
  const lines = !state.excluded ? [] : running.map((one) => {
    const until = one.until ? `until ${at(one.until)}` : "without an end";
    const back = one.return_at ? ` You may play again from ${at(one.return_at)} on.` : "";
    return element("p", `${EXCLUSIONS[one.kind] || "You are excluded"} ${until}: no play and no deposits.${back}`);
  });
  if (state.excluded && running.some((one) => one.kind === "self_exclusion" && !one.return_at)) {
    lines.push(pressable("Ask to come back", "quiet", "ask-to-return", (event) => attempt("break", event.target, async () => {
      await call("POST", `${PROTECTION}/self-exclusion/return`);
      await showProtection();
      return "You have asked to come back.";
    })));
  }
  $("exclusions").replaceChildren(...lines);
  $("exclusions").hidden = !lines.length;
}

async function takeBreak(event) {
  event.preventDefault();
  const days = Number($("break-days").value);
  const text = `Until ${daysFromNow(days)} you cannot play or deposit. Nobody can shorten this, not even we. You can withdraw.`;
  if (!(await confirmed(`Take a break of ${plural(days, "day")}?`, text, "Take the break"))) return;
  await attempt("break", event.submitter, async () => {
    const taken = await call("POST", `${PROTECTION}/time-outs`, { days });
    await showProtection();
    return `Your break lasts until ${at(taken.until)}.`;
  });
}

async function excludeYourself(event) {
  event.preventDefault();
  const days = $("exclusion-length").value === "endless" ? null : Number($("exclusion-days").value);
  const { endlessDays, endsByItself, returnHours, mayLogIn } = protectionRules;
  const until = days === null ? `For at least ${plural(endlessDays, "day")}` : `Until ${daysFromNow(days)}`;
  const end = days !== null && endsByItself
    ? "After that you may play again."
    : `After that it goes on until you ask to come back; you may play ${plural(returnHours, "hour")} later.`;
  const logIn = mayLogIn ? "You are logged out; you can log in to withdraw." : "You are logged out, and cannot log in meanwhile. We pay your balance out when you ask us to.";
  const title = days === null ? "Exclude yourself without an end?" : `Exclude yourself for ${plural(days, "day")}?`;
  const text = `${until} you cannot play or deposit. Nobody can shorten this, not even we. ${end} ${logIn}`;
  if (!(await confirmed(title, text, "Exclude me"))) return;
  await attempt("break", event.submitter, async () => {
    await call("POST", `${PROTECTION}/self-exclusion`, { days });
    location.assign("/?excluded"); // the session has ended
  });
}

async function showProtection() {
  const state = await call("GET", `${PROTECTION}/protection`);
  showLimits(state);
  showExclusions(state);
  await showChanges();
}

if (protection) {
  $("limit-form").addEventListener("submit", setLimit);
  for (const id of ["limit-kind", "limit-period"]) $(id).addEventListener("change", limitForm);
  $("limit-changes").addEventListener("toggle", showChanges);
  $("break-form").addEventListener("submit", takeBreak);
  $("exclusion-form").addEventListener("submit", excludeYourself);
  $("exclusion-length").addEventListener("change", () => {
    const endless = $("exclusion-length").value === "endless";
    $("exclusion-days-label").hidden = endless;
    $("exclusion-days").disabled = endless;
  });
  limitForm();
  attempt("limit", null, showProtection);
}
