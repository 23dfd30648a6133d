"use strict";
// The page's only script. Money stays in integer minor units; the server's answers are shown as they are.

const $ = (id) => document.getElementById(id);
const { currency, exponent: exponentText, cycleMs: cycleText, realtime, checks } = document.body.dataset;
const exponent = Number(exponentText);
const cycleMs = Number(cycleText);
const HISTORY_ROWS = 10;
const ROLL_MS = 700;

/** 123456 -> "1,234.56 GBP", as the server writes it. */
function money(minor) {
  const digits = String(Math.abs(minor)).padStart(exponent + 1, "0");
  const whole = digits.slice(0, digits.length - exponent).replace(/\B(?=(\d{3})+$)/g, ",");
  const fraction = exponent ? "." + digits.slice(-exponent) : "";
  return `${minor < 0 ? "-" : ""}${whole}${fraction} ${currency}`;
}

/** "20.5" -> 2050 without a float in between; null when it is no amount of this currency. */
function toMinor(text) {
  const match = /^(\d{1,10})(?:[.,](\d+))?$/.exec(text.trim());
  if (!match || (match[2] || "").length > exponent) return null;
  return Number(match[1] + (match[2] || "").padEnd(exponent, "0"));
}

function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

function showError(text) {
  $("error").textContent = text || "";
  $("error").hidden = !text;
  if (text) $("error").scrollIntoView({ block: "nearest" });
}

// A key lives until its answer is known: pressing again after a lost answer asks about the same round or deposit.
const keys = new Map();
function keyFor(intent) {
  if (!keys.has(intent)) keys.set(intent, newKey());
  return keys.get(intent);
}

// What an answer asks for is said as the interface's users read it; who reads this page has its parts to go to.
const REMEDIES = {
  LIMIT_REQUIRED: "Set it under Limits on this page, then press again.",
  PLAY_BARRED: "Under Limits on this page you see why, and until when.",
  DEPOSIT_BARRED: "Under Limits on this page you see why, and until when.",
};
const acted = []; // each is called with the code of a refusal, or nothing, when the player's act was answered
const heard = {}; // topic -> what to do when real time tells of it

// How many answers are awaited, and when the last came: meanwhile what the casino tells by itself is not shown yet,
// since it may be of before the answer, or of a spin whose reels still turn.
let awaited = 0;
let answeredAt = -Infinity;

async function call(method, path, body, intent, again = false) {
  const headers = { Accept: "application/json" };
  if (body) headers["Content-Type"] = "application/json";
  if (method !== "GET") headers["X-CSRF-Token"] = document.querySelector("meta[name=csrf-token]").content;
  if (intent) headers["Idempotency-Key"] = keyFor(intent);
  let response, answer;
  awaited += 1;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body), credentials: "same-origin" });
    answer = response.status === 204 ? {} : await response.json();
  } catch {
    throw new Error("The casino's answer was lost. Press again: nothing is charged twice.");
  } finally {
    awaited -= 1;
    answeredAt = performance.now();
  }
  if (response.status < 500 && !(response.ok && answer.status === "pending")) keys.delete(intent);
  if (method !== "GET") acted.forEach((tell) => tell(answer.code));
  if (answer.code === "LOCATION_REQUIRED" && !again) {
    // Where the player is counts for minutes: it is judged anew by where the page connects from, then asked once more.
    await call("POST", "/api/v1/sessions/current/location", {}, undefined, true);
    return call(method, path, body, intent, true);
  }
  if (response.status === 401) {
    location.reload();
    throw new Error("Your session has ended. Log in again.");
  }
  if (!response.ok) throw new Error(`${answer.detail} ${REMEDIES[answer.code] || answer.remedy}`);
  return answer;
}

function setBalance(minor) {
  $("balance").textContent = money(minor);
  $("balance").dataset.minor = minor;
}

function cell(text, className) {
  const td = document.createElement("td");
  td.textContent = text;
  if (className) td.className = className;
  return td;
}

const names = JSON.parse(document.body.dataset.names || "{}"); // what a movement is called

/** The time of a movement, with its day when that is not today. */
function moment(iso) {
  const then = new Date(iso);
  const day = then.toDateString() === new Date().toDateString() ? "" : `${then.toLocaleDateString([], { dateStyle: "short" })} `;
  return day + then.toLocaleTimeString([], { hour12: false });
}

function historyRow(entry) {
  const row = document.createElement("tr");
  row.dataset.kind = entry.kind;
  row.append(
    cell(moment(entry.created_at)),
    cell(names[entry.kind] || "Movement"),
    cell(money(entry.amount_minor), entry.amount_minor > 0 ? "number plus" : "number"),
    cell(money(entry.balance_minor), "number"),
  );
  return row;
}

/** The newest movements of the chosen kind, or those after `before`, which are put below. */
async function refreshHistory(before) {
  const asked = new URLSearchParams({ limit: HISTORY_ROWS });
  if ($("history-kind").value) asked.set("kind", $("history-kind").value);
  if (before) asked.set("before", before);
  const { entries, next } = await call("GET", `/api/v1/history?${asked}`);
  const rows = entries.map(historyRow);
  const body = $("history").tBodies[0];
  if (before) {
    body.append(...rows);
  } else {
    if (!rows.length) {
      const none = document.createElement("tr");
      none.className = "empty";
      none.append(cell("Nothing yet."));
      none.firstChild.colSpan = 4;
      rows.push(none);
    }
    body.replaceChildren(...rows);
  }
  $("history-older").hidden = !next;
  $("history-older").dataset.before = next || "";
}

