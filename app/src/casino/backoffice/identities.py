"""How player account management knows a player, for the checks of withdrawals."""

from __future__ import annotations

import uuid

from casino.pam.api import PlayerModule, Status
from casino.wallet.api import Identity


class AccountIdentities:
    """An account that is active is as verified as the rules ask (`verification_required`), and under no restriction.

    Any other one, a closed or an excluded one among them, is paid what is its own, but not without a person.
    """

    def __init__(self, players: PlayerModule) -> None:
        self._players = players

    async def identity(self, player_id: uuid.UUID) -> Identity | None:
        """The account's standing; None for nobody's."""
        status = await self._players.lifecycle.status_of(player_id)
        if status is None:
            return None
        return Identity(status.value, verified=status is Status.ACTIVE, ended=status is Status.MERGED)
