"""A new password for who forgot the old one, or wants another."""

from __future__ import annotations

import hashlib
import logging
import secrets
import uuid
from datetime import timedelta
from typing import Any

from casino.kernel.clock import Clock
from casino.kernel.identity import Principal
from casino.pam import repository_factors, repository_messages
from casino.pam.events import Event, EventLog, PasswordChanged
from casino.pam.fields import email_key
from casino.pam.messages import Messages
from casino.pam.passwords import Passwords
from casino.pam.proof import require_recent
from casino.pam.refusals import RateLimited, ResetTokenInvalid
from casino.pam.repository import PlayerRepository
from casino.pam.sessions import SessionStore, Throttle
from casino.pam.status import Status
from casino.pam.timing import EvenPace
from casino.pam.vault import Vault

log = logging.getLogger(__name__)

LIFETIME = timedelta(minutes=30)
LIMIT, WINDOW_S = 5, 3600


class Recovery:
    """`request` answers the same, after as long, whether anybody has the address or not."""

    def __init__(
        self,
        *,
        repository: PlayerRepository,
        vault: Vault,
        sessions: SessionStore,
        passwords: Passwords,
        messages: Messages,
        events: EventLog,
        throttle: Throttle,
        clock: Clock,
    ) -> None:
        self._repository = repository
        self._vault = vault
        self._sessions = sessions
        self._passwords = passwords
        self._messages = messages
        self._events = events
        self._throttle = throttle
        self._clock = clock

    async def request(self, email: str) -> None:
        """Send a token to the address if it has an account that is not at its end. Raises RateLimited."""
        if wait_s := await self._throttle.attempt(email_key(email)):
            raise RateLimited(
                "Too many messages were asked for.",
                remedy=f"Wait {wait_s} seconds and try again.",
                headers={"Retry-After": str(wait_s)},
            )
        pace = EvenPace()
        index, now = self._vault.index("email", email_key(email)), self._clock.now()
        player = await self._repository.by_email(index, now)
        if player is not None and player.wrapped is not None and player.status not in (Status.CLOSED, Status.MERGED):
            token = secrets.token_urlsafe(32)
            async with self._repository.transaction() as connection:
                await repository_messages.add_reset(connection, _hash(token), player.player_id, now + LIFETIME)
                await self._messages.add(
                    connection, player.player_id, player.wrapped, "password_reset", {"token": token}
                )
            log.info("password reset asked for", extra={"player_id": str(player.player_id)})
        await pace.wait()

    async def complete(self, token: str, password: str) -> None:
        """Set a password with a token; every session of the account ends, and a lock is opened.

        A second factor stays: who has the mailbox alone does not get in. Raises ResetTokenInvalid.
        """
        password_hash = await self._passwords.hash(password)
        async with self._repository.transaction() as connection:
            player_id = await repository_messages.take_reset(connection, _hash(token), self._clock.now())
            if player_id is None:
                raise ResetTokenInvalid("The token is not valid, was used, or has run out.")
            await self._set(connection, player_id, password_hash)
        await self._sessions.revoke_all(player_id)

    async def change(self, principal: Principal, session_token: str, password: str) -> None:
        """Set a password in a session that proved itself a short time ago; the others end."""
        require_recent(principal, self._clock.now())
        password_hash = await self._passwords.hash(password)
        async with self._repository.transaction() as connection:
            await self._set(connection, principal.player_id, password_hash)
        await self._sessions.revoke_all(principal.player_id, but=session_token)

    async def _set(self, connection: Any, player_id: uuid.UUID, password_hash: str) -> None:
        await self._repository.reset_password(connection, player_id, password_hash)
        await self._events.append(connection, Event(player_id, self._clock.now(), PasswordChanged()))
        wrapped = await repository_factors.wrapped_key(connection, player_id)
        if wrapped is not None:
            await self._messages.add(connection, player_id, wrapped, "password_changed")


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
