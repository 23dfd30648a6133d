"""The course of a studio's call: read, written down, carried out by the wallet, answered, and all of it again.

No transaction spans this module and the wallet. A call is written down as pending first; the wallet's part is
idempotent by the same id; then the answer is stored. A crash in between is healed by the studio's repeat, by a later
call that needs to know, or by `finish_pending`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from casino.compliance.api import PlayClosed
from casino.gal.admission import Admission
from casino.gal.repository import GameSession
from casino.gal.repository_transactions import StudioTransaction, TransactionRepository
from casino.gal.studio_model import Action, Dialect, Fault, RawAnswer, RawRequest, Result, StudioRefusal
from casino.kernel.clock import Clock
from casino.kernel.errors import CasinoError, IdempotencyKeyReused
from casino.kernel.identity import new_id
from casino.kernel.metrics import BETS, STAKES, WINS
from casino.wallet.api import (
    AccountNotOpen,
    BetUnknown,
    InsufficientFunds,
    Play,
    PlayBarred,
    Played,
    PlayMove,
    StakeAboveLimit,
)

log = logging.getLogger(__name__)

HOLD = timedelta(days=90)
"""How long a stake is held for a round that nobody ends. Studios repeat for hours, and resume rounds for weeks."""
WAIT_S, LOOK_S = 3.0, 0.02
"""How long a repeat waits for the first call of its id, and how often it looks."""
FAULTS: dict[type[CasinoError], Fault] = {
    InsufficientFunds: Fault.FUNDS_INSUFFICIENT,
    StakeAboveLimit: Fault.LIMIT_REACHED,
    PlayClosed: Fault.PLAY_CLOSED,
    PlayBarred: Fault.PLAYER_DISABLED,
    AccountNotOpen: Fault.PLAYER_DISABLED,
    IdempotencyKeyReused: Fault.TRANSACTION_REUSED,
    BetUnknown: Fault.TRANSACTION_UNKNOWN,
}


class StudioUnknown(CasinoError):
    status, code = 404, "STUDIO_UNKNOWN"
    rule = "only studios of the casino's settings are answered"
    remedy = "Ask the casino for the address under which it knows the studio."


class StudioPlay:
    """Answers the calls of all studios. `dialects` are by studio."""

    def __init__(
        self,
        dialects: Mapping[str, Dialect],
        admission: Admission,
        transactions: TransactionRepository,
        play: Play,
        clock: Clock,
    ) -> None:
        self._dialects = dialects
        self._admission = admission
        self._transactions = transactions
        self._play = play
        self._clock = clock

    async def call(self, studio: str, request: RawRequest) -> RawAnswer:
        """The answer to one call, in the studio's dialect. Raises StudioUnknown alone."""
        dialect = self._dialects.get(studio)
        if dialect is None:
            raise StudioUnknown("There is no such studio here.")
        try:
            batch = dialect.read(request, self._clock.now())
        except StudioRefusal as refused:
            log.info("studio refused", extra={"studio": studio, "fault": refused.fault, "reason": refused.message})
            return dialect.refused(request, refused.fault)
        results: list[Result] = []
        for action in batch.actions:
            results.append(await self._answer(studio, action))
            if results[-1].fault is not None:
                break
        return dialect.answer(batch, results)

    async def _answer(self, studio: str, action: Action) -> Result:
        try:
            if action.kind in ("session", "balance"):
                session = await self._admission.live_session(studio, action)
                standing = await self._play.standing(session.account_id)
                return Result(action, None, str(session.player_id), standing.balance_minor)
            row = await self._transact(studio, action)
        except StudioRefusal as refused:
            log.info("studio refused", extra={"studio": studio, "kind": action.kind, "fault": refused.fault})
            return await self._refused(studio, action, refused.fault)
        except Exception:
            # A studio reads its own dialect, not ours: an outage is said in it, and the studio repeats.
            log.exception("a studio's call failed", extra={"studio": studio, "kind": action.kind})
            return Result(action, Fault.TECHNICAL, None, None)
        fault = Fault(row.fault) if row.fault else None
        return Result(action, fault, str(row.player_id) if row.player_id else None, row.balance)

    async def _refused(self, studio: str, action: Action, fault: Fault) -> Result:
        """A refusal, with the balance where it can be told whose."""
        session: GameSession | None = None
        balance = None
        with suppress(Exception):
            session = await self._admission.session(studio, action)
            balance = (await self._play.standing(session.account_id)).balance_minor
        return Result(action, fault, str(session.player_id) if session else None, balance)

    async def _transact(self, studio: str, action: Action) -> StudioTransaction:
        """The row of the action with its answer. Raises StudioRefusal where there is none to be."""
        waited = 0.0
        while True:
            row = await self._transactions.find(studio, action.transaction_id)
            if row is None:
                row = await self._begin(studio, action)
                if row is None:
                    continue  # its id came in between: look again
                return await self._carry_out(row)
            if row.status == "tombstone":
                raise StudioRefusal(Fault.TRANSACTION_ROLLED_BACK)
            if row.kind != action.kind or row.request_hash != action.digest():
                raise StudioRefusal(Fault.TRANSACTION_REUSED)
            if row.status == "refused" and row.kind == "rollback":
                await self._transactions.reopen(row)
            elif row.status != "pending":
                return row
            if (done := await self._take_over(row)) is not None:
                return done
            waited = await _wait(waited)

    async def _begin(self, studio: str, action: Action) -> StudioTransaction | None:
        """Write the action down, claimed; None when its id, or a tombstone's, came in between."""
        if action.kind == "bet":
            row = await self._admission.bet(studio, action)
        elif action.kind == "win":
            await self._settle_round(studio, action)
            row = await self._admission.win(studio, action)
        else:
            target = await self._settled(studio, action.reference or "", looks_only=True)
            row = await self._admission.rollback(studio, action, target)
            if target is None:
                return row if await self._transactions.bury(row) else None
        return row if await self._transactions.begin(row) else None

    async def _settle_round(self, studio: str, action: Action) -> None:
        """A bet of the round that nobody finished is finished first: the win may belong to it."""
        session = await self._admission.session(studio, action)
        for bet in await self._transactions.bets_of(studio, action.round_id, session.account_id):
            if bet.status == "pending":
                await self._settled(studio, bet.transaction_id)

    async def _settled(self, studio: str, transaction_id: str, *, looks_only: bool = False) -> StudioTransaction | None:
        """A transaction whose outcome is known, or None where there is no such."""
        waited = 0.0
        while True:
            row = await self._transactions.find(studio, transaction_id)
            if row is None or row.status != "pending":
                return row
            if (done := await self._take_over(row, looks_only=looks_only)) is not None:
                return done
            waited = await _wait(waited)

    async def _take_over(self, row: StudioTransaction, *, looks_only: bool = False) -> StudioTransaction | None:
        """Carry a pending row out, if nobody is at it."""
        mine = replace(row, status="pending", claim=new_id())
        assert mine.claim is not None
        if not await self._transactions.claim(mine, mine.claim):
            return None
        return await self._carry_out(mine, looks_only=looks_only)

    async def _carry_out(self, row: StudioTransaction, *, looks_only: bool = False) -> StudioTransaction:
        """The wallet's part, then the answer. `looks_only`: a bet that was not taken is refused, and not taken now."""
        fault: Fault | None = None
        balance: int | None
        try:
            if looks_only and row.kind == "bet" and not await self._bet_stands(row):
                fault, balance = Fault.TRANSACTION_ROLLED_BACK, await self._balance(row)
            else:
                balance = await self._move(row)
        except tuple(FAULTS) as refused:
            fault, balance = FAULTS[type(refused)], await self._balance(row)
        except BaseException:
            with suppress(Exception):
                await self._transactions.release(row)
            raise
        status: Any = "refused" if fault else "done"
        if not await self._transactions.finish(row, status, fault, balance):
            return await self._overtaken(row, fault)
        _count(row, fault)
        return replace(row, status=status, fault=fault, balance=balance)

    async def _move(self, row: StudioTransaction) -> int | None:
        details = _details(row)
        if row.account_id is None:
            return None
        if row.kind == "bet":
            played = await self._play.open_bet(
                _move_of(row, details), stake_cap_minor=row.stake_cap, expires_at=self._clock.now() + HOLD
            )
            return played.balance_minor
        if row.kind == "win":
            return (await self._play.win(_move_of(row, details))).balance_minor
        target = await self._transactions.find(row.studio, row.reference or "")
        moved: Played | None = None
        if target is not None and target.status in ("done", "rolled_back") and target.amount:
            void = self._play.void_bet if target.kind == "bet" else self._play.void_win
            moved = await void(row.account_id, target.key, details)
        return moved.balance_minor if moved and not moved.replayed else await self._balance(row)

    async def _balance(self, row: StudioTransaction) -> int | None:
        if row.account_id is None:
            return None
        return (await self._play.standing(row.account_id)).balance_minor

    async def _bet_stands(self, row: StudioTransaction) -> bool:
        assert row.account_id is not None
        return await self._play.took_bet(row.account_id, row.key)

    async def _overtaken(self, row: StudioTransaction, fault: Fault | None) -> StudioTransaction:
        """Somebody took the row over while we were at it. Their answer is the answer."""
        theirs = await self._transactions.find(row.studio, row.transaction_id)
        assert theirs is not None
        if row.kind == "bet" and row.amount and fault is None and theirs.status == "refused":
            # They found the stake not taken, said so, and then we took it: it goes back.
            assert row.account_id is not None
            await self._play.void_bet(row.account_id, row.key, _details(row) | {"reason": "refused meanwhile"})
        if theirs.status == "pending":
            raise StudioRefusal(Fault.TECHNICAL)
        return theirs

    async def finish_pending(self, older_than_s: float = 60.0, limit: int = 100) -> int:
        """Finish what a crash left and no studio came back for; answers how many that were.

        A win or a rollback is carried out. A bet is carried to its end only if its stake was taken: a player whose
        round failed a minute ago is not to pay for it now.
        """
        finished = 0
        for row in await self._transactions.pending(older_than_s, limit):
            try:
                finished += await self._take_over(row, looks_only=True) is not None
            except Exception:
                log.exception("a studio's transaction stays pending", extra={"studio": row.studio, "kind": row.kind})
        return finished


