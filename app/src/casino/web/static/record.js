"use strict";
// Reality checks and the statement: what the player has done, as the server has it. Loaded after protection.js.

let checksAsked = -Infinity;
let toAcknowledge = [];

/** Look for checks that were not acknowledged. Never by a clock: asking would keep an idle session from ending. */
async function lookForChecks() {
  checksAsked = performance.now();
  const { checks } = await call("GET", `${PROTECTION}/reality-checks`);
  toAcknowledge = checks.filter((one) => !one.acknowledged_at);
  if (!toAcknowledge.length || $("reality-check").open) return;
  const [newest] = toAcknowledge;
  const played = duration((Date.parse(newest.told_at) - Date.parse(newest.since)) / 1000);
  const net = newest.net_minor;
  const result = net < 0 ? `You have lost ${money(-net)}.` : net > 0 ? `You have won ${money(net)}.` : "You have neither won nor lost.";
  $("check-text").textContent =
    `In ${played}, since ${at(newest.since)}, you staked ${money(newest.staked_minor)} and ${money(newest.won_minor)} came back. ${result}`;
  $("check-error").hidden = true;
  $("reality-check").showModal();
  $("check-go-on").focus();
}

async function acknowledgeChecks() {
  $("check-go-on").disabled = true;
  try {
    for (const one of toAcknowledge) await call("POST", `${PROTECTION}/reality-checks/${one.check_id}/acknowledgement`);
    toAcknowledge = [];
    $("reality-check").close();
    showError("");
  } catch (error) {
    $("check-error").textContent = error.message;
    $("check-error").hidden = false;
  }
  $("check-go-on").disabled = false;
}

// The statement.

function statementRow(name, sums) {
  const row = element("tr");
  const first = element("th", name);
  first.scope = "row";
  row.append(first, cell(sums.rounds.toLocaleString("en-GB"), "number"));
  for (const key of ["staked_minor", "won_minor", "net_minor", "deposited_minor", "withdrawn_minor"]) {
    row.append(cell(money(sums[key]), key === "net_minor" && sums[key] > 0 ? "number plus" : "number"));
  }
  return row;
}

async function showStatement(event) {
  event.preventDefault();
  await attempt("statement", event.submitter, async () => {
    const asked = new URLSearchParams();
    for (const name of ["since", "until"]) if ($(`statement-${name}`).value) asked.set(name, $(`statement-${name}`).value);
    const statement = await call("GET", `${PROTECTION}/activity?${asked}`);
    const total = {};
    for (const day of statement.days) {
      for (const [key, value] of Object.entries(day)) if (typeof value === "number") total[key] = (total[key] || 0) + value;
    }
    const table = $("statement-table");
    table.hidden = false;
    const rows = statement.days.map((day) => statementRow(day.day, day)).reverse();
    table.querySelector("tbody").replaceChildren(...(rows.length ? rows : [emptyRow(7, "Nothing on these days.")]));
    table.querySelector("tfoot").replaceChildren(...(rows.length > 1 ? [statementRow("Together", total)] : []));
    return `${statement.since} to ${statement.until}. Time with a session: ${duration(statement.session_s)}.`;
  });
}

if (protection) {
  $("statement-form").addEventListener("submit", showStatement);
  $("check-go-on").addEventListener("click", acknowledgeChecks);
  $("check-leave").addEventListener("click", () => document.querySelector("form[action='/logout']").requestSubmit());
  $("reality-check").addEventListener("cancel", (event) => event.preventDefault());
  if (protectionRules.realityMinutes) {
    const CALM_MS = 30000;
    const look = () => lookForChecks().catch(() => {});
    heard.reality_check = look;
    acted.push((code) => {
      if (code === "PLAY_BARRED" || performance.now() - checksAsked > CALM_MS) look();
    });
    look();
  }
}
