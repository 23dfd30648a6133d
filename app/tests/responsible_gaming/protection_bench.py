"""What the module's tests share: whose id a player has, staff with a session, and the worker's readers by hand."""

from __future__ import annotations

import uuid
from typing import Any

from casino.compliance.api import RulesInForce
from casino.kernel.events.relay import Relay
from casino.pam.four_eyes import Role
from casino.pam.module import PlayerModule
from casino.responsible_gaming.module import ResponsibleGaming
from casino.wallet.api import Wallet
from casino.work import consumers
from staff_testkit import Member, hired


async def id_of(player: Any) -> uuid.UUID:
    """The player's id; their session's proof has to be a recent one."""
    return uuid.UUID((await player.call("GET", "/players/me")).json()["player_id"])


def pool_of(casino: Any, module: str) -> Any:
    """The pool of one of the modules that these tests look at."""
    if module == "pam":
        return casino.part(PlayerModule).repository.pool
    if module == "responsible_gaming":
        return casino.part(ResponsibleGaming).protection.repository.pool
    assert module == "wallet", module
    return casino.part(Wallet)._repository._database.pool


async def hear(casino: Any) -> None:
    """Let every reader of events in these modules read to the end, as a worker does all the time."""
    container = casino.app.state.container
    for one in consumers(casino.part(RulesInForce), container):
        if one.module not in ("pam", "wallet", "responsible_gaming"):
            continue
        relay = Relay(one, lambda module: pool_of(casino, module))
        while await relay.step():
            pass
        await relay.close()


async def parked(casino: Any) -> list[str]:
    """Errors of events that could not be handled."""
    found = []
    for module in ("wallet", "responsible_gaming"):
        found += [row["error"] for row in await pool_of(casino, module).fetch(f"SELECT error FROM {module}.parked")]
    return found


async def staff(casino: Any, role: str) -> Member:
    """A new member of staff, logged in."""
    return await hired(casino, Role(role))