function drawReels(columns, hits) {
  document.querySelectorAll("#reels .reel").forEach((reel, x) => {
    reel.querySelectorAll(".symbol").forEach((symbol, y) => {
      const name = columns[x][y];
      symbol.setAttribute("aria-label", name);
      symbol.querySelector("use").setAttribute("href", `#symbol-${name}`);
      symbol.classList.toggle("hit", hits.has(`${x},${y}`));
    });
  });
}

function hitCells(wins) {
  const lines = JSON.parse($("game").dataset.paylines);
  const cells = new Set();
  for (const win of wins) for (let x = 0; x < win.count; x++) cells.add(`${x},${lines[win.line - 1][x]}`);
  return cells;
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(ms, 0)));

async function spin(event) {
  event.preventDefault();
  const button = $("submit-spin");
  const result = $("spin-result");
  const stake = Number($("stake").value);
  const started = performance.now();
  button.disabled = true;
  showError("");
  $("reels").classList.add("spinning");
  result.className = "result";
  result.textContent = "…";
  let wait = 0;
  try {
    const path = `/api/v1/games/${$("game").dataset.game}/spins`;
    const round = await call("POST", path, { stake_minor: stake }, `spin ${stake}`);
    await pause(ROLL_MS - (performance.now() - started));
    // What comes back is celebrated only when it is more than the stake: anything less is a loss.
    const won = round.win_minor > round.stake_minor;
    drawReels(round.reels, won ? hitCells(round.wins) : new Set());
    const back = round.win_minor ? `${money(round.win_minor)} comes back` : "No win this time";
    result.textContent = won ? `You win ${money(round.win_minor)}` : back;
    result.classList.toggle("win", won);
    Object.assign(result.dataset, { roundId: round.round_id, winMinor: round.win_minor });
    setBalance(round.balance_minor);
    wait = cycleMs - (performance.now() - started);
    refreshHistory().catch(() => {});
  } catch (error) {
    result.textContent = "";
    showError(error.message);
  }
  $("reels").classList.remove("spinning");
  await pause(wait);
  button.disabled = false;
}

async function deposit(event) {
  event.preventDefault();
  const button = $("submit-deposit");
  const status = $("deposit-status");
  const amount = toMinor($("deposit-amount").value);
  const card = $("deposit-card").value.trim();
  showError("");
  status.textContent = "";
  if (!amount) return showError(`Write the amount as a number of ${currency}, for example 20.`);
  button.disabled = true;
  status.textContent = "Asking the bank…";
  try {
    const answer = await call("POST", "/api/v1/deposits", { amount_minor: amount, card_token: card }, `deposit ${amount} ${card}`);
    setBalance(answer.balance_minor);
    if (answer.status === "captured") {
      status.textContent = `${money(amount)} deposited.`;
      $("deposit-amount").value = "";
    } else if (answer.status === "pending") {
      status.textContent = "The bank has not confirmed yet. Your balance follows as soon as it does; you need not pay again.";
    } else {
      status.textContent = "";
      showError(`The bank declined the deposit (${answer.decline_code}). Try another card.`);
    }
    refreshHistory().catch(() => {});
  } catch (error) {
    status.textContent = "";
    showError(error.message);
  }
  button.disabled = false;
}

/** Follow the balance over a WebSocket. Without one the page works as before: each answer brings the balance. */
function follow(url) {
  const FATAL = new Set([4400, 4401, 4403, 4409, 4410, 4429, 4430, 4431]); // asking again would not help
  const CALM_MS = 1500;
  let pause = 1000;
  let version = -1;
  let waiting = null;

  function show(minor) {
    clearTimeout(waiting);
    const calm = !awaited && performance.now() - answeredAt > CALM_MS && !document.querySelector("#reels.spinning");
    if (calm) setBalance(minor);
    else waiting = setTimeout(show, CALM_MS, minor);
  }

  function connect() {
    const address = new URL(url, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address, "casino.v1");
    const say = (message) => socket.send(JSON.stringify(message));
    socket.onopen = () =>
      say({ op: "authenticate", csrf_token: document.querySelector("meta[name=csrf-token]").content });
    socket.onmessage = (event) => {
      const message = JSON.parse(event.data);
      if (message.op === "authenticated") {
        pause = 1000;
        for (const topic of checks ? ["balance", "reality_check"] : ["balance"]) say({ op: "subscribe", topic });
      } else if (message.op === "message" && message.topic === "balance" && message.data.version > version) {
        version = message.data.version;
        show(message.data.balance_minor);
      } else if (message.op === "message" && heard[message.topic]) {
        heard[message.topic]();
      }
    };
    socket.onclose = (event) => {
      if (FATAL.has(event.code)) return;
      setTimeout(connect, pause * (0.5 + Math.random()));
      pause = Math.min(pause * 2, 60000);
    };
  }
  connect();
}

function tick() {
  const seconds = Math.max(0, Math.floor((Date.now() - Date.parse($("session-time").dataset.started)) / 1000));
  const two = (n) => String(n).padStart(2, "0");
  $("session-time").textContent = `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

if ($("session-time")) {
  tick();
  setInterval(tick, 1000);
  if (realtime && "WebSocket" in window) follow(realtime);
  $("deposit-form").addEventListener("submit", deposit);
  if ($("spin-form")) $("spin-form").addEventListener("submit", spin);
  const history = (before) => refreshHistory(before).catch((error) => showError(error.message));
  $("history-kind").addEventListener("change", () => history());
  $("history-older").addEventListener("click", () => history($("history-older").dataset.before));
  for (const time of document.querySelectorAll("#history time")) time.textContent = moment(time.dateTime);
}
