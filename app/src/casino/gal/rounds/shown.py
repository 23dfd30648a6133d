"""Rounds as players and staff see them: what is hidden stays hidden until a round is over. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from casino.gal.jackpots import Paid
from casino.gal.rounds.models import (
    FairDrawsAnswer,
    JackpotPart,
    JackpotWinAnswer,
    PhaseAnswer,
    RoundAnswer,
    RoundGameAnswer,
    RoundPicture,
    WagerFigures,
)
from casino.game_control.api import Definition, Figures, Jackpot, Recall, RoundState, StoredRound, percent, recall
from casino.wallet.api import GameRound, PlayedRound, StepTaken


def answer(of: StepTaken | GameRound, paid: Paid | None = None) -> RoundAnswer:
    """A step as it was answered when it was taken, or a round as it is now; `paid` is what it won of a jackpot."""
    if isinstance(of, StepTaken):
        game, step = of.game, of.step
        state = RoundState.of_json({**step.state, "steps": []})
        number, took, balance = step.step, step.stake_minor, step.balance_minor
        status = "closed" if step.closed else "open"
    else:
        game, state = of, RoundState.of_json(of.state)
        number, took, balance = of.step, state.step_stake_minor, of.balance_after_minor
        status = of.status
    return RoundAnswer.model_validate(
        {
            "round_id": game.round_id,
            "game_id": game.game_id,
            "version": game.version,
            "status": status,
            "step": number,
            "stake_minor": took,
            "staked_minor": state.staked_minor,
            "win_minor": state.win_minor if status != "voided" else 0,
            "balance_minor": balance if paid is None else paid.balance_minor,
            "jackpot": None if paid is None else JackpotWinAnswer(name=paid.jackpot, win_minor=paid.amount_minor),
            "actions": list(state.actions) if status == "open" else [],
            "data": state.visible()["data"],
            "started_at": game.started_at,
            "fair": fair_draws(game.draws),
        }
    )


def picture(game: GameRound, currency: str, exponent: int) -> RoundPicture:
    """The recall of a round, with where it is. Raises RecallImpossible when its record contradicts itself."""
    state = RoundState.of_json(game.state)
    stored = StoredRound(
        round_id=str(game.round_id),
        played_at=game.started_at,
        currency=currency,
        currency_exponent=exponent,
        staked_minor=game.staked_minor,
        win_minor=game.won_minor if game.status == "closed" else state.win_minor,
        balance_after_minor=game.balance_after_minor,
        details=game.state,
        balance_before_minor=game.balance_before_minor,
    )
    return _picture(
        recall(stored),
        status=game.status,
        step=game.step,
        actions=list(state.actions) if game.status == "open" else [],
        ended_at=game.ended_at,
        end_reason=game.end_reason,
        won_minor=game.won_minor if game.status != "open" else state.win_minor,
        returned_minor=game.staked_minor if game.status == "voided" else 0,
        fair=fair_draws(game.draws),
    )


def spin_picture(spin: PlayedRound, exponent: int) -> RoundPicture:
    """The recall of a spin."""
    stored = StoredRound(
        round_id=str(spin.round_id),
        played_at=spin.played_at,
        currency=spin.currency,
        currency_exponent=exponent,
        staked_minor=spin.staked_minor,
        win_minor=spin.won_minor,
        balance_after_minor=spin.balance_after_minor,
        details=spin.details,
    )
    return _picture(recall(stored), status="closed", step=1, ended_at=spin.played_at, won_minor=spin.won_minor)


def _picture(
    shown: Recall,
    *,
    status: str,
    step: int,
    won_minor: int,
    actions: list[str] | None = None,
    ended_at: Any = None,
    end_reason: str | None = None,
    returned_minor: int = 0,
    fair: FairDrawsAnswer | None = None,
) -> RoundPicture:
    return RoundPicture.model_validate(
        {
            "label": shown.label if status != "open" else None,
            "round_id": uuid.UUID(shown.round_id),
            "game_id": shown.game_id,
            "version": shown.version,
            "status": status,
            "step": step,
            "actions": actions or [],
            "played_at": shown.played_at,
            "ended_at": ended_at,
            "end_reason": end_reason,
            "currency": shown.currency,
            "currency_exponent": shown.currency_exponent,
            "balance_before_minor": shown.balance_before_minor,
            "balance_after_minor": shown.balance_after_minor,
            "stakes": list(shown.stakes),
            "staked_minor": shown.staked_minor,
            "win_minor": won_minor,
            "returned_minor": returned_minor,
            "complete": shown.complete,
            "phases": [
                PhaseAnswer(number=one.number, name=one.name, choices=dict(one.choices), shown=dict(one.shown))
                for one in shown.phases
            ],
            "final_display": dict(shown.final_display),
            "fair": fair,
        }
    )


def fair_draws(draws: Mapping[str, Any] | None) -> FairDrawsAnswer | None:
    """What the player may know of a provably fair round's draws."""
    if draws is None:
        return None
    return FairDrawsAnswer(
        seed_id=uuid.UUID(draws["seed_id"]), client_seed=draws["client_seed"], nonce=int(draws["nonce"])
    )


def game_answer(definition: Definition, cap_minor: int | None) -> RoundGameAnswer:
    """A game on offer, its stakes up to the player's cap."""
    return RoundGameAnswer(
        game_id=definition.game_id,
        name=definition.name,
        kind=definition.kind,
        version=definition.version,
        stakes_minor=[stake for stake in definition.stakes_minor if cap_minor is None or stake <= cap_minor],
        choices=definition.offered_choices(),
        actions=list(definition.ACTIONS),
        figures=[_figures(wager, figures) for wager, figures in definition.figures.items()],
        jackpot=jackpot_part(definition.jackpot),
    )


def jackpot_part(terms: Jackpot | None) -> JackpotPart | None:
    """What a game's jackpot returns besides."""
    if terms is None:
        return None
    return JackpotPart(name=terms.name, rtp_low=percent(terms.rtp_low), rtp_high=percent(terms.rtp_high))


def _figures(wager: str, figures: Figures) -> WagerFigures:
    hundredths = figures.rtp.numerator * 10_000 // figures.rtp.denominator
    return WagerFigures(
        wager=wager,
        rtp=f"{figures.rtp.numerator}/{figures.rtp.denominator}",
        rtp_percent=f"{hundredths // 100}.{hundredths % 100:02d}",
        hit_rate=f"{figures.hit_rate.numerator}/{figures.hit_rate.denominator}",
        volatility=str(figures.volatility),
        mean_stake=f"{figures.mean_stake.numerator}/{figures.mean_stake.denominator}",
    )
