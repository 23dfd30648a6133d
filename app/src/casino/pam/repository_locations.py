"""SQL of decisions about where players are. Neither addresses nor positions are kept."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any


async def add(
    pool: Any, check_id: uuid.UUID, player_id: uuid.UUID, *, moment: str, reason: str, region: str | None, at: datetime
) -> None:
    await pool.execute(
        "INSERT INTO pam.location_checks (check_id, player_id, moment, reason, region, decided_at)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        check_id,
        player_id,
        moment,
        reason,
        region,
        at,
    )
