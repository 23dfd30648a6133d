"""Staff with a session, for what staff may do about rounds."""

from __future__ import annotations

import base64
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from casino.pam import totp
from casino.pam.api import PlayerModule, Role

sys.path.insert(0, str(Path(__file__).parent))

OpenStaff = Callable[..., Awaitable[dict[str, str]]]


@pytest.fixture
def staff_of(casino: Any) -> OpenStaff:
    """The headers of a new member of staff of a role."""

    async def open_(role: Role) -> dict[str, str]:
        email, password = f"{role}@example.test", "a staff password"
        _, set_up = await casino.part(PlayerModule).staff.add(email, "Kim", password, role)
        code = totp.code_at(base64.b32decode(set_up.secret), int(casino.clock.now().timestamp()) // 30)
        answer = await casino.http.post(
            "/api/v1/staff/sessions", json={"email": email, "password": password, "code": code}
        )
        assert answer.status_code == 201, answer.text
        return {"Authorization": f"Bearer {answer.json()['token']}"}

    return open_
