"""The account's life: every change of status, closure, dormancy, merging of duplicates."""

from __future__ import annotations

import logging
import uuid
from datetime import date, datetime
from typing import Any, Protocol

from casino.compliance.api import RulesInForce
from casino.kernel.clock import Clock, local_date
from casino.kernel.errors import CasinoError, RequestInvalid
from casino.pam import repository_lifecycle
from casino.pam.events import Event, EventLog, IdentityJudged, PlayersMerged, StatusChanged
from casino.pam.identity_verification import IdentityNotAwaited, IdentityUnverified, Result, Verification
from casino.pam.refusals import PlayerUnknown
from casino.pam.repository import PlayerRepository
from casino.pam.sessions import SessionStore
from casino.pam.status import Actor, Status, TransitionRefused, may_log_in, may_play, require_transition, strictest

log = logging.getLogger(__name__)

BATCH = 200
EXCLUDED = "excluded"
"""The reason of a `self_excluded` that responsible gaming keeps, and ends."""


class AccountMerger(Protocol):
    """The wallet's side of a merge: moves the balance. Idempotent by `reference`; called again until it was heard."""

    async def require_mergeable(self, player_id: uuid.UUID) -> None:
        """Refuse with a CasinoError that says what is under way at the account that is to end."""

    async def merge(self, survivor: uuid.UUID, merged: uuid.UUID, reference: str) -> int: ...


class AccountStandings(Protocol):
    """The wallet's side of a status. Called again with an older revision it changes nothing."""

    async def stand(self, player_id: uuid.UUID, status: str, revision: int) -> None: ...


