"""What a backup has to do with: its secrets and its login, from OpenBao or from development settings."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from casino.backup.restic import Access, Restic
from casino.backup.settings import BackupSettings
from casino.kernel.errors import ConfigurationError
from casino.kernel.openbao import BaoSession, Login
from casino.kernel.settings import Settings


@dataclass(frozen=True, slots=True)
class Opened:
    """The repository, and the database's login; None where a development URL has it."""

    restic: Restic
    login: Login | None
    session: BaoSession | None

    async def report(self, backup: BackupSettings, outcome: dict[str, Any]) -> None:
        """Tell the outcome where the operator reads it."""
        if self.session is not None and backup.report is not None:
            await self.session.write_record(backup.report, outcome)


class OneLogin:
    """A login in the place of credentials that are renewed: it is good for longer than the work takes."""

    def __init__(self, login: Login) -> None:
        self._login = login

    def login(self, _: str) -> Login:
        return self._login


@asynccontextmanager
async def opened(settings: Settings, backup: BackupSettings, member: str | None) -> AsyncIterator[Opened]:
    """What is needed, given back afterwards. `member` is whose login of the database: `backup`, `owner`, or none."""
    session = BaoSession(settings) if settings.uses_openbao else None
    login: Login | None = None
    try:
        if session is not None:
            await session.login()
            if member is not None and settings.database_url is None:
                login = (await session.issue(settings.bao_role_of(member)))[1]
        access = await _access(settings, backup, session)
        yield Opened(Restic(backup.restic, access), login, session)
    finally:
        if session is not None:
            with suppress(Exception):  # it runs out by itself
                await session.revoke()


async def _access(settings: Settings, backup: BackupSettings, session: BaoSession | None) -> Access:
    password = backup.password.get_secret_value() if backup.password else ""
    username = backup.store_username or ""
    secret = backup.store_password.get_secret_value() if backup.store_password else ""
    if session is not None and backup.password_secret:
        password = str((await session.read_secret(backup.password_secret)).get("password", ""))
    if session is not None and backup.store_secret:
        found = await session.read_secret(backup.store_secret)
        username = str(found.get("username") or found.get("access_key_id") or "")
        secret = str(found.get("password") or found.get("secret_access_key") or "")
    if not password:
        raise ConfigurationError(
            f"kv/{backup.password_secret} has no password of the repository: the operator makes it"
        )
    return Access(backup.store, password, username, secret, settings.ca_file)
