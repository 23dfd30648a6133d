"""The wallet's service: accounts, rounds and history. Deposits are in payments/."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from casino.compliance.api import closed
from casino.kernel.errors import CasinoError, IdempotencyKeyReused
from casino.kernel.money import format_minor
from casino.wallet.models import History, Round, RoundRequest
from casino.wallet.operation import OperationInForce
from casino.wallet.repository import WalletRepository
from casino.wallet.repository_limits import PlayerLimits, Renewed


class StakeAboveLimit(CasinoError):
    status, code = 403, "STAKE_ABOVE_LIMIT"
    rule = "slot_max_stake"


class InsufficientFunds(CasinoError):
    status, code = 402, "INSUFFICIENT_FUNDS"
    rule = "a stake is covered by the balance"
    remedy = "Deposit, or stake less."


class GameCycleTooShort(CasinoError):
    status, code = 429, "GAME_CYCLE_TOO_SHORT"
    rule = "slot_min_cycle_ms"


class AccountNotOpen(CasinoError):
    status, code = 403, "ACCOUNT_NOT_OPEN"
    rule = "only open accounts may play or deposit"
    remedy = "Ask the casino's support."


class PlayBarred(CasinoError):
    status, code = 403, "PLAY_BARRED"
    rule = "who is excluded, or takes a break, neither stakes nor deposits"
    remedy = "GET /api/v1/players/me/protection says why and until when; withdrawals are possible meanwhile."


class PlayLimitReached(CasinoError):
    status, code = 403, "PLAY_LIMIT_REACHED"
    rule = "the player's loss and stake limits"
    remedy = "Stake less, or wait until the limit's day, week or month is over."


def may_stake(left: Renewed, stake_minor: int, money: Callable[[int], str]) -> bool:
    """Whether a stake that was above a cap is within what is left, once the windows that have come were begun.

    Raises PlayLimitReached where a day's, week's or month's limit leaves less; False: another cap does.
    """
    cap = left.stake_cap_minor
    if cap is None or stake_minor <= cap:
        return True
    if left.window_ends_at is not None:
        raise PlayLimitReached(
            f"The stake of {money(stake_minor)} is more than the player's limits leave: {money(cap)}."
        )
    return False


class Wallet:
    """The tenant's wallet, in its one currency."""

    def __init__(
        self,
        repository: WalletRepository,
        limits: PlayerLimits,
        currency: str,
        currency_exponent: int,
        operation: OperationInForce | None = None,
    ) -> None:
        self._repository = repository
        self._operation = operation
        self._limits = limits
        self.currency = currency
        self.currency_exponent = currency_exponent

    async def open_account(self, player_id: uuid.UUID) -> int:
        """A player's cash account. Opened when there is none, and the same one however often this is called."""
        return await self._repository.open_player_account(player_id, self.currency)

    async def account_of(self, player_id: uuid.UUID) -> int | None:
        """The number of a player's cash account; None when it is not open yet."""
        return await self._repository.account_of(player_id, self.currency)

    async def balance(self, account_id: int) -> int:
        """The balance in minor units."""
        return await self._repository.balance(account_id)

    async def place_round(self, request: RoundRequest) -> Round:
        """Write a round's stake and win, or find the round that the same key stands for.

        Raises IdempotencyKeyReused, PlayClosed, StakeAboveLimit, PlayLimitReached, GameCycleTooShort,
        InsufficientFunds, AccountNotOpen; no money has moved then, and the key stays free.
        """
        here = self._operation is not None and self._operation.closed_here
        if here:
            request = replace(request, stake_cap_minor=0)  # so that a repeat is answered as before
        row = await self._repository.place_round(request)
        capped = row["outcome"] == "stake_above_limit"
        if capped and (request.stake_cap_minor is None or request.stake_minor <= request.stake_cap_minor):
            # The limit that refused it may have been of a day, week or month that is over.
            left = await self._limits.renew(request.account_id)
            if may_stake(left, request.stake_minor, self.money):
                row = await self._repository.place_round(request)
        if row["outcome"] == "casino_closed" or (here and capped):
            raise closed("stake")
        if row["outcome"] not in ("placed", "replayed"):
            raise self._refusal(row, request)
        return Round(
            round_id=row["transaction_id"],
            stake_minor=row["stake"],
            win_minor=row["win"],
            balance_minor=row["balance"],
            details=json.loads(row["details"]) if row["details"] is not None else request.details,
            created_at=row["created_at"],
            replayed=row["outcome"] == "replayed",
        )

    async def history(self, account_id: int, before: int | None, limit: int) -> History:
        """A page of transactions, newest first. One more than asked for is read to know whether it is the last."""
        found = await self._repository.history(account_id, before, limit + 1)
        page = found[:limit]
        following = str(page[-1][0]) if len(found) > limit else None
        return History(entries=[entry for _, entry in page], next=following)

    def money(self, minor: int) -> str:
        """An amount for a sentence."""
        return format_minor(minor, self.currency, self.currency_exponent)

    def _refusal(self, row: Any, request: RoundRequest) -> CasinoError:
        match row["outcome"]:
            case "key_reused":
                return IdempotencyKeyReused("The Idempotency-Key was used for another request before.")
            case "barred":
                return PlayBarred("The player is excluded from play.")
            case "stake_above_limit":
                return self.stake_above_limit(request.stake_minor, row["stake"])
            case "cycle_too_short":
                wait_s = row["wait_ms"] / 1000
                return GameCycleTooShort(
                    f"A game cycle lasts at least {(request.min_cycle_ms or 0) / 1000:g} seconds here.",
                    remedy=f"Spin again in {wait_s:.1f} seconds.",
                    headers={"Retry-After": str(int(-(-wait_s // 1)))},
                )
            case "insufficient_funds":
                return InsufficientFunds(
                    f"The stake of {self.money(request.stake_minor)} is more than the balance of "
                    f"{self.money(row['balance'])}."
                )
            case _:
                return AccountNotOpen("The account may not play.")

    def stake_above_limit(self, stake_minor: int, cap_minor: int) -> StakeAboveLimit:
        """The refusal of a stake above what the player's age allows."""
        return StakeAboveLimit(
            f"The stake of {self.money(stake_minor)} is above the limit of {self.money(cap_minor)} for this player.",
            remedy=f"Stake {self.money(cap_minor)} or less.",
        )
