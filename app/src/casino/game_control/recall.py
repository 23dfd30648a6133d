"""Game recall: a stored round as it is shown again, to a player or to whoever settles a dispute.

The model has what GLI-19 asks of it: date and time, the final display, the balances around the round, the stake with
its multipliers, the credits won, the player's choices and the phases between, labelled as a replay. A pure function of
what was stored: nothing is played again, so a recall cannot differ from the round.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

LABEL = "REPLAY - no money is staked or won"
_CHOICES, _PHASE = "choices", "phase"


@dataclass(frozen=True, slots=True)
class StoredRound:
    """A round from the ledger: its money, and the details that were stored with it.

    `balance_after_minor` is the balance right after the round's last posting. `balance_before_minor` is told where
    other money may have moved while the round was open; else it follows from the round's own. `details` is either the
    state of a round (rounds.RoundState as JSON) or what a spin of one step stores (service.outcome_details).
    """

    round_id: str
    played_at: datetime
    currency: str
    currency_exponent: int
    staked_minor: int
    win_minor: int
    balance_after_minor: int
    details: Mapping[str, Any]
    balance_before_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of the round: what happened, what the player chose for it, and what it showed."""

    number: int
    name: str
    choices: Mapping[str, Any]
    shown: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recall:
    """What is displayed. Amounts in minor units; `played_at` in UTC as ISO 8601.

    `complete` is false for a round that was interrupted and not ended yet: its hidden parts are left out.
    """

    label: str
    round_id: str
    game_id: str
    version: str
    played_at: str
    currency: str
    currency_exponent: int
    balance_before_minor: int
    balance_after_minor: int
    stakes: tuple[Mapping[str, Any], ...]
    staked_minor: int
    win_minor: int
    complete: bool
    phases: tuple[Phase, ...]
    final_display: Mapping[str, Any]


class RecallImpossible(ValueError):
    """What was stored is not a round: a fault of the record, to be looked into."""


def recall(stored: StoredRound) -> Recall:
    """Raises RecallImpossible when the details lack what every round has, or contradict the ledger."""
    details = stored.details
    if not isinstance(details.get("game_id"), str) or not isinstance(details.get("version"), str):
        raise RecallImpossible(f"round {stored.round_id} does not say which game and version it is of")
    if stored.played_at.tzinfo is None:
        raise RecallImpossible(f"round {stored.round_id} has a time without a zone")
    whole = details if "steps" in details else _of_one_step(stored)
    if (whole["staked_minor"], whole["win_minor"]) != (stored.staked_minor, stored.win_minor):
        raise RecallImpossible(
            f"round {stored.round_id}: its details tell {whole['staked_minor']} staked and {whole['win_minor']} won, "
            f"the ledger {stored.staked_minor} and {stored.win_minor}"
        )
    complete = not whole["actions"]
    before = stored.balance_before_minor
    if before is None:
        before = stored.balance_after_minor - stored.win_minor + stored.staked_minor
    hidden = () if complete else tuple(whole["hidden"])
    return Recall(
        label=LABEL,
        round_id=stored.round_id,
        game_id=details["game_id"],
        version=details["version"],
        played_at=stored.played_at.isoformat(),
        currency=stored.currency,
        currency_exponent=stored.currency_exponent,
        balance_before_minor=before,
        balance_after_minor=stored.balance_after_minor,
        stakes=_stakes(whole),
        staked_minor=stored.staked_minor,
        win_minor=stored.win_minor,
        complete=complete,
        phases=tuple(_phase(number, step) for number, step in enumerate(whole["steps"], start=1)),
        final_display={key: value for key, value in whole["data"].items() if key not in hidden},
    )


def _of_one_step(stored: StoredRound) -> dict[str, Any]:
    """A spin's details in the shape of a round's state."""
    data = {key: value for key, value in stored.details.items() if key not in ("game_id", "version")}
    wins = data.get("wins", [])
    return {
        "stake_minor": stored.staked_minor,
        "staked_minor": stored.staked_minor,
        "win_minor": sum(win["win_minor"] for win in wins),
        "actions": [],
        "hidden": [],
        "steps": [{_PHASE: "spin"} | data],
        "data": data,
    }


def _stakes(whole: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """The first stake, what was staked in further steps, and how stakes are spread or multiplied, where they are."""
    stakes: list[Mapping[str, Any]] = [{"stake": "first", "amount_minor": whole["stake_minor"]}]
    further = whole["staked_minor"] - whole["stake_minor"]
    if further:
        stakes.append({"stake": "further", "amount_minor": further})
    data = whole["data"]
    for name in ("bets", "hands"):
        placed: Sequence[Mapping[str, Any]] = data.get(name, ())
        stakes += [
            {"stake": f"{name}[{index}]", "amount_minor": part["stake_minor"]} for index, part in enumerate(placed)
        ]
    multipliers = {step["multiplier"] for step in whole["steps"] if "multiplier" in step}
    if "multiplier" in data or multipliers:
        stakes.append({"stake": "multipliers", "values": sorted(multipliers | {data.get("multiplier", 1)})})
    return tuple(stakes)


def _phase(number: int, step: Mapping[str, Any]) -> Phase:
    shown = {key: value for key, value in step.items() if key not in (_PHASE, _CHOICES)}
    return Phase(number, str(step.get(_PHASE, "")), dict(step.get(_CHOICES, {})), shown)
