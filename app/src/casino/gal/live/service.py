"""Live tables at work: bets, and the steps of a round, each of which may be tried by anybody at any time."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from casino.compliance.api import closed
from casino.gal.live import round as rounds
from casino.gal.live.models import BetAnswer, BetRequest, LiveTable, TableAnswer
from casino.gal.live.repository import Bet, LiveRepository
from casino.gal.live.round import LiveRound
from casino.gal.live.wheel import POCKETS, SELECTIONS, Outcome, outcomes
from casino.kernel.clock import Clock
from casino.kernel.errors import AmountInvalid, CasinoError, IdempotencyKeyReused, RequestInvalid
from casino.kernel.identity import new_id
from casino.wallet.api import (
    AccountNotOpen,
    InsufficientFunds,
    Ledger,
    OperationInForce,
    PlayBarred,
    PlayLimitReached,
    Posted,
    Request,
    Settlement,
)

log = logging.getLogger(__name__)

HELD_FOR = timedelta(hours=1)
"""A stake whose round is lost goes back by itself after that."""
AT_ONCE = 10_000
"""So many players are settled by one statement."""
ATTEMPTS = 3
TICK_S = 0.5


class TableUnknown(CasinoError):
    status, code = 404, "TABLE_UNKNOWN"
    rule = "only tables on offer may be played"
    remedy = "Ask for a table that is on offer."


class RoundUnknown(CasinoError):
    status, code = 404, "ROUND_UNKNOWN"
    rule = "a bet names a round of its table"
    remedy = "Ask GET /api/v1/live/{table_id} for the round that is played."


class BetsClosed(CasinoError):
    status, code = 409, "BETS_CLOSED"
    rule = "bets count that the server receives before closes_at, by its own clock"
    remedy = "Bet on the next round; the stake of this bet is not taken."


@dataclass(frozen=True, slots=True)
class Attempt:
    """A bet as it was asked for. `received_at` is when, by the server's clock."""

    account_id: int
    key: str
    request_hash: bytes
    asked: BetRequest
    received_at: datetime


