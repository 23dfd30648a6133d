"""Rounds of several steps: what a round is at and what it has staked, written together or not at all.

The state is the game's own and opaque here. Each step is one statement, once for its key, and counts only when the
round still is where the state was worked out from: of two that were worked out from the same step, one stands.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from casino.compliance.api import closed
from casino.kernel.errors import CasinoError, IdempotencyKeyReused
from casino.kernel.money import format_minor
from casino.wallet.operation import OperationInForce
from casino.wallet.repository_limits import PlayerLimits
from casino.wallet.repository_rounds import RoundRepository
from casino.wallet.round_values import GameRound, PlayedRound, RoundStep, StepRequest
from casino.wallet.service import (
    AccountNotOpen,
    GameCycleTooShort,
    InsufficientFunds,
    PlayBarred,
    StakeAboveLimit,
    may_stake,
)


class GameRoundUnknown(CasinoError):
    status, code = 404, "GAME_ROUND_UNKNOWN"
    rule = "a round is its player's"
    remedy = "Ask GET /api/v1/rounds for the rounds of this player."


class RoundOver(CasinoError):
    status, code = 409, "ROUND_OVER"
    rule = "a round ends once"
    remedy = "Read the round's result, and start another."


class RoundMovedOn(CasinoError):
    status, code = 409, "ROUND_MOVED_ON"
    rule = "an action counts at the step that it was chosen for"
    remedy = "Read the round and choose again; nothing was staked by this request."


class RoundOpen(CasinoError):
    status, code = 409, "ROUND_OPEN"
    rule = "an interrupted round is finished before its game begins another"


class RoundTooLate(CasinoError):
    status, code = 409, "ROUND_TOO_LATE"
    rule = "a round starts while its draws are reserved for it"
    remedy = "Start again with a new Idempotency-Key; nothing was staked by this request."


_REFUSALS: dict[str, tuple[type[CasinoError], str]] = {
    "key_reused": (IdempotencyKeyReused, "The Idempotency-Key was used for another request before."),
    "round_unknown": (GameRoundUnknown, "There is no such round of this player."),
    "round_over": (RoundOver, "The round is over."),
    "step_passed": (RoundMovedOn, "The round is not at the step any more that this action was chosen for."),
    "too_late": (RoundTooLate, "The round's draws are no longer reserved for it."),
    "barred": (PlayBarred, "The player is excluded from play."),
}


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step that stands, now or from an earlier request with the same key, and the round as it is now."""

    game: GameRound
    step: RoundStep
    replayed: bool


