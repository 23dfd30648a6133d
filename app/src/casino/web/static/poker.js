"use strict";
// The page's game of two steps. What is held is the player's; all else is shown as the server answers it.

const SUITS = { s: "\u2660", h: "\u2665", d: "\u2666", c: "\u2663" };
let pokerRound = null; // the open round, or null

const pokerCards = () => [...document.querySelectorAll("#poker-hand .playing-card")];

function showPoker(round) {
  const open = round.status === "open";
  pokerRound = open ? round : null;
  pokerCards().forEach((button, place) => {
    const [rank, suit] = round.data.cards[place];
    button.removeAttribute("aria-label");
    button.textContent = (rank === "T" ? "10" : rank) + SUITS[suit];
    button.classList.toggle("red", suit === "h" || suit === "d");
    button.disabled = !open;
    button.setAttribute("aria-pressed", "false");
  });
  $("poker-stake").disabled = open;
  $("submit-poker").textContent = open ? "Draw" : "Deal";
  const result = $("poker-result");
  const hand = (round.data.hand || "").replaceAll("_", " ");
  // What comes back is celebrated only when it is more than was staked.
  const won = !open && round.win_minor > round.staked_minor;
  const back = round.win_minor ? `${hand}: ${money(round.win_minor)} comes back` : "No win this time";
  result.textContent = open ? "Choose what to hold, then draw." : won ? `${hand}: you win ${money(round.win_minor)}` : back;
  result.classList.toggle("win", won);
  Object.assign(result.dataset, { roundId: round.round_id, status: round.status, winMinor: round.win_minor });
}

async function playPoker(event) {
  event.preventDefault();
  const button = $("submit-poker");
  button.disabled = true;
  showError("");
  try {
    let round;
    if (pokerRound) {
      const hold = pokerCards().flatMap((card, place) => (card.getAttribute("aria-pressed") === "true" ? [place] : []));
      const path = `/api/v1/rounds/${pokerRound.round_id}/actions`;
      const body = { step: pokerRound.step, action: "draw", choices: { hold } };
      round = await call("POST", path, body, `draw ${pokerRound.round_id} ${hold}`);
    } else {
      const stake = Number($("poker-stake").value);
      round = await call("POST", `/api/v1/games/${$("poker").dataset.game}/rounds`, { stake_minor: stake }, `deal ${stake}`);
    }
    showPoker(round);
    setBalance(round.balance_minor);
    refreshHistory().catch(() => {});
  } catch (error) {
    showError(error.message);
    await resumePoker().catch(() => {});
  }
  button.disabled = false;
}

/** A round that was interrupted, here or elsewhere, goes on where it stood. */
async function resumePoker() {
  const { rounds } = await call("GET", "/api/v1/rounds?open=true");
  const open = rounds.find((round) => round.game_id === $("poker").dataset.game);
  if (open) showPoker(open);
}

if ($("poker")) {
  for (const card of pokerCards()) {
    card.addEventListener("click", () =>
      card.setAttribute("aria-pressed", String(card.getAttribute("aria-pressed") !== "true")));
  }
  $("poker-form").addEventListener("submit", playPoker);
  resumePoker().catch(() => {});
}
