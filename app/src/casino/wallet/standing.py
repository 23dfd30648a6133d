"""How accounts stand by the status of their player: the wallet's reader of account management's events.

Account management also calls `stand` itself, so that nothing waits for the event; the event repairs what a crash left
out, and moves the money of a merge until that is done.
"""

from __future__ import annotations

import uuid
from typing import Any

from casino.kernel.db import Database
from casino.kernel.events.model import Consumer, Event
from casino.wallet.repository_limits import OBSTACLES, merge_players, set_standing

STANDINGS: dict[str, tuple[str, bool]] = {
    "active": ("open", False),
    "pending_verification": ("open", True),
    "restricted": ("open", True),
    "dormant": ("open", True),
    # Money that is the player's stays theirs to withdraw, as long as nobody suspects it.
    "self_excluded": ("open", True),
    "closed": ("open", True),
    "suspended": ("frozen", True),
    "merged": ("closed", True),
}
"""What a status means for an account: how it stands, and whether it is barred from stakes and deposits."""


class Standings:
    """Brings statuses to the accounts. `revision` is the number of the status's event: the older changes nothing."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def stand(self, player_id: uuid.UUID, status: str, revision: int) -> None:
        """Let all accounts of a player stand by a status."""
        await _stand(self._database.pool, player_id, status, revision)

    @staticmethod
    def consumer() -> Consumer:
        """Reads what account management tells."""
        return Consumer(
            "wallet_standings",
            "wallet",
            "pam",
            {
                ("pam.player_registered", 1): _registered,
                ("pam.status_changed", 1): _changed,
                ("pam.players_merged", 1): _merged,
            },
            ignores_others=True,
        )


class MergeWaits(Exception):
    """Something is under way at the merged account: the event is parked, and tried again."""


async def _registered(connection: Any, event: Event) -> None:
    await _stand(connection, event.aggregate, event.payload["status"], event.position)


async def _changed(connection: Any, event: Event) -> None:
    await _stand(connection, event.aggregate, event.payload["target"], event.position)


async def _merged(connection: Any, event: Event) -> None:
    merged = uuid.UUID(event.payload["merged_player_id"])
    outcome, _ = await merge_players(connection, event.aggregate, merged, f"merge:{merged}")
    if outcome in OBSTACLES:
        raise MergeWaits(OBSTACLES[outcome])


async def _stand(on: Any, player_id: uuid.UUID, status: str, revision: int) -> None:
    await set_standing(on, player_id, *STANDINGS[status], revision)
