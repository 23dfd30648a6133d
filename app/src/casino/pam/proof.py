"""Proving who one is: the password, the second factor, and the lock after too many failures."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from casino.compliance.api import RulesInForce
from casino.kernel.clock import Clock
from casino.kernel.errors import CasinoError
from casino.kernel.identity import Principal
from casino.kernel.metrics import LOGINS
from casino.pam.events import Event, EventLog, PlayerLocked
from casino.pam.factors import CodeWrong, Factors
from casino.pam.messages import Messages
from casino.pam.models import Player
from casino.pam.passwords import Passwords
from casino.pam.refusals import (
    BadCredentials,
    LoginRateLimited,
    ReauthenticationRequired,
    SecondFactorRequired,
    SecondFactorWrong,
)
from casino.pam.repository import PlayerRepository
from casino.pam.sessions import LoginThrottle
from casino.pam.timing import EvenPace

log = logging.getLogger(__name__)

RECENT = timedelta(minutes=5)
"""For how long a proof covers sensitive acts."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What somebody shows. `webauthn` is `{"ceremony_id": ..., "credential": {...}}`."""

    password: str = field(repr=False)
    code: str | None = field(default=None, repr=False)
    webauthn: dict[str, Any] | None = field(default=None, repr=False)


class Proofs:
    """Judges claims. Every failure counts for the account's lock, and for the throttle of the address."""

    def __init__(
        self,
        *,
        repository: PlayerRepository,
        throttle: LoginThrottle,
        passwords: Passwords,
        factors: Factors,
        messages: Messages,
        events: EventLog,
        rules: RulesInForce,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._throttle = throttle
        self._passwords = passwords
        self._factors = factors
        self._messages = messages
        self._events = events
        self._rules = rules
        self._clock = clock

    async def password(self, player: Player | None, throttled_by: str, password: str) -> Player:
        """The player, when the password is theirs and the account is not locked.

        Raises BadCredentials, the same whatever was wrong and after as long, or LoginRateLimited.
        """
        if wait_s := await self._throttle.attempt(throttled_by):
            LOGINS.labels("rate_limited").inc()
            raise LoginRateLimited(
                "Too many log-ins failed for this address.",
                remedy=f"Wait {wait_s} seconds and try again.",
                headers={"Retry-After": str(wait_s)},
            )
        pace = EvenPace()
        usable = player is not None and not player.locked
        right = await self._passwords.verify(player.password_hash if player and usable else None, password)
        if player is None or not right:
            LOGINS.labels("refused").inc()
            if player is not None and usable:
                await self._count_failure(player)
            await pace.wait()
            raise BadCredentials("The e-mail address and the password do not match.")
        return player

    async def whole(self, player: Player | None, throttled_by: str, claim: Claim) -> Player:
        """Password and, where the account has one, a second factor.

        Raises what `password` raises, SecondFactorRequired, SecondFactorWrong, CeremonyFailed.
        """
        found = await self.password(player, throttled_by, claim.password)
        if found.has_second_factor:
            await self._second_factor(found, claim)
        await self._throttle.forget(throttled_by)
        assert found.password_hash is not None  # verified
        if self._passwords.outdated(found.password_hash):
            await self._repository.set_password_hash(found.player_id, await self._passwords.hash(claim.password))
        return found

    async def _second_factor(self, player: Player, claim: Claim) -> None:
        try:
            if claim.webauthn is not None:
                ceremony_id = str(claim.webauthn.get("ceremony_id", ""))
                credential = claim.webauthn.get("credential")
                await self._factors.check_key(
                    player.player_id, ceremony_id, credential if isinstance(credential, dict) else {}
                )
                return
            if claim.code is None:
                LOGINS.labels("second_factor").inc()
                raise SecondFactorRequired("The password is right; the account asks for a second factor as well.")
            if await self._factors.check_code(player.player_id, claim.code):
                return
        except SecondFactorRequired:
            raise
        except (CasinoError, CodeWrong):
            await self._count_failure(player)
            raise
        LOGINS.labels("refused").inc()
        await self._count_failure(player)
        raise SecondFactorWrong("The code is wrong, or was used before.")

    async def _count_failure(self, player: Player) -> None:
        now = self._clock.now()
        rules = self._rules.current
        until = None if rules.lockout_until_reset else now + timedelta(minutes=rules.lockout_minutes)
        async with self._repository.transaction() as connection:
            locked = await self._repository.count_failure(
                connection, player.player_id, rules.max_failed_logins, now, until
            )
            if locked:
                await self._events.append(connection, Event(player.player_id, now, PlayerLocked(until=until)))
                if player.wrapped is not None:
                    await self._messages.add(connection, player.player_id, player.wrapped, "account_locked")
        if locked:
            LOGINS.labels("locked").inc()
            log.warning("account locked", extra={"player_id": str(player.player_id)})


def require_recent(principal: Principal, now: datetime) -> None:
    """Refuse with ReauthenticationRequired when the session's last proof is older than RECENT."""
    if principal.authenticated_at is None or abs(now - principal.authenticated_at) > RECENT:
        raise ReauthenticationRequired("Prove once more who you are before you do this.")
