"""Passwords: argon2id, in threads, a few at a time."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError


class Passwords:
    """OWASP's argon2id parameters for 19 MiB. Two at once: hashing must not take the cores from the bets."""

    def __init__(self, at_once: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
        self._at_once = asyncio.Semaphore(at_once)
        # Checked when nobody has the address, so that the time taken does not tell who is registered.
        self._nobody = self._hasher.hash("nobody's password")

    async def hash(self, password: str) -> str:
        async with self._at_once:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the password is right; with no hash it takes as long and is wrong."""
        async with self._at_once:
            try:
                await asyncio.to_thread(self._hasher.verify, password_hash or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return password_hash is not None

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with parameters other than today's."""
        return self._hasher.check_needs_rehash(password_hash)
