"""Limits and exclusions of players: decided here, and brought to the wallet and the sessions.

A decision is a transaction of this module, numbered for its player. Then `apply` brings it to who enforces it; it is
called before the player is answered, by the event that the decision wrote, and by a job, and only ever brings the
newest decision: what was overtaken changes nothing (docs/responsible-gaming.md).
"""

from __future__ import annotations

import hashlib
import logging
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from casino.compliance.api import RulesInForce
from casino.kernel.clock import Clock
from casino.kernel.errors import CasinoError
from casino.kernel.identity import new_id
from casino.pam.api import Lifecycle
from casino.responsible_gaming import limits as limiting
from casino.responsible_gaming.events import protection_changed, tell
from casino.responsible_gaming.exclusions import (
    Exclusion,
    ExclusionKind,
    ask_to_return,
    barred_until,
    closes_account,
    is_over,
    require_length,
)
from casino.responsible_gaming.limits import Limit, Origin, Place, in_force, missing, missing_kinds, require_within
from casino.responsible_gaming.register import ExclusionRegister, Listed, RegisterUnavailable
from casino.responsible_gaming.repository import PlayerState, ProtectionRepository
from casino.responsible_gaming.repository_presence import move_time
from casino.wallet.api import PlayerLimits, Wallet

log = logging.getLogger(__name__)

BATCH, MOST_BATCHES = 200, 50
MONEY = ("deposit", "loss", "stake")
People = Callable[[uuid.UUID], Awaitable[Mapping[str, str]]]
"""The personal data of a player, for who has to be looked up."""


class PlayerExcluded(CasinoError):
    status, code = 403, "PLAYER_EXCLUDED"
    rule = "exclusion_register_moments"
    remedy = "Ask the register about the entry; support organisations are named on the casino's page."


class LimitRequired(CasinoError):
    status, code = 403, "LIMIT_REQUIRED"
    rule = "limits"
    remedy = "Set the limit by PUT /api/v1/players/me/limits/{kind}/{period}, then repeat the request."


class NotExcluded(CasinoError):
    status, code = 409, "NOT_EXCLUDED"
    rule = "an exclusion is there to be ended"
    remedy = "Nothing has to be done: the account is not excluded."


@dataclass(frozen=True, slots=True)
class Decision:
    """Who decides, and why: a player for themselves, or somebody of the staff for them."""

    origin: Origin
    actor_id: uuid.UUID | None
    reason: str


