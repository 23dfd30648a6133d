"""Consents: what a player agreed to, in which version, when and where; nothing is ever overwritten."""

from __future__ import annotations

import re
import uuid
from typing import Any

from casino.kernel.clock import Clock
from casino.kernel.errors import RequestInvalid
from casino.kernel.identity import new_id
from casino.pam import repository_lifecycle
from casino.pam.events import ConsentGiven, Event, EventLog
from casino.pam.protection import PlayerProtection
from casino.pam.repository import PlayerRepository
from casino.pam.repository_lifecycle import ConsentRow

CHANNELS = ("email", "sms", "phone", "post", "push")
_MARKETING = re.compile(rf"marketing:({'|'.join(CHANNELS)}):[a-z_]{{1,40}}")


class Consents:
    """Subjects are `terms`, `privacy`, and `marketing:<channel>:<product>`: consent to one covers no other."""

    def __init__(self, repository: PlayerRepository, events: EventLog, clock: Clock) -> None:
        self._repository = repository
        self._events = events
        self._clock = clock
        self.protection: PlayerProtection | None = None
        """Set at the start: excluded players get no marketing, whatever they once agreed to."""

    async def record(self, player_id: uuid.UUID, subject: str, granted: bool, version: str, source: str) -> None:
        """Keep a decision. Raises RequestInvalid for a subject that is none, or terms that are taken back."""
        if subject not in ("terms", "privacy") and not _MARKETING.fullmatch(subject):
            raise RequestInvalid("The subject of the consent is not known.", rule="terms, privacy, marketing:*:*")
        if subject in ("terms", "privacy") and not granted:
            raise RequestInvalid(
                "Terms are accepted or the account is closed.",
                rule="an account has accepted terms",
                remedy="Close the account instead.",
            )
        async with self._repository.transaction() as connection:
            await self.write(connection, player_id, subject, granted=granted, version=version, source=source)

    async def write(
        self, connection: Any, player_id: uuid.UUID, subject: str, *, granted: bool, version: str, source: str
    ) -> None:
        """The same within the caller's transaction, for a subject that is known to be right."""
        now = self._clock.now()
        row = ConsentRow(subject, granted, version, source, now)
        await repository_lifecycle.add_consent(connection, new_id(), player_id, row)
        payload = ConsentGiven(subject=subject, granted=granted, version=version, source=source)
        await self._events.append(connection, Event(player_id, now, payload))

    async def current(self, player_id: uuid.UUID) -> list[ConsentRow]:
        """The newest decision on each subject."""
        return await repository_lifecycle.consents(self._repository.pool, player_id)

    async def allows(self, player_id: uuid.UUID, channel: str, product: str) -> bool:
        """Whether marketing may be sent; silence is a no, and so is an exclusion."""
        subject = f"marketing:{channel}:{product}"
        if not any(row.granted for row in await self.current(player_id) if row.subject == subject):
            return False
        return self.protection is None or not await self.protection.suppressed(player_id)