class LiveTables:
    """`draw` gives a uniform number below a bound: the generator of game control."""

    def __init__(
        self,
        tables: Sequence[LiveTable],
        repository: LiveRepository,
        ledger: Ledger,
        draw: Callable[[int], int],
        clock: Clock,
        *,
        operation: OperationInForce | None = None,
    ) -> None:
        self._operation = operation
        self._tables: Mapping[str, LiveTable] = {table.table_id: table for table in tables}
        self._repository = repository
        self._ledger = ledger
        self._draw = draw
        self._clock = clock

    def now(self) -> datetime:
        """The clock that decides what is too late."""
        return self._clock.now()

    async def show(self, table_id: str) -> TableAnswer:
        """The table and its newest round. Raises TableUnknown."""
        table = self._table(table_id)
        found = await self._repository.latest(table_id)
        return TableAnswer(
            **table.model_dump(include={"table_id", "name", "stake_min_minor", "stake_max_minor"}),
            server_time=self.now(),
            round_id=found.round_id if found else None,
            state=found.state if found else None,
            closes_at=found.closes_at if found else None,
            result=found.result if found else None,
        )

    # Bets.

    async def bet(self, table_id: str, attempt: Attempt) -> BetAnswer:
        """Take a bet, or answer the one that the same key stands for.

        Noted first, then its stake is set aside, then it is accepted, unless the result was drawn meanwhile: then the
        stake goes back. Raises TableUnknown, RoundUnknown, BetsClosed, AmountInvalid, RequestInvalid,
        IdempotencyKeyReused, InsufficientFunds, AccountNotOpen, PlayBarred, PlayClosed.
        """
        table = self._table(table_id)
        bet = await self._repository.bet_of(attempt.account_id, attempt.key)
        if bet is None:
            bet = await self._note(table, attempt)
        if bet.request_hash != attempt.request_hash:
            raise IdempotencyKeyReused("The Idempotency-Key was used for another request before.")
        if bet.status == "voided":
            raise BetsClosed("The bet came too late, or its round does not count.")
        if bet.status != "pending":
            return _answer(bet, bet.status, None)
        held = await self._ledger.open_hold(
            "open_bet",
            Request(bet.account_id, reference(bet.bet_id), bet.request_hash),
            bet.stake,
            part_of=str(bet.round_id),
            expires_at=self.now() + HELD_FOR,
            details={"game": "live", "table_id": table_id, "round_id": str(bet.round_id), "selection": bet.selection},
        )
        if not held.stands:
            await self._repository.drop(bet.bet_id)
            raise _refusal(held)
        if not await self._repository.accept(bet.bet_id):
            await self._give_back(bet.account_id, bet.round_id, reference(bet.bet_id), "too late")
            await self._repository.end(bet.bet_id)
            raise BetsClosed("The result was drawn before the bet had arrived.")
        return _answer(bet, "accepted", held.balance_minor)

    async def _note(self, table: LiveTable, attempt: Attempt) -> Bet:
        asked = attempt.asked
        if asked.selection not in SELECTIONS:
            raise RequestInvalid("There is no such bet at this table.", rule="selection")
        if not table.stake_min_minor <= asked.stake_minor <= table.stake_max_minor:
            raise AmountInvalid(
                f"The table takes stakes of {table.stake_min_minor} to {table.stake_max_minor} minor units.",
                rule="the table's stakes",
                remedy="Stake an amount between them.",
            )
        round_ = await self._repository.round(asked.round_id)
        if round_ is None or round_.table_id != table.table_id:
            raise RoundUnknown("The table has no such round.")
        if not rounds.accepts(round_, attempt.received_at):
            raise BetsClosed("The bet came too late.")
        bet = await self._repository.note_bet(
            Bet(
                bet_id=new_id(),
                round_id=round_.round_id,
                account_id=attempt.account_id,
                request_hash=attempt.request_hash,
                selection=asked.selection,
                stake=asked.stake_minor,
                status="pending",
            ),
            attempt.key,
            attempt.received_at,
        )
        if bet is None:
            raise BetsClosed("The bet came too late.")
        return bet

    # The course of a round.

    async def run(self) -> None:
        """Play all tables until cancelled. Several processes may: of two that try a step, one takes it."""
        while True:
            for table_id in self._tables:
                try:
                    await self.advance(table_id)
                except Exception:
                    log.exception("a table's step failed; it comes again", extra={"table_id": table_id})
            await asyncio.sleep(TICK_S)

    async def advance(self, table_id: str) -> LiveRound | None:
        """Do what is due at a table; answers the round as it stands then, None where another was quicker, or where none
        runs and none is opened, since the casino may take no stakes. One that runs is played to its end."""
        table, now = self._table(table_id), self.now()
        running = await self._repository.running(table_id)
        if running is None:
            if self._operation is not None and not await self._operation.leaves("stake"):
                return None
            return await self._move(rounds.open_bets(new_id(), table_id, table.timing, now))
        step = rounds.due(running, table.timing, now)
        if step == "close":
            return await self._move(rounds.close_bets(running, now))
        if step == "result":
            # A draw that comes second is thrown away unseen.
            return await self._move(rounds.give_result(running, self._draw(POCKETS), now))
        return await self.settle(running) if step == "settle" else running

    async def void(self, round_id: uuid.UUID, reason: str) -> LiveRound:
        """A round that cannot be played to its end: every stake goes back. Raises RoundUnknown, rounds.NotAllowed."""
        round_ = await self._repository.round(round_id)
        if round_ is None:
            raise RoundUnknown("There is no such round.")
        if round_.state != "voided":
            moved = await self._move(rounds.void(round_, reason, self.now()))
            if moved is None:
                raise rounds.NotAllowed("the round has moved on")
            round_ = moved
        for bet in await self._repository.bets(round_id, "pending", "accepted"):
            await self._give_back(bet.account_id, round_id, reference(bet.bet_id), reason)
            await self._repository.end(bet.bet_id)
        return round_

    async def settle(self, round_: LiveRound) -> LiveRound | None:
        """Settle all accepted bets of a round with a result. It may be called again at any time: money moves once."""
        assert round_.result is not None
        for _ in range(ATTEMPTS):
            bets = await self._repository.bets(round_.round_id, "accepted")
            found = outcomes(((bet.bet_id, bet.account_id, bet.selection, bet.stake) for bet in bets), round_.result)
            faulty = await self._settle(round_, found)
            if not faulty:
                return await self._settled(round_, found)
            by_account: dict[int, list[Bet]] = defaultdict(list)
            for bet in bets:
                by_account[bet.account_id].append(bet)
            for account in faulty:
                await self._repair(account, round_.round_id, by_account[account])
        log.error("a round is not settled yet", extra={"round_id": str(round_.round_id), "players": len(faulty)})
        return None

    async def _settle(self, round_: LiveRound, found: Mapping[int, Outcome]) -> list[int]:
        """Hand the wallet what each player's bets come to; answers the accounts that it does not agree about."""
        part_of, faulty = str(round_.round_id), []
        details = {"game": "live", "table_id": round_.table_id, "round_id": part_of, "result": round_.result}
        settlements = [
            Settlement(account, _hash(part_of, outcome), outcome.staked_minor, outcome.win_minor, details)
            for account, outcome in found.items()
        ]
        for start in range(0, len(settlements), AT_ONCE):
            batch = settlements[start : start + AT_ONCE]
            answers = await self._ledger.settle_bets(part_of, f"live {part_of}", batch)
            for one, posted in zip(batch, answers, strict=True):
                if not posted.stands:
                    faulty.append(one.account_id)
                    about = {"round_id": part_of, "account_id": one.account_id, "outcome": posted.outcome}
                    log.warning("a player's bets are not as noted", extra=about)
        return faulty

    async def _settled(self, round_: LiveRound, found: Mapping[int, Outcome]) -> LiveRound | None:
        wins = {bet_id: win for outcome in found.values() for bet_id, win in outcome.wins.items()}
        transition = rounds.settle(
            round_,
            self.now(),
            bets=len(wins),
            staked_minor=sum(outcome.staked_minor for outcome in found.values()),
            won_minor=sum(outcome.win_minor for outcome in found.values()),
        )
        return transition.after if await self._repository.move(transition, wins) else None

    async def _repair(self, account_id: int, round_id: uuid.UUID, bets: Sequence[Bet]) -> None:
        """Stakes that are held for no accepted bet go back; bets whose stake is not held any more do not count."""
        noted = {reference(bet.bet_id): bet for bet in bets}
        holds = await self._ledger.holds(account_id, str(round_id))
        held = {hold.reference for hold in holds if hold.kind == "open_bet" and hold.status == "open"}
        for orphan in held - set(noted):
            await self._give_back(account_id, round_id, orphan, "not accepted")
        for lost in set(noted) - held:
            await self._repository.end(noted[lost].bet_id)

    async def _give_back(self, account_id: int, round_id: uuid.UUID, hold: str, reason: str) -> None:
        await self._ledger.resolve_holds(
            "open_bet",
            Request(account_id, f"{hold} back", hashlib.sha256(hold.encode()).digest()),
            "released",
            part_of=str(round_id),
            reference=hold,
            details={"game": "live", "round_id": str(round_id), "reason": reason},
        )

    async def _move(self, transition: rounds.Transition) -> LiveRound | None:
        return transition.after if await self._repository.move(transition) else None

    def _table(self, table_id: str) -> LiveTable:
        table = self._tables.get(table_id)
        if table is None:
            raise TableUnknown("There is no such table here.")
        return table


def reference(bet_id: uuid.UUID) -> str:
    """What a bet's hold is known by in the wallet."""
    return f"live {bet_id}"


def _hash(part_of: str, outcome: Outcome) -> bytes:
    return hashlib.sha256(f"{part_of} {outcome.staked_minor} {outcome.win_minor}".encode()).digest()


def _answer(bet: Bet, status: str, balance_minor: int | None) -> BetAnswer:
    return BetAnswer(
        bet_id=bet.bet_id,
        round_id=bet.round_id,
        selection=bet.selection,
        stake_minor=bet.stake,
        status=status,
        win_minor=bet.win,
        balance_minor=balance_minor,
    )


def _refusal(held: Posted) -> CasinoError:
    match held.outcome:
        case "insufficient_funds":
            return InsufficientFunds("The stake is more than the balance.")
        case "barred":
            return PlayBarred("The player is excluded from play.")
        case "casino_closed":
            return closed("stake")
        case "stake_above_limit":
            return PlayLimitReached("The stake is more than the player's limits leave.")
        case _:
            return AccountNotOpen("The account may not play.")
