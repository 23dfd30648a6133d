"""The key to a register of excluded persons: read where it is kept, and anew once it was changed there."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from casino.kernel.credentials import REREAD_S, Credentials
from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import Settings

log = logging.getLogger(__name__)

PAUSE_S = 5.0
"""Between two readings, however many look-ups the register refuses meanwhile."""


class RegisterKey:
    """The newest key. `read` asks whoever keeps it, and may raise anything; `now` counts seconds.

    One that was read stays in use while it cannot be read again: whether it still counts is for the register to say.
    """

    def __init__(self, read: Callable[[], Awaitable[SecretStr]], *, now: Callable[[], float] = time.monotonic) -> None:
        self._read = read
        self._now = now
        self._key: SecretStr | None = None
        self._asked_at = 0.0
        self._lock = asyncio.Lock()

    async def current(self) -> SecretStr:
        """The key, as it was at most `REREAD_S` ago. Raises ConfigurationError while none was ever read."""
        async with self._lock:
            if self._key is None or self._now() - self._asked_at >= REREAD_S:
                await self._ask()
            if self._key is None:
                raise ConfigurationError("the key to the register of excluded persons cannot be read")
            return self._key

    async def instead_of(self, refused: SecretStr) -> SecretStr | None:
        """Another key than one that the register refused; None where there is none."""
        async with self._lock:
            if self._key == refused and self._now() - self._asked_at >= PAUSE_S:
                await self._ask()
            return self._key if self._key != refused else None

    async def _ask(self) -> None:
        self._asked_at = self._now()
        try:
            self._key = await self._read()
        except Exception as error:
            log.warning("the key to the register of exclusions was not read", extra={"error": type(error).__name__})


async def open_register_key(settings: Settings, credentials: Credentials | None) -> RegisterKey | None:
    """The key to the register that the settings name, already read once: a casino without it lets nobody in.

    None where they name no register, or in development no key. Raises ConfigurationError.
    """
    register = settings.exclusion_register
    if register is None:
        return None
    if credentials is None:
        fixed = settings.exclusion_register_key
        return None if fixed is None else RegisterKey(_always(fixed))
    path = register.secret_path
    assert path is not None  # load_settings() asks for it

    async def read() -> SecretStr:
        return (await credentials.register_secret(path)).key

    key = RegisterKey(read)
    try:
        await key.current()
    except ConfigurationError as error:
        raise ConfigurationError(f'{error}: write {{"key": ...}} to kv/{path} in OpenBao') from None
    return key


def _always(key: SecretStr) -> Callable[[], Awaitable[SecretStr]]:
    async def read() -> SecretStr:
        return key

    return read