class Lifecycle:
    """The one place that changes a status: row, history and event in one transaction, then the sessions."""

    def __init__(
        self,
        repository: PlayerRepository,
        sessions: SessionStore,
        events: EventLog,
        rules: RulesInForce,
        clock: Clock,
        *,
        standings: AccountStandings | None = None,
    ) -> None:
        self._standings = standings
        self._repository = repository
        self._sessions = sessions
        self._events = events
        self._rules = rules
        self._clock = clock

    async def status_of(self, player_id: uuid.UUID) -> Status | None:
        """How an account stands; None for nobody's."""
        return await repository_lifecycle.status_of(self._repository.pool, player_id)

    async def awaits_verification(self, player_id: uuid.UUID) -> bool:
        """Whether an account has to be verified before it can be active."""
        return await repository_lifecycle.awaits_verification(self._repository.pool, player_id)

    async def change(
        self, player_id: uuid.UUID, target: Status, actor: Actor, reason: str, actor_id: uuid.UUID | None = None
    ) -> Status:
        """Take a step; answers the status before. The same status again is no step and no error.

        Raises PlayerUnknown, TransitionRefused, IdentityUnverified. Where the new status has no sessions, the open
        ones end: first in the database, so that a crash in between leaves nobody who could log in, and a session that
        the next step ends. Then the wallet is told, and by the step's event once more.
        """
        revision = None
        async with self._repository.transaction() as connection:
            origin = await repository_lifecycle.lock_status(connection, player_id)
            if origin is None:
                raise PlayerUnknown("There is no such account.")
            if origin is not target:
                require_transition(origin, target, actor)
                if target is Status.ACTIVE and await repository_lifecycle.awaits_verification(connection, player_id):
                    raise IdentityUnverified("The player's identity has not been verified.")
                revision = await self._write(
                    connection, player_id, origin, target, actor=actor, reason=reason, actor_id=actor_id
                )
        await self._apply(player_id, target)
        await self._stand(player_id, target, revision)
        return origin

    async def judge_identity(self, player_id: uuid.UUID, found: Verification, staff_id: uuid.UUID) -> Status:
        """Note what staff found about who a player is; answers the status after it.

        Who is verified becomes active, also from `restricted` where the account left its waiting without having been
        verified. After a failure the account goes on waiting: whether it is closed is for staff to say. Both are in
        the history, with who judged. Raises PlayerUnknown, IdentityNotAwaited.
        """
        revision = None
        async with self._repository.transaction() as connection:
            origin = await repository_lifecycle.lock_status(connection, player_id)
            if origin is None:
                raise PlayerUnknown("There is no such account.")
            waits = await repository_lifecycle.awaits_verification(connection, player_id)
            if not waits or origin not in (Status.PENDING_VERIFICATION, Status.RESTRICTED):
                raise IdentityNotAwaited(f"An account that is {origin} does not wait for a verification.")
            target = Status.ACTIVE if found.result is Result.VERIFIED else origin
            now = self._clock.now()
            payload = IdentityJudged(
                result=found.result, method=found.method, reference=found.reference, judged_by=staff_id
            )
            await self._events.append(connection, Event(player_id, now, payload))
            if target is origin:
                await repository_lifecycle.add_history(
                    connection, player_id, origin, target, actor=Actor.STAFF, actor_id=staff_id, reason=found.note(),
                    now=now,
                )  # fmt: skip
            else:
                require_transition(origin, target, Actor.STAFF)
                revision = await self._write(
                    connection, player_id, origin, target, actor=Actor.STAFF, reason=found.note(), actor_id=staff_id
                )
        if revision is not None:
            await self._apply(player_id, target)
            await self._stand(player_id, target, revision)
        return target

    async def exclude(self, player_id: uuid.UUID) -> None:
        """Let responsible gaming keep an account out: from any status but `merged`, which is out for good.

        Who was excluded by another way (an import, a merge) is from now on its to let in again.
        """
        revision = None
        async with self._repository.transaction() as connection:
            origin = await repository_lifecycle.lock_status(connection, player_id)
            if origin is Status.SELF_EXCLUDED:
                await repository_lifecycle.set_status_reason(connection, player_id, EXCLUDED)
            elif origin is not None and origin is not Status.MERGED:
                revision = await self._write(
                    connection, player_id, origin, Status.SELF_EXCLUDED, actor=Actor.RESPONSIBLE_GAMING,
                    reason=EXCLUDED, actor_id=None,
                )  # fmt: skip
        if revision is not None:
            await self._apply(player_id, Status.SELF_EXCLUDED)
            await self._stand(player_id, Status.SELF_EXCLUDED, revision)

    async def readmit(self, player_id: uuid.UUID) -> None:
        """End what `exclude` began. Who played before plays again; of anybody else the status is judged anew."""
        revision, target = None, Status.RESTRICTED
        async with self._repository.transaction() as connection:
            origin = await repository_lifecycle.lock_status(connection, player_id)
            if origin is not Status.SELF_EXCLUDED:
                return
            if await repository_lifecycle.status_reason(connection, player_id) != EXCLUDED:
                return
            before = await repository_lifecycle.status_before(connection, player_id, Status.SELF_EXCLUDED)
            if before in (Status.ACTIVE, Status.DORMANT):
                target = Status.ACTIVE
            revision = await self._write(
                connection, player_id, origin, target, actor=Actor.RESPONSIBLE_GAMING, reason="exclusion_over",
                actor_id=None,
            )  # fmt: skip
        await self._apply(player_id, target)
        await self._stand(player_id, target, revision)

    async def make_dormant(self) -> int:
        """Make dormant who was not seen for `dormancy_months`; answers how many. For a daily job."""
        months = self._rules.current.dormancy_months
        if months is None:
            return 0
        day = months_before(local_date(self._clock, self._rules.current.timezone), months)
        made = 0
        while batch := await repository_lifecycle.not_seen_since(self._repository.pool, day, BATCH):
            before = made
            for player_id in batch:
                try:
                    origin = await self.change(player_id, Status.DORMANT, Actor.SYSTEM, "dormancy_months")
                except TransitionRefused:  # changed meanwhile
                    continue
                made += origin is not Status.DORMANT
            if made == before:
                break
        log.info("accounts became dormant", extra={"players": made})
        return made

    async def duplicates(self, player_id: uuid.UUID) -> list[tuple[uuid.UUID, tuple[str, ...]]]:
        """Accounts that may be the same person's, and what they share. People decide: twins share a birthday."""
        return await repository_lifecycle.same_person(self._repository.pool, player_id)

    async def merge(
        self, survivor: uuid.UUID, merged: uuid.UUID, staff_id: uuid.UUID, reason: str, wallet: AccountMerger
    ) -> None:
        """End a duplicate in favour of `survivor`, who is bound by the stricter of both statuses; then its money moves.

        May be repeated after a crash: the wallet's call is made again, with the same reference. What is under way at
        the account that is to end is refused first; what begins in between keeps its money there until it is over,
        and then the event moves it.
        """
        if survivor == merged:
            raise RequestInvalid("An account is not merged with itself.", rule="two accounts")
        await wallet.require_mergeable(merged)
        told: list[tuple[uuid.UUID, Status, int | None]] = []
        async with self._repository.transaction() as connection:
            # In the order of ids, so that two merges cannot wait for each other.
            found = {one: await repository_lifecycle.lock_status(connection, one) for one in sorted((survivor, merged))}
            kept, ended = found[survivor], found[merged]
            if kept is None or ended is None:
                raise PlayerUnknown("There is no such account.")
            if kept in (Status.CLOSED, Status.MERGED):
                raise MergeRefused("The surviving account has to be one that is not closed.")
            if ended is Status.MERGED:
                if await repository_lifecycle.merged_into(connection, merged) != survivor:
                    raise MergeRefused("The account was merged with another one before.")
            else:
                stricter = strictest(kept, ended)
                if stricter is not kept:
                    actor = Actor.RESPONSIBLE_GAMING if stricter is Status.SELF_EXCLUDED else Actor.STAFF
                    revision = await self._write(
                        connection, survivor, kept, stricter, actor=actor, reason="merged", actor_id=staff_id
                    )
                    told.append((survivor, stricter, revision))
                revision = await self._write(
                    connection,
                    merged,
                    ended,
                    Status.MERGED,
                    actor=Actor.STAFF,
                    reason=reason,
                    actor_id=staff_id,
                    merged_into=survivor,
                )
                told.append((merged, Status.MERGED, revision))
                payload = PlayersMerged(merged_player_id=merged)
                await self._events.append(connection, Event(survivor, self._clock.now(), payload))
                kept = stricter
        await self._sessions.revoke_all(merged)
        await self._apply(survivor, kept)
        for one in told:
            await self._stand(*one)
        await wallet.merge(survivor, merged, f"merge:{merged}")

    async def _apply(self, player_id: uuid.UUID, status: Status) -> None:
        if may_log_in(status):
            await self._sessions.set_may_play(player_id, may_play=may_play(status))
        else:
            await self._sessions.revoke_all(player_id)

    async def _stand(self, player_id: uuid.UUID, status: Status, revision: int | None) -> None:
        if self._standings is None or revision is None:
            return
        try:
            await self._standings.stand(player_id, status, revision)
        except Exception:
            log.exception("the wallet has not heard of a status; the event tells it", extra={"status": status})

    async def _write(
        self,
        connection: Any,
        player_id: uuid.UUID,
        origin: Status,
        target: Status,
        *,
        actor: Actor,
        reason: str,
        actor_id: uuid.UUID | None,
        merged_into: uuid.UUID | None = None,
    ) -> int | None:
        now = self._clock.now()
        await repository_lifecycle.set_status(
            connection,
            player_id,
            origin,
            target,
            actor=actor,
            actor_id=actor_id,
            reason=reason,
            now=now,
            merged_into=merged_into,
        )
        payload = StatusChanged(origin=origin, target=target, actor=actor, reason=reason)
        return await self._events.append(connection, Event(player_id, now, payload))


class MergeRefused(CasinoError):
    status, code = 409, "MERGE_REFUSED"
    rule = "the surviving account is open"
    remedy = "Merge the other way round."


def months_before(day: date, months: int) -> date:
    """The same day some months before, or the last one of a month that is shorter."""
    month = day.year * 12 + day.month - 1 - months
    year, month = divmod(month, 12)
    for last in range(day.day, 0, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise AssertionError("every month has a first day")


def years_before(moment: datetime, years: int) -> datetime:
    """The same for a moment and whole years."""
    day = months_before(moment.date(), 12 * years)
    return moment.replace(year=day.year, month=day.month, day=day.day)
