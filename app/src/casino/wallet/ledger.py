"""Every movement of money but a round, in the ledger's own words: movements, holds, reversals, restrictions, jackpots.

Each call is one statement and moves its money once for a key, however often it is made. With `connection` it is part
of the caller's transaction, which must be the wallet's own.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, NamedTuple

from casino.kernel.db import Database
from casino.kernel.errors import CasinoError
from casino.kernel.identity import new_id
from casino.kernel.metrics import LEDGER_SECONDS
from casino.wallet.operation import OperationInForce
from casino.wallet.repository_limits import PlayerLimits

HoldKind = Literal["open_bet", "withdrawal", "psp_authorisation"]
HoldEnd = Literal["captured", "released", "expired"]
EXPIRED_AT_ONCE = 100


class NotReversible(CasinoError):
    status, code = 409, "TRANSACTION_NOT_REVERSIBLE"
    rule = "a round ends as it was played"
    remedy = "Void a round that is still open; put right by an adjustment what is over."

    def __init__(self, kinds: Sequence[str]) -> None:
        super().__init__(f"The transaction is of none of the kinds that may be reversed: {', '.join(kinds)}.")


class Movement(NamedTuple):
    """`amount_minor` goes from one account to another. A player's are that player's; the casino's may have a name."""

    debit: str
    debit_name: str | None
    credit: str
    credit_name: str | None
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks and by which key: the same key with another hash is another request, and is refused."""

    account_id: int
    key: str
    request_hash: bytes


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a request. `outcome` is `posted`, `opened`, `resolved`, `replayed`, or why no money moved.

    `balance_minor` is the player's cash after it; of a replayed one, after it at that time. `amount_minor` is what a
    resolved hold or a jackpot came to.
    """

    outcome: str
    transaction_id: uuid.UUID | None
    balance_minor: int | None
    amount_minor: int | None = None
    details: Mapping[str, Any] | None = None

    @property
    def stands(self) -> bool:
        """Whether the money has moved, now or before."""
        return self.outcome in ("posted", "opened", "resolved", "replayed")


@dataclass(frozen=True, slots=True)
class Hold:
    """Money set aside. `part_of` is what it is resolved with: a round, a withdrawal."""

    hold_id: uuid.UUID
    kind: HoldKind
    account_id: int
    reference: str
    part_of: str
    amount: int
    status: str
    expires_at: datetime


class Settlement(NamedTuple):
    """What a player's bets on a round come to: what was staked, and what comes back (0: nothing)."""

    account_id: int
    request_hash: bytes
    staked_minor: int
    win_minor: int
    details: Mapping[str, Any]


