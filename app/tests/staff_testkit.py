"""Staff with sessions."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from casino.pam import totp
from casino.pam.api import PlayerModule, Role

_numbers = itertools.count()


@dataclass
class Member:
    """A member of staff with a session."""

    casino: Any
    token: str

    async def call(self, method: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Idempotency-Key": key} if key else {})
        answer: httpx.Response = await self.casino.http.request(
            method, f"/api/v1/staff{path}", json=body, headers=headers
        )
        return answer


Hire = Callable[[Any, Role], Awaitable[Member]]


async def hired(casino: Any, role: Role) -> Member:
    """Somebody of a role, hired and logged in."""
    email, password = f"staff{next(_numbers)}@example.test", "a staff password"
    _, set_up = await casino.part(PlayerModule).staff.add(email, "Kim", password, role)
    code = totp.code_at(base64.b32decode(set_up.secret), int(casino.clock.now().timestamp()) // 30)
    body = {"email": email, "password": password, "code": code}
    answer = await casino.http.post("/api/v1/staff/sessions", json=body)
    assert answer.status_code == 201, answer.text
    return Member(casino, answer.json()["token"])


@pytest.fixture
def hire() -> Hire:
    """Hires somebody of a role for a casino."""
    return hired
