"""Credentials that run out: renewed in time, replaced whole, and the stores told."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from casino.kernel.credentials import REREAD_S, Credentials
from casino.kernel.openbao import Grant, Login


class FakeBao:
    """OpenBao with leases of `seconds` that may be renewed `renewals` times."""

    opened = 0

    def __init__(self, seconds: int, renewals: int, log: list[str]) -> None:
        type(self).opened += 1
        self.number, self.seconds, self.renewals, self.log = type(self).opened, seconds, renewals, log
        self.fails = 0

    def _grant(self, name: str, seconds: int | None = None) -> Grant:
        return Grant(name, self.seconds if seconds is None else seconds, time.monotonic())

    async def login(self) -> Grant:
        self.log.append(f"login {self.number}")
        return self._grant("token")

    async def issue(self, role: str) -> tuple[Grant, Login]:
        return self._grant(role), Login(f"{role}-{self.number}", "secret")

    async def renew_token(self, wanted_s: int) -> Grant:
        if self.fails:
            self.fails -= 1
            raise ConnectionError("OpenBao is away")
        self.renewals -= 1
        self.log.append(f"renew {self.number}")
        return self._grant("token", wanted_s if self.renewals >= 0 else 0)

    async def renew(self, grant: Grant, wanted_s: int) -> Grant:
        return self._grant(grant.id, wanted_s)

    async def revoke(self) -> None:
        self.log.append(f"revoke {self.number}")


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of the credentials' loop passes in a hundredth."""
    sleep = asyncio.sleep
    monkeypatch.setattr("casino.kernel.credentials.asyncio.sleep", lambda seconds: sleep(seconds / 100))


@pytest.fixture(autouse=True)
def _fresh() -> None:
    FakeBao.opened = 0


async def test_a_lease_at_its_maximum_life_is_replaced_and_subscribers_are_told(fast: None) -> None:
    log: list[str] = []
    rotated = asyncio.Event()
    credentials = Credentials(_unused(), ["app", "redis"], session=lambda: FakeBao(2, 2, log))
    await credentials.start()
    assert credentials.login("app").username == "app-1"

    async def notice() -> None:
        rotated.set()

    credentials.subscribe(notice)
    task = asyncio.create_task(credentials.run())
    await asyncio.wait_for(rotated.wait(), 5)
    task.cancel()
    assert (credentials.login("app").username, credentials.login("redis").username) == ("app-2", "redis-2")
    assert log[:5] == ["login 1", "renew 1", "renew 1", "renew 1", "login 2"]
    await credentials.close()
    assert log[-1] == "revoke 2"


async def test_a_renewal_that_fails_takes_a_new_generation(fast: None) -> None:
    log: list[str] = []
    sessions = [FakeBao(2, 99, log), FakeBao(2, 99, log)]
    sessions[0].fails = 1
    credentials = Credentials(_unused(), ["app"], session=lambda: sessions.pop(0))
    await credentials.start()
    task = asyncio.create_task(credentials.run())
    async with asyncio.timeout(5):
        while credentials.login("app").username != "app-2":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()


def _unused() -> Any:
    return None


def test_a_login_does_not_print_its_password() -> None:
    assert "secret" not in repr(Login("user", "secret"))


class KeptBao(FakeBao):
    """Beside its leases it holds a login that somebody else changes."""

    password = "first"

    async def read_login(self, path: str) -> Login:
        self.log.append(f"read {path}")
        return Login("casino-acme-gb", type(self).password)


async def test_a_login_that_somebody_else_keeps_is_read_anew_and_subscribers_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sleep, naps = asyncio.sleep, []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        await sleep(0.001)

    monkeypatch.setattr("casino.kernel.credentials.asyncio.sleep", nap)
    monkeypatch.setattr(KeptBao, "password", "first")
    told = asyncio.Event()
    path = "tenants/acme-gb/redis"
    credentials = Credentials(_unused(), ["app"], [path], session=lambda: KeptBao(36000, 10**9, []))
    await credentials.start()

    async def notice() -> None:
        told.set()

    credentials.subscribe(notice)
    task = asyncio.create_task(credentials.run())
    await sleep(0.05)
    assert not told.is_set() and max(naps) == REREAD_S
    assert credentials.login(path).password == "first"
    monkeypatch.setattr(KeptBao, "password", "second")
    await asyncio.wait_for(told.wait(), 5)
    task.cancel()
    assert credentials.login(path).password == "second"
    assert KeptBao.opened == 1, "its leases were good: none was replaced"
