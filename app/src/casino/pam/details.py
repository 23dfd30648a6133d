"""What players may change of their own data: how they are reached. Who they are is for staff, with proof."""

from __future__ import annotations

from casino.kernel.clock import Clock
from casino.kernel.identity import Principal
from casino.pam.events import DetailsChanged, Event, EventLog
from casino.pam.messages import Messages
from casino.pam.proof import require_recent
from casino.pam.refusals import PlayerUnknown
from casino.pam.repository import PlayerRepository
from casino.pam.vault import Vault


class Details:
    def __init__(
        self, repository: PlayerRepository, vault: Vault, messages: Messages, events: EventLog, clock: Clock
    ) -> None:
        self._repository = repository
        self._vault = vault
        self._messages = messages
        self._events = events
        self._clock = clock

    async def change(self, principal: Principal, changes: dict[str, str]) -> None:
        """Set fields, validated before, and tell the player that it was done; nothing where nothing is different.

        Two changes at once follow each other, so that neither is lost. Raises ReauthenticationRequired, PlayerUnknown.
        """
        now, player_id = self._clock.now(), principal.player_id
        require_recent(principal, now)
        async with self._repository.transaction() as connection:
            locked = await self._repository.lock_person(connection, player_id)
            if locked is None:
                raise PlayerUnknown("There is no such account.")
            wrapped, sealed = locked
            person = await self._vault.open(player_id, wrapped, sealed)
            different = tuple(sorted(name for name, value in changes.items() if person.get(name) != value))
            if not different:
                return
            person |= changes
            sealed = await self._vault.seal(player_id, wrapped, person)
            await self._repository.set_person(connection, player_id, sealed, self._vault.indices(person))
            await self._events.append(connection, Event(player_id, now, DetailsChanged(fields=different)))
            await self._messages.add(
                connection, player_id, wrapped, "details_changed", {"fields": ", ".join(different)}
            )
