"""What the module's tests share: whose id a player has, staff with a session, and the worker's readers by hand."""

from __future__ import annotations

import base64
import itertools
import uuid
from typing import Any

import httpx
from casino.compliance.api import RulesInForce
from casino.kernel.events.relay import Relay
from casino.pam import totp
from casino.pam.four_eyes import Role
from casino.pam.module import PlayerModule
from casino.responsible_gaming.module import ResponsibleGaming
from casino.wallet.api import Wallet
from casino.work import consumers

_numbers = itertools.count()


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


class StaffMember:
    """Somebody of the staff with a session."""

    def __init__(self, casino: Any, token: str) -> None:
        self._casino, self._token = casino, token

    async def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}"} | ({"Idempotency-Key": key} if key else {})
        return await self._casino.http.request(method, f"/api/v1/staff{path}", json=body, headers=headers)


async def staff(casino: Any, role: str) -> StaffMember:
    """A new member of staff, logged in."""
    email, password = f"staff{next(_numbers)}@example.test", "a staff password"
    _, set_up = await casino.part(PlayerModule).staff.add(email, "Kim", password, Role(role))
    code = totp.code_at(base64.b32decode(set_up.secret), int(casino.clock.now().timestamp()) // 30)
    body = {"email": email, "password": password, "code": code}
    answer = await casino.http.post("/api/v1/staff/sessions", json=body)
    assert answer.status_code == 201, answer.text
    return StaffMember(casino, answer.json()["token"])