async def _wait(waited: float) -> float:
    if waited >= WAIT_S:
        raise StudioRefusal(Fault.TECHNICAL, "the first call of this id is still under way")
    await asyncio.sleep(LOOK_S)
    return waited + LOOK_S


def _details(row: StudioTransaction) -> dict[str, Any]:
    """What the ledger keeps of it, and the player's history shows."""
    told = {
        "studio": row.studio,
        "transaction": row.transaction_id,
        "round": row.round_id,
        "game": row.game_id,
        "reference": row.reference,
        "free_rounds": str(row.grant_id) if row.grant_id else None,
    }
    return {name: value for name, value in told.items() if value is not None}


def _move_of(row: StudioTransaction, details: Mapping[str, Any]) -> PlayMove:
    assert row.account_id is not None and row.request_hash is not None
    return PlayMove(
        account_id=row.account_id,
        key=row.key,
        request_hash=row.request_hash,
        round_key=row.round_key,
        amount_minor=row.amount,
        closes=row.closes,
        details=details,
    )


def _count(row: StudioTransaction, fault: Fault | None) -> None:
    game = row.game_id or "other"
    if row.kind == "bet":
        BETS.labels(game, fault or "placed").inc()
        if fault is None:
            STAKES.labels(game).inc(row.amount)
    elif row.kind == "win" and fault is None:
        WINS.labels(game).inc(row.amount)