class Ledger:
    """The ledger's functions (migrations 0003, 0004 and 0011)."""

    def __init__(self, database: Database, operation: OperationInForce | None = None) -> None:
        self._database = database
        self._operation = operation
        self._limits = PlayerLimits(database)
        self._post_seconds = LEDGER_SECONDS.labels("movement")
        self._settle_seconds = LEDGER_SECONDS.labels("settlement")

    async def post(
        self,
        kind: str,
        request: Request,
        movements: Sequence[Movement],
        details: Mapping[str, Any],
        *,
        connection: Any = None,
    ) -> Posted:
        """A movement of a kind that wallet.movements allows; asyncpg.CheckViolationError for one that it does not."""
        with self._post_seconds.time():
            row = await self._on(connection).fetchrow(
                "SELECT * FROM wallet.post($1, $2, $3, $4, $5, $6::wallet.movement[], $7)",
                kind,
                request.account_id,
                request.key,
                request.request_hash,
                new_id(),
                movements,
                json.dumps(details),
            )
        return _posted(row)

    async def open_hold(
        self,
        kind: HoldKind,
        request: Request,
        amount_minor: int,
        *,
        part_of: str,
        expires_at: datetime,
        details: Mapping[str, Any],
        stake_cap_minor: int | None = None,
        connection: Any = None,
    ) -> Posted:
        """Set cash aside under the request's key, which is also what the hold is known by.

        `casino_closed` where the casino's state leaves no stake, or no withdrawal.
        """
        here = kind == "open_bet" and self._operation is not None and self._operation.closed_here
        if here:
            stake_cap_minor = 0  # looked at after the key: a repeat is answered as before
        arguments = (kind, request, amount_minor, part_of, expires_at, details, stake_cap_minor)
        posted = await self._open_hold(connection, *arguments)
        capped = posted.outcome == "stake_above_limit" and (stake_cap_minor is None or amount_minor <= stake_cap_minor)
        if capped and connection is None and await self._may_stake_now(request.account_id, amount_minor):
            posted = await self._open_hold(connection, *arguments)
        return replace(posted, outcome="casino_closed") if here and posted.outcome == "stake_above_limit" else posted

    async def _open_hold(  # noqa: PLR0917 - the statement's own
        self,
        connection: Any,
        kind: HoldKind,
        request: Request,
        amount_minor: int,
        part_of: str,
        expires_at: datetime,
        details: Mapping[str, Any],
        stake_cap_minor: int | None,
    ) -> Posted:
        row = await self._on(connection).fetchrow(
            "SELECT * FROM wallet.open_hold($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            kind,
            new_id(),
            request.account_id,
            request.key,
            request.request_hash,
            part_of,
            new_id(),
            amount_minor,
            expires_at,
            stake_cap_minor,
            json.dumps(details),
        )
        return _posted(row)

    async def _may_stake_now(self, account_id: int, stake_minor: int) -> bool:
        """Whether a player's limits leave a stake, once those whose day, week or month is over are begun anew."""
        cap = (await self._limits.renew(account_id)).stake_cap_minor
        return cap is None or stake_minor <= cap

    async def resolve_holds(
        self,
        kind: HoldKind,
        request: Request,
        end: HoldEnd,
        *,
        part_of: str,
        reference: str | None = None,
        provider: str | None = None,
        win_minor: int = 0,
        details: Mapping[str, Any],
        connection: Any = None,
    ) -> Posted:
        """End what is open of `part_of`, or its one hold `reference`; `nothing_open` where there is none."""
        row = await self._on(connection).fetchrow(
            "SELECT * FROM wallet.resolve_holds($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            kind,
            request.account_id,
            part_of,
            reference,
            request.key,
            request.request_hash,
            new_id(),
            end,
            provider,
            win_minor,
            json.dumps(details),
        )
        return _posted(row)

    async def settle_bets(self, part_of: str, key: str, settlements: Sequence[Settlement]) -> list[Posted]:
        """Capture the bets of a round and pay its wins, for many players in one statement, each player once.

        For each, `resolved`, `replayed`, or why not: `amount_differs` where the open bets come to something else than
        was staked (then nothing of that player moved), `nothing_open`, `key_reused`, `account_unknown`.
        """
        with self._settle_seconds.time():
            rows = await self._database.pool.fetch(
                "SELECT * FROM wallet.settle_bets($1, $2, $3, $4, $5, $6, $7, $8)",
                part_of,
                [one.account_id for one in settlements],
                [key] * len(settlements),
                [one.request_hash for one in settlements],
                [new_id() for _ in settlements],
                [one.staked_minor for one in settlements],
                [one.win_minor for one in settlements],
                [json.dumps(one.details) for one in settlements],
            )
        return [_posted(row) for row in rows]

    async def expire_holds(self, limit: int = EXPIRED_AT_ONCE) -> int:
        """Give back what is held beyond its time, on the database's clock; answers how many holds that were."""
        rows = await self._database.pool.fetch(
            "SELECT * FROM wallet.holds WHERE status = 'open' AND expires_at < clock_timestamp()"
            " ORDER BY expires_at LIMIT $1",
            limit,
        )
        for row in rows:
            request = Request(row["account_id"], f"expiry {row['hold_id']}", bytes(32))
            await self.resolve_holds(
                row["kind"],
                request,
                "expired",
                part_of=row["part_of"],
                reference=row["reference"],
                details={"reason": "expired"},
            )
        return len(rows)

    async def reverse(self, transaction_id: uuid.UUID, details: Mapping[str, Any]) -> Posted:
        """Undo a booking or a correction, once. Raises NotReversible for play and what has another way back."""
        row = await self._database.pool.fetchrow(
            "SELECT * FROM wallet.reverse($1, $2, $3)", transaction_id, new_id(), json.dumps(details)
        )
        if row["outcome"] == "not_reversible":
            kinds = await self._database.pool.fetch(
                "SELECT kind FROM wallet.movement_kinds WHERE reversible ORDER BY kind"
            )
            raise NotReversible([one["kind"] for one in kinds])
        return _posted(row)

    async def restrict(self, account_id: int, barred_until: datetime | None, stake_cap_minor: int | None) -> None:
        """Bar from play until a moment (`datetime.max`: without end) and cap stakes; it only ever tightens."""
        await self._limit("restrict", account_id, barred_until, stake_cap_minor)

    async def loosen(self, account_id: int, barred_until: datetime | None, stake_cap_minor: int | None) -> None:
        """Put these in place of what stands. Only for who has waited as long as the law says."""
        await self._limit("loosen", account_id, barred_until, stake_cap_minor)

    async def pay_jackpot(
        self, name: str, request: Request, *, seed_minor: int, details: Mapping[str, Any], connection: Any = None
    ) -> Posted:
        """All that stands in the jackpot, once; `jackpot_empty` where there is nothing."""
        row = await self._on(connection).fetchrow(
            "SELECT * FROM wallet.pay_jackpot($1, $2, $3, $4, $5, $6, $7)",
            name,
            request.account_id,
            request.key,
            request.request_hash,
            new_id(),
            seed_minor,
            json.dumps(details),
        )
        return _posted(row)

    async def seed_jackpot(self, name: str, currency: str, amount_minor: int, key: str) -> None:
        """Put the house's money into a jackpot, once for each key."""
        await self._database.pool.execute(
            "SELECT wallet.seed_jackpot($1, $2, $3, $4)", name, currency, amount_minor, key
        )

    async def open_jackpot(self, name: str, currency: str) -> None:
        """Open a jackpot that rounds may feed; nothing where it is open."""
        await self._database.pool.execute("SELECT wallet.open_jackpot($1, $2)", name, currency)

    async def post_contributions(self) -> int:
        """Post the whole units that rounds owe jackpots; answers how many. A transaction for each jackpot."""
        posted: int = 0
        for name, currency, _ in await self.jackpots():
            posted += await self._database.pool.fetchval("SELECT wallet.post_contributions($1, $2)", name, currency)
        return posted

    async def jackpot(self, name: str, currency: str) -> int:
        """What stands in a jackpot, in minor units, with what is owed to it and not posted yet."""
        return next((minor for n, c, minor in await self.jackpots() if (n, c) == (name, currency)), 0)

    async def jackpots(self) -> list[tuple[str, str, int]]:
        """What stands in each jackpot, as `jackpot` says: name, currency, minor units."""
        rows = await self._database.pool.fetch(
            "SELECT name, currency, (sum(balance) + div(sum(carry), 1000000))::bigint AS minor FROM wallet.accounts"
            " WHERE player_id IS NULL AND kind = 'jackpot' GROUP BY name, currency ORDER BY name, currency"
        )
        return [(row["name"], row["currency"], row["minor"]) for row in rows]

    async def holds(self, account_id: int, part_of: str) -> list[Hold]:
        """The holds of one round or withdrawal, oldest first."""
        rows = await self._database.pool.fetch(
            "SELECT * FROM wallet.holds WHERE account_id = $1 AND part_of = $2 ORDER BY opened_at", account_id, part_of
        )
        return [Hold(**{name: row[name] for name in Hold.__slots__}) for row in rows]

    async def lock_cash(self, account_id: int, *, connection: Any) -> int:
        """The player's cash, locked until the caller's transaction ends. Raises LookupError for an unknown account."""
        found = await connection.fetchval("SELECT wallet.lock_cash($1)", account_id)
        if found is None:
            raise LookupError(f"account {account_id} is no player's cash account")
        return int(found)

    async def recorded(self, account_id: int, kind: str, key: str, *, connection: Any = None) -> dict[str, Any] | None:
        """The details of what a request made, or None when there was none."""
        found = await self._on(connection).fetchval(
            "SELECT t.details FROM wallet.request_keys k JOIN wallet.transactions t USING (transaction_id)"
            " WHERE k.account_id = $1 AND k.kind = $2 AND k.key = $3",
            account_id,
            kind,
            key,
        )
        return None if found is None else json.loads(found)

    async def _limit(self, function: str, account_id: int, until: datetime | None, cap_minor: int | None) -> None:
        await self._database.pool.execute(
            f"SELECT wallet.{function}($1, $2, $3)",
            account_id,
            until,
            cap_minor,
        )

    def _on(self, connection: Any) -> Any:
        return self._database.pool if connection is None else connection


def _posted(row: Any) -> Posted:
    details = row.get("details")
    return Posted(
        outcome=row["outcome"],
        transaction_id=row["transaction_id"],
        balance_minor=row["balance"],
        amount_minor=row.get("amount"),
        details=json.loads(details) if details is not None else None,
    )
