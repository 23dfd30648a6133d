"""Credentials that change while the process runs: renewed in the background, replaced before they run out."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from casino.kernel.metrics import CREDENTIAL_EXPIRY
from casino.kernel.openbao import BaoSession, Grant, Login
from casino.kernel.settings import ExclusionRegisterSecret, PspSecret, Settings, StudioSecret

log = logging.getLogger(__name__)

RETRY_S = 5.0
REREAD_S = 300.0
"""How often a login that somebody else keeps is read anew. Whoever changes it lets the old one count for longer."""
Rotated = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class _Generation:
    """A log-in and everything issued under it; it is replaced whole, because leases die with their token."""

    session: BaoSession
    token: Grant
    leases: dict[str, Grant]
    logins: dict[str, Login]

    def granted(self) -> list[Grant]:
        return [self.token, *self.leases.values()]


class Credentials:
    """Logins by database role, or by the path in kv where somebody keeps them, and secrets by path, always the newest.

    `run()` renews at half of the shortest remaining life. When a renewal grants less than a third of what was
    granted at first, the maximum life is near: a new generation is taken, and who subscribed is told to reconnect.
    """

    def __init__(
        self,
        settings: Settings,
        roles: list[str],
        kept: Sequence[str] = (),
        *,
        session: Callable[[], BaoSession] | None = None,
    ) -> None:
        self._settings = settings
        self._roles = roles
        self._kept = kept
        self._new_session = session or (lambda: BaoSession(settings))
        self._generation: _Generation | None = None
        self._first: dict[str, int] = {}
        self._subscribers: list[Rotated] = []

    def subscribe(self, rotated: Rotated) -> None:
        """Call `rotated` whenever the logins were replaced."""
        self._subscribers.append(rotated)

    def login(self, name: str) -> Login:
        """The newest login of a role, or of a path."""
        return self._current.logins[name]

    async def psp_secret(self, path: str) -> PspSecret:
        return await self._current.session.read_psp_secret(path)

    async def transit_encrypt(self, key: str, items: Sequence[tuple[bytes, bytes]]) -> list[str]:
        return await self._current.session.transit_encrypt(key, items)

    async def transit_decrypt(self, key: str, items: Sequence[tuple[str, bytes]]) -> list[bytes]:
        return await self._current.session.transit_decrypt(key, items)

    async def transit_version(self, key: str) -> int:
        return await self._current.session.transit_version(key)

    async def studio_secret(self, path: str) -> StudioSecret:
        return await self._current.session.read_studio_secret(path)

    async def register_secret(self, path: str) -> ExclusionRegisterSecret:
        return await self._current.session.read_register_secret(path)

    async def start(self) -> None:
        """Take the first generation; raises what hvac raises."""
        await self._replace()

    async def run(self) -> None:
        """Keep the credentials alive until cancelled."""
        while True:
            now = time.monotonic()
            remaining = min(grant.remaining(now) for grant in self._current.granted())
            await asyncio.sleep(max(min(remaining / 2, REREAD_S if self._kept else remaining), 1.0))
            try:
                if not await self._renew():
                    await self._replace()
                elif await self._reread():
                    await self._tell()
            except Exception:
                log.exception("credentials could not be renewed; trying again")
                await asyncio.sleep(min(RETRY_S, max(remaining / 8, 0.5)))
                with suppress(Exception):
                    await self._replace()

    async def close(self) -> None:
        """Revoke what is held. A failure only means that it runs out by itself."""
        if self._generation is not None:
            with suppress(Exception):
                await self._generation.session.revoke()

    @property
    def _current(self) -> _Generation:
        if self._generation is None:
            raise RuntimeError("credentials are used before start()")
        return self._generation

    async def _renew(self) -> bool:
        """Renew all; false when one is near the end of its maximum life."""
        current = self._current
        current.token = await current.session.renew_token(self._first["token"])
        healthy = current.token.seconds * 3 >= self._first["token"]
        for role, grant in current.leases.items():
            current.leases[role] = await current.session.renew(grant, self._first[role])
            healthy = healthy and current.leases[role].seconds * 3 >= self._first[role]
        self._report()
        return healthy

    async def _reread(self) -> bool:
        """Read the logins that somebody else keeps; true when one is another."""
        current = self._current
        found = {path: await current.session.read_login(path) for path in self._kept}
        changed = any(current.logins[path] != login for path, login in found.items())
        current.logins.update(found)
        return changed

    async def _replace(self) -> None:
        session = self._new_session()
        token = await session.login()
        leases: dict[str, Grant] = {}
        logins: dict[str, Login] = {}
        for role in self._roles:
            leases[role], logins[role] = await session.issue(role)
        for path in self._kept:
            logins[path] = await session.read_login(path)
        rotated = self._generation is not None
        self._generation = _Generation(session, token, leases, logins)
        self._first = {"token": token.seconds, **{role: grant.seconds for role, grant in leases.items()}}
        self._report()
        log.info("credentials issued", extra={"roles": self._roles, "rotated": rotated})
        if rotated:
            # The old generation is left to run out: connections that are in use finish on it.
            await self._tell()

    async def _tell(self) -> None:
        for subscriber in self._subscribers:
            await subscriber()

    def _report(self) -> None:
        now = time.monotonic()
        for role, grant in {"token": self._current.token, **self._current.leases}.items():
            CREDENTIAL_EXPIRY.labels(role).set(time.time() + grant.remaining(now))


async def psp_secrets(settings: Settings, credentials: Credentials | None) -> dict[str, PspSecret]:
    """What each payment provider gave, by its name; with development settings what they say."""
    if credentials is None:
        return dict(settings.psp_secrets)
    # load_settings() asks for every path.
    return {one.name: await credentials.psp_secret(one.secret_path) for one in settings.psp if one.secret_path}


async def studio_secrets(settings: Settings, credentials: Credentials | None) -> dict[str, StudioSecret]:
    """What each studio gave, by its name; with development settings what they say."""
    if credentials is None:
        return dict(settings.studio_secrets)
    return {one.studio: await credentials.studio_secret(one.secret_path) for one in settings.studios if one.secret_path}


@asynccontextmanager
async def secrets_alone(settings: Settings) -> AsyncIterator[Credentials | None]:
    """OpenBao for a command that reads secrets and needs no store; None with development settings."""
    if not settings.uses_openbao:
        yield None
        return
    credentials = Credentials(settings, [])
    await credentials.start()
    try:
        yield credentials
    finally:
        await credentials.close()
