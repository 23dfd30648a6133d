"""Who is asked before a deposit begins. Limits themselves bind in the database, as the deposit is noted."""

from __future__ import annotations

import uuid
from typing import Protocol


class DepositGuard(Protocol):
    """Responsible gaming, as the wallet sees it."""

    async def depositing(self, player_id: uuid.UUID) -> None:
        """Refuse with a CasinoError who may not deposit now."""
