"""What account management asks of responsible gaming; who answers is wired at the start."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Protocol


class PlayerProtection(Protocol):
    """Each refuses with a CasinoError. `person` is the personal data by field; it is not kept."""

    async def registering(self, person: Mapping[str, str]) -> None:
        """Before there is an account."""

    async def before_login(self, player_id: uuid.UUID, person: Mapping[str, str]) -> None:
        """After the proof and before the session; what is over by now has ended when it returns."""

    async def after_login(self, player_id: uuid.UUID, account_id: int) -> None:
        """A session is open."""

    async def suppressed(self, player_id: uuid.UUID) -> bool:
        """Whether marketing may not be sent, whatever was consented to."""