class Protection:
    """The module's service. `lifecycle` is pam's: it ends sessions and keeps excluded players out."""

    def __init__(
        self,
        *,
        repository: ProtectionRepository,
        wallet: Wallet,
        bindings: PlayerLimits,
        lifecycle: Lifecycle,
        people: People,
        register: ExclusionRegister | None,
        rules: RulesInForce,
        clock: Clock,
    ) -> None:
        self.repository = repository
        self._wallet = wallet
        self._bindings = bindings
        self._lifecycle = lifecycle
        self._people = people
        self._register = register
        self._rules = rules
        self._clock = clock

    # Limits.

    async def set_limit(self, player_id: uuid.UUID, place: Place, value: int | None, by: Decision) -> Limit:
        """Ask for a limit; tighter than before it holds at once, looser after the rules' cooling period.

        Raises LimitAboveMaximum. Staff's limit and the player's own are kept apart, and the tighter one binds.
        """
        rules, now = self._rules.current, self._clock.now()
        if by.origin == "player":
            require_within(rules, place, value)
        async with self.repository.transaction() as connection:
            state = self._settled(await self.repository.lock(connection, player_id), now)[0]
            before = state.limits.get((place, by.origin), Limit())
            after, change = limiting.ask(before, value, now, timedelta(hours=rules.limit_loosening_hours))
            await self._advance(connection, player_id, now)
            if change is not None:
                await self.repository.save_limit(connection, player_id, place, by.origin, after)
                await self.repository.note(
                    connection, player_id, place, by.origin, change=change, value=value,
                    effective_at=after.effective_at or now, actor_id=by.actor_id, reason=by.reason, now=now,
                )  # fmt: skip
                await self._tell(connection, player_id, now, f"limit_{change}")
        await self.apply(player_id)
        return after

    async def confirm_limit(self, player_id: uuid.UUID, place: Place) -> Limit:
        """Let the player's looser limit that has waited long enough come into force. Raises LimitNotWaiting."""
        now = self._clock.now()
        async with self.repository.transaction() as connection:
            state = await self.repository.lock(connection, player_id)
            after = limiting.confirm(state.limits.get((place, "player"), Limit()), now)
            await self._loosened(connection, player_id, (place, "player"), after, now)
            await self._tell(connection, player_id, now, "limit_loosened")
        await self.apply(player_id)
        return after

    def in_force(self, state: PlayerState) -> dict[Place, int]:
        """What binds the player at this moment."""
        return in_force(self._rules.current.limits, self._settled(state, self._clock.now())[0].limits)

    # Exclusions.

    async def exclude(self, player_id: uuid.UUID, kind: ExclusionKind, days: int | None, by: Decision) -> Exclusion:
        """Exclude a player: from its commit on nothing shortens it. `days` is None for one without an end.

        Raises ExclusionTooShort, TimeOutTooLong.
        """
        require_length(self._rules.current, kind, days)
        now = self._clock.now()
        one = Exclusion(new_id(), kind, now, now + timedelta(days=days) if days is not None else None)
        async with self.repository.transaction() as connection:
            await self.repository.lock(connection, player_id)
            await self.repository.add_exclusion(connection, player_id, one, by.reason, by.actor_id)
            await self._tell(connection, player_id, now, kind)
        log.info("player excluded", extra={"player_id": str(player_id), "kind": kind})
        await self.apply(player_id)
        return one

    async def ask_to_return(self, player_id: uuid.UUID) -> list[Exclusion]:
        """A self-excluded player asks to come back. Raises ReturnRefused before its time, NotExcluded."""
        now = self._clock.now()
        async with self.repository.transaction() as connection:
            state = await self.repository.lock(connection, player_id)
            found = [one for one in state.exclusions if one.kind == "self_exclusion"]
            if not found:
                raise NotExcluded("The player is not self-excluded.")
            asked = [ask_to_return(self._rules.current, one, now) for one in found]
            for one in asked:
                await self.repository.save_exclusion(connection, one)
            await self._tell(connection, player_id, now, "return_asked")
        await self.apply(player_id)
        return asked

    async def suppressed(self, player_id: uuid.UUID) -> bool:
        """Whether marketing may not be sent, whatever was consented to: excluded, on a break, or on the register."""
        state = await self.repository.state(player_id)
        if barred_until(self._rules.current, state.exclusions, self._clock.now()) is not None:
            return True
        if "marketing" not in self._rules.current.exclusion_register_moments:
            return False
        return await self._look_up(player_id, await self._people(player_id), "marketing") is not Listed.NO

    async def take_over(self, survivor: uuid.UUID, merged: uuid.UUID, merge: Callable[[Limit, Limit], Limit]) -> None:
        """Let what binds a merged account bind the survivor: its exclusions, the tighter of each limit, its time."""
        now = self._clock.now()
        async with self.repository.transaction() as connection:
            # In the order of ids, so that two of them cannot wait for each other.
            found = {one: await self.repository.lock(connection, one) for one in sorted((survivor, merged))}
            kept, ended = found[survivor], found[merged]
            for one in ended.exclusions:
                await self.repository.add_exclusion(
                    connection, survivor, replace(one, exclusion_id=new_id()), "merged account", None
                )
                await self.repository.save_exclusion(connection, replace(one, ended_at=now))
            for (place, origin), limit in ended.limits.items():
                both = merge(kept.limits.get((place, origin), Limit()), limit)
                await self.repository.save_limit(connection, survivor, place, origin, both)
                await self.repository.note(
                    connection, survivor, place, origin, change="tightened", value=both.value, effective_at=now,
                    actor_id=None, reason="merged account", now=now,
                )  # fmt: skip
            await move_time(connection, survivor, merged)
            await self._tell(connection, survivor, now, "merged")
        await self.apply(survivor)

    # What account management and the wallet ask (ports of pam and of the wallet).

    async def registering(self, person: Mapping[str, str]) -> None:
        """Refuse who the register lists, or of whom it does not tell, before there is an account."""
        if "registration" in self._rules.current.exclusion_register_moments:
            self._require_not_listed(await self._look_up(None, person, "registration"))

    async def before_login(self, player_id: uuid.UUID, person: Mapping[str, str]) -> None:
        """Bring a player's protection up to this moment, and refuse who the register lists or does not tell of."""
        state = await self.repository.state(player_id)
        listed = [one for one in state.exclusions if one.kind == "register"]
        if listed or "login" in self._rules.current.exclusion_register_moments:
            answer = await self._look_up(player_id, person, "login")
            if answer is Listed.YES and not listed:
                await self.exclude(player_id, "register", None, Decision("staff", None, "national register"))
            elif answer is Listed.NO and listed:
                await self._end(player_id, listed)
            self._require_not_listed(answer)
        await self.bring_up_to_date(player_id)

    async def depositing(self, player_id: uuid.UUID) -> None:
        """Refuse a deposit of who has to set a limit first, or is on the register."""
        rules = self._rules.current
        if rules.limit_kinds_required or any(rule.required for rule in rules.limits):
            state = await self.repository.state(player_id)
            lacking = [f"{kind} per {period}" for kind, period in missing(rules.limits, state.limits)]
            lacking += missing_kinds(rules.limit_kinds_required, state.limits)
            if lacking:
                raise LimitRequired(f"Limits have to be set before the first deposit: {', '.join(lacking)}.")
        if "deposit" in rules.exclusion_register_moments:
            answer = await self._look_up(player_id, await self._people(player_id), "deposit")
            if answer is Listed.YES:
                await self.exclude(player_id, "register", None, Decision("staff", None, "national register"))
            self._require_not_listed(answer)

    # Bringing decisions to who enforces them.

    async def bring_up_to_date(self, player_id: uuid.UUID) -> None:
        """Let what has waited long enough come into force, and tell who enforces it."""
        now = self._clock.now()
        async with self.repository.transaction() as connection:
            await self._advance(connection, player_id, now)
        await self.apply(player_id)

    async def apply(self, player_id: uuid.UUID) -> None:
        """Bring the newest decision to the wallet and to the account's status. May be called at any time, again."""
        state = await self.repository.state(player_id)
        if state.applied == state.revision and state.rules == self.digest:
            return
        # The player's row stays locked meanwhile: nothing newer is decided before this is where it belongs. The wallet
        # and account management have transactions of their own; what is cut short here is done again.
        async with self.repository.transaction() as connection:
            state = await self.repository.lock(connection, player_id)
            digest, rules, now = self.digest, self._rules.current, self._clock.now()
            account_id = await self._wallet.account_of(player_id)
            money = [(*place, value) for place, value in self.in_force(state).items() if place[0] in MONEY]
            until = barred_until(rules, state.exclusions, now)
            if account_id is None and (money or until):
                account_id = await self._wallet.open_account(player_id)
            if account_id is not None:
                await self._bindings.protect(account_id, state.revision, until, rules.timezone, money)
            if closes_account(rules, state.exclusions, now):
                await self._lifecycle.exclude(player_id)
            else:
                await self._lifecycle.readmit(player_id)
            await self.repository.applied(connection, player_id, state.revision, digest)

    async def look_after(self) -> int:
        """Do what is due; answers for how many players. For a job: what is left over is done by its next run."""
        done = 0
        for _ in range(MOST_BATCHES):
            batch = await self._look_after_batch()
            done += batch
            if batch < BATCH:
                break
        return done

    async def _look_after_batch(self) -> int:
        rules = self._rules.current
        due = await self.repository.due(
            self._clock.now(),
            self.digest,
            BATCH,
            confirmed=rules.limit_loosening_confirmed,
            ends_itself=rules.self_exclusion_ends == "automatically",
        )
        for player_id in due:
            try:
                await self.bring_up_to_date(player_id)
            except Exception:  # one player's fault must not stop the others
                log.exception("a player's protection was not brought up to date", extra={"player_id": str(player_id)})
        return len(due)

    @property
    def digest(self) -> str:
        """Of the rules that decisions are computed by."""
        told = self._rules.current.model_dump_json(include={"limits", "self_exclusion_ends", "timezone"})
        return hashlib.sha256(told.encode()).hexdigest()[:16]

    # Within.

    def _settled(self, state: PlayerState, now: datetime) -> tuple[PlayerState, list[tuple[Place, Origin]]]:
        """The state at a moment, and which limits loosened in it."""
        rules = self._rules.current
        found, changed = dict(state.limits), []
        for key, limit in state.limits.items():
            confirmed = key[1] == "staff" or not rules.limit_loosening_confirmed
            found[key], loosened = limiting.settle(limit, now, confirmed=confirmed)
            if loosened:
                changed.append(key)
        return replace(state, limits=found), changed

    async def _advance(self, connection: Any, player_id: uuid.UUID, now: datetime) -> None:
        state = await self.repository.lock(connection, player_id)
        settled, changed = self._settled(state, now)
        for key in changed:
            await self._loosened(connection, player_id, key, settled.limits[key], now)
        over = [one for one in state.exclusions if is_over(self._rules.current, one, now)]
        for one in over:
            await self.repository.save_exclusion(connection, replace(one, ended_at=now))
        if changed or over:
            await self._tell(connection, player_id, now, "time_has_come")

    async def _loosened(
        self, connection: Any, player_id: uuid.UUID, key: tuple[Place, Origin], limit: Limit, now: datetime
    ) -> None:
        await self.repository.save_limit(connection, player_id, *key, limit)
        await self.repository.note(
            connection, player_id, *key, change="loosened", value=limit.value, effective_at=now, actor_id=None,
            reason="its time has come", now=now,
        )  # fmt: skip

    async def _end(self, player_id: uuid.UUID, exclusions: list[Exclusion]) -> None:
        now = self._clock.now()
        async with self.repository.transaction() as connection:
            await self.repository.lock(connection, player_id)
            for one in exclusions:
                await self.repository.save_exclusion(connection, replace(one, ended_at=now))
            await self._tell(connection, player_id, now, "register_over")
        await self.apply(player_id)

    async def _tell(self, connection: Any, player_id: uuid.UUID, now: datetime, what: str) -> None:
        revision = await self.repository.changed(connection, player_id)
        await tell(connection, protection_changed(player_id, now, revision, what))

    async def _look_up(self, player_id: uuid.UUID | None, person: Mapping[str, str], moment: str) -> Listed:
        named, register = self._rules.current.exclusion_register, self._register
        if register is None or named not in (None, register.name):
            # Rules that came while the casino runs: the pods that can ask are on their way.
            log.warning("the rules have a register asked to which this casino does not lead")
            answer = Listed.UNKNOWN
        else:
            answer = await register.look_up(person, moment)
        await self.repository.add_check(player_id, moment, answer, self._clock.now())
        return answer

    @staticmethod
    def _require_not_listed(answer: Listed) -> None:
        if answer is Listed.YES:
            raise PlayerExcluded("The register of excluded persons lists this person.")
        if answer is Listed.UNKNOWN:
            raise RegisterUnavailable("The register of excluded persons has not answered.")
