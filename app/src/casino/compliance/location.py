"""At the moments that the rules name, a session has to be located: judged lately, and from the address it was judged
for. How it is judged is player account management's business; what a deposit or a bet asks is this alone. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from casino.compliance.models import Rules
from casino.kernel.errors import CasinoError
from casino.kernel.identity import Principal


class LocationRequired(CasinoError):
    status, code = 403, "LOCATION_REQUIRED"
    rule = "geolocation_moments"
    remedy = "POST /api/v1/sessions/current/location with the device's position, then repeat the request."


def require_located(
    rules: Rules, player: Principal, moment: Literal["deposit", "bet"], now: datetime, address_hash: str
) -> None:
    """Refuse with LocationRequired unless the session counts as located; nothing where the rules ask for nothing.

    `address_hash` is of the address that the request comes from (kernel/addresses.py).
    """
    if moment not in rules.geolocation_moments:
        return
    if player.located_until is None or player.located_until < now or player.located_from != address_hash:
        raise LocationRequired("Where the player is has to be established anew.")