class GameRounds:
    """Rounds of several steps in the tenant's one currency."""

    def __init__(
        self,
        repository: RoundRepository,
        limits: PlayerLimits,
        currency: str,
        currency_exponent: int,
        operation: OperationInForce | None = None,
    ) -> None:
        self._operation = operation
        self._repository = repository
        self._limits = limits
        self.currency = currency
        self.currency_exponent = currency_exponent

    async def take(self, request: StepRequest) -> StepTaken:
        """Write a step, or find the one that the same key stands for.

        Raises IdempotencyKeyReused, GameRoundUnknown, RoundOver, RoundMovedOn, RoundOpen, RoundTooLate, PlayClosed,
        StakeAboveLimit, PlayLimitReached, GameCycleTooShort, InsufficientFunds, AccountNotOpen, PlayBarred; nothing
        has moved then, and the key stays free. A step that stakes nothing is taken whatever the casino may do.
        """
        here = self._operation is not None and self._operation.closed_here
        if here:
            request = replace(request, stake_cap_minor=0)  # it binds stakes alone, and after the key
        outcome, balance, amount, game, step = await self._repository.step(request)
        cap = request.stake_cap_minor
        if outcome == "stake_above_limit" and (cap is None or request.stake_minor <= cap):
            left = await self._limits.renew(request.account_id)
            if may_stake(left, request.stake_minor, self._money):
                outcome, balance, amount, game, step = await self._repository.step(request)
        if here and outcome == "stake_above_limit":
            raise closed("stake")
        if outcome in ("stepped", "replayed"):
            assert game is not None and step is not None
            return StepTaken(game, step, outcome == "replayed")
        raise self._refusal(outcome, request, balance or 0, amount or 0, game)

    async def known(self, account_id: int, key: str, request_hash: bytes) -> StepTaken | None:
        """The step that a key stands for. Raises IdempotencyKeyReused when it stands for another request."""
        found = await self._repository.step_of_key(account_id, key)
        if found is None:
            return None
        known_hash, game, step = found
        if known_hash != request_hash:
            raise IdempotencyKeyReused(_REFUSALS["key_reused"][1])
        return StepTaken(game, step, True)

    async def find(self, round_id: uuid.UUID, account_id: int | None = None) -> GameRound:
        """A round, of this account or of anybody. Raises GameRoundUnknown."""
        found = await self._repository.find(round_id)
        if found is None or account_id not in (None, found.account_id):
            raise GameRoundUnknown("There is no such round of this player.")
        return found

    async def played(self, round_id: uuid.UUID, account_id: int | None = None) -> PlayedRound | None:
        """A round of one step from the journal, a spin among them; None when there is none of that id."""
        found = await self._repository.played(round_id)
        return found if found is not None and account_id in (None, found.account_id) else None

    async def of_player(self, account_id: int, *, only_open: bool, limit: int) -> Sequence[GameRound]:
        """The player's rounds, newest first."""
        return await self._repository.of_player(account_id, only_open, limit)

    async def steps(self, round_id: uuid.UUID) -> Sequence[RoundStep]:
        """All steps of a round, in order."""
        return await self._repository.steps(round_id)

    async def due(
        self, now: datetime, after: tuple[datetime, uuid.UUID] | None, limit: int = 100
    ) -> Sequence[GameRound]:
        """Open rounds that are to be ended by rule, the longest due first, beyond `after`."""
        return await self._repository.due(now, after, limit)

    async def statuses(self, round_ids: Collection[uuid.UUID]) -> Mapping[uuid.UUID, str]:
        """`open`, `closed` or `voided` of those rounds that there are."""
        return await self._repository.statuses(round_ids)

    async def void(self, round_id: uuid.UUID, reason: str, by: uuid.UUID | None, at: datetime) -> GameRound:
        """End an open round without a result: its stakes go back, and the journal says why and who.

        A voided one is answered as it is. Raises GameRoundUnknown, RoundOver.
        """
        outcome, game = await self._repository.void(round_id, reason, by, at)
        if outcome == "round_unknown" or game is None:
            raise GameRoundUnknown("There is no such round.")
        if outcome == "round_over":
            raise RoundOver("The round has a result, and is not voided.")
        return game

    def _refusal(
        self, outcome: str, request: StepRequest, balance: int, amount: int, game: GameRound | None
    ) -> CasinoError:
        if outcome == "casino_closed":
            return closed("stake")
        if outcome == "stake_above_limit":
            return self.stake_above_limit(request.stake_minor, amount)
        if outcome == "cycle_too_short":
            return _too_soon(request.min_cycle_ms or 0, amount)
        if outcome == "insufficient_funds":
            stake, held = self._money(request.stake_minor), self._money(balance)
            return InsufficientFunds(f"The stake of {stake} is more than the balance of {held}.")
        if outcome == "round_open" and game is not None:
            return RoundOpen(
                "The player has a round of this game that is not over.",
                remedy=f"Go on with it: GET /api/v1/rounds/{game.round_id}.",
            )
        kind, why = _REFUSALS.get(outcome, (AccountNotOpen, "The account may not play."))
        return kind(why)

    def stake_above_limit(self, stake_minor: int, cap_minor: int) -> StakeAboveLimit:
        """The refusal of a stake above what binds the player."""
        return StakeAboveLimit(
            f"The stake of {self._money(stake_minor)} is above the limit of {self._money(cap_minor)} for this player.",
            remedy=f"Stake {self._money(cap_minor)} or less.",
        )

    def _money(self, minor: int) -> str:
        return format_minor(minor, self.currency, self.currency_exponent)


def _too_soon(cycle_ms: int, wait_ms: int) -> GameCycleTooShort:
    return GameCycleTooShort(
        f"A game cycle lasts at least {cycle_ms / 1000:g} seconds here.",
        remedy=f"Play on in {wait_ms / 1000:.1f} seconds.",
        headers={"Retry-After": str(-(-wait_ms // 1000))},
    )
