"""Play that spans calls: a round whose bets and wins come one by one, as external studios send them.

Every call may be made again: a bet and a win by their own key with the hash of the request, a void by the key of what
it undoes. Wins and voids are taken on accounts that may not stake: what was won, and what goes back, is the player's.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casino.compliance.api import closed
from casino.kernel.errors import CasinoError, IdempotencyKeyReused
from casino.kernel.money import format_minor
from casino.wallet.ledger import Ledger, Request
from casino.wallet.operation import OperationInForce
from casino.wallet.repository_play import PlayRepository, Standing
from casino.wallet.service import AccountNotOpen, InsufficientFunds, PlayBarred, StakeAboveLimit


class BetUnknown(CasinoError):
    status, code = 404, "BET_UNKNOWN"
    rule = "only what was staked or won can be taken back"
    remedy = "Name the transaction by the id under which it was sent."


@dataclass(frozen=True, slots=True)
class PlayMove:
    """A bet or a win. `key` and `round_key` are the caller's names, 1 to 128 characters, unique to a player.

    `closes`: the round is over with it, and what is still staked in it is lost. `amount_minor` may be zero.
    """

    account_id: int
    key: str
    request_hash: bytes
    round_key: str
    amount_minor: int
    closes: bool
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Played:
    """What a call came to. `balance_minor` is the cash after it, of a replayed one after it at that time.

    `transaction_id` is None where nothing moved: zero staked, zero won in a round that is over.
    """

    transaction_id: uuid.UUID | None
    balance_minor: int
    replayed: bool


class Play:
    """Bets, wins and voids of rounds that are not over in one call."""

    def __init__(
        self,
        ledger: Ledger,
        repository: PlayRepository,
        currency: str,
        currency_exponent: int,
        operation: OperationInForce | None = None,
    ) -> None:
        self._ledger = ledger
        self._operation = operation
        self._repository = repository
        self.currency = currency
        self.currency_exponent = currency_exponent

    async def standing(self, account_id: int) -> Standing:
        """The balance, and whether the account may stake. Raises AccountNotOpen for one that is not there."""
        found = await self._repository.standing(account_id)
        if found is None:
            raise AccountNotOpen("There is no such account.")
        return found

    async def open_bet(self, move: PlayMove, *, stake_cap_minor: int | None, expires_at: datetime) -> Played:
        """Set the stake aside until the round is over, or `expires_at`, when it goes back.

        Raises IdempotencyKeyReused, PlayClosed, StakeAboveLimit, InsufficientFunds, AccountNotOpen, PlayBarred;
        nothing has moved then, and the key stays free.
        """
        if move.amount_minor == 0:
            # Nothing to hold, and yet a stake: who may not play may not play for nothing either.
            standing = await self.standing(move.account_id)
            if not standing.play_open or (self._operation is not None and self._operation.closed_here):
                raise closed("stake")
            if not standing.may_stake:
                raise PlayBarred("The account may not play.")
            played = Played(None, standing.balance_minor, False)
        else:
            posted = await self._ledger.open_hold(
                "open_bet",
                Request(move.account_id, move.key, move.request_hash),
                move.amount_minor,
                part_of=move.round_key,
                expires_at=expires_at,
                details=move.details,
                stake_cap_minor=stake_cap_minor,
            )
            if posted.outcome == "casino_closed":
                raise closed("stake")
            if not posted.stands:
                raise self._refusal(posted.outcome, move.amount_minor, posted.balance_minor)
            assert posted.balance_minor is not None
            played = Played(posted.transaction_id, posted.balance_minor, posted.outcome == "replayed")
        if move.closes:
            await self._pay(move, 0, True)
        return played

    async def win(self, move: PlayMove) -> Played:
        """Pay a win, also one after the round is over; with `closes` what is staked in the round is lost.

        Raises IdempotencyKeyReused, and AccountNotOpen for an account that is not there.
        """
        row = await self._pay(move, move.amount_minor, move.closes)
        return self._played(row, move.amount_minor)

    async def void_bet(self, account_id: int, key: str, details: Mapping[str, Any]) -> Played:
        """Give a bet back, before its round is over or after; once, however often it is asked. Raises BetUnknown."""
        return self._played(await self._repository.void_bet(account_id, key, details), 0)

    async def void_win(self, account_id: int, key: str, details: Mapping[str, Any]) -> Played:
        """Take a win back, once. Raises BetUnknown, and InsufficientFunds where it is spent."""
        row = await self._repository.void_win(account_id, key, details)
        return self._played(row, row["amount"] or 0)

    async def took_bet(self, account_id: int, key: str) -> bool:
        """Whether a bet's stake was taken, whatever became of it since."""
        return await self._repository.bet_transaction(account_id, key) is not None

    async def _pay(self, move: PlayMove, win_minor: int, closes: bool) -> Any:
        return await self._repository.pay_win(
            account_id=move.account_id,
            part_of=move.round_key,
            key=move.key,
            request_hash=move.request_hash,
            win_minor=win_minor,
            closes=closes,
            details=move.details,
        )

    def _played(self, row: Any, amount_minor: int) -> Played:
        if row["outcome"] not in ("resolved", "posted", "replayed", "nothing_moved"):
            raise self._refusal(row["outcome"], amount_minor, row["balance"])
        return Played(row["transaction_id"], row["balance"], row["outcome"] == "replayed")

    def _refusal(self, outcome: str, amount_minor: int, balance_minor: int | None) -> CasinoError:
        amount = format_minor(amount_minor, self.currency, self.currency_exponent)
        match outcome:
            case "key_reused":
                return IdempotencyKeyReused("The transaction's id stands for another request.")
            case "barred":
                return PlayBarred("The player is excluded from play.")
            case "stake_above_limit":
                return StakeAboveLimit(f"The stake of {amount} is above the limit of this player.")
            case "insufficient_funds":
                balance = format_minor(balance_minor or 0, self.currency, self.currency_exponent)
                return InsufficientFunds(f"{amount} is more than the balance of {balance}.")
            case "bet_unknown" | "win_unknown":
                return BetUnknown("No bet or win of this account has that id.")
            case _:
                return AccountNotOpen("The account may not play.")
