"""The tenant's key that wraps every data key: in OpenBao's transit engine, or from a setting in development."""

from __future__ import annotations

import base64
import binascii
import re
import uuid
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from casino.kernel.batching import Batcher
from casino.kernel.clock import Clock
from casino.kernel.credentials import Credentials
from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import Settings
from casino.pam import crypto

CACHED_KEYS = 20_000
CACHED_S = 300.0
"""How long a process may go on opening what an erasure in another process made unreadable."""


class TenantKey(Protocol):
    """Wraps data keys. A wrapped key names the version that wrapped it; `bound_to` is whose key it is."""

    async def wrap(self, key: bytes, bound_to: bytes) -> str: ...

    async def unwrap(self, wrapped: str, bound_to: bytes) -> bytes:
        """Raises crypto.Unopenable or ValueError when the key is another or the data was changed."""
        ...

    async def version(self) -> int:
        """The version that wraps now."""
        ...


class LocalTenantKey:
    """Keys from CASINO_PII_KEYS, by number; the highest wraps, the others still unwrap."""

    def __init__(self, keys: dict[int, bytes]) -> None:
        self._keys = keys

    async def wrap(self, key: bytes, bound_to: bytes) -> str:
        number = max(self._keys)
        return f"local:v{number}:" + base64.b64encode(crypto.seal(self._keys[number], key, bound_to)).decode()

    async def unwrap(self, wrapped: str, bound_to: bytes) -> bytes:
        key = self._keys.get(wrapped_version(wrapped))
        if key is None:
            raise crypto.Unopenable("the key that wrapped this is not among CASINO_PII_KEYS")
        return crypto.unseal(key, base64.b64decode(wrapped.rpartition(":")[2]), bound_to)

    async def version(self) -> int:
        return max(self._keys)


class TransitTenantKey:
    """The key `BAO_TRANSIT_KEY` of mount `transit`. What is asked at one moment goes out as one batch."""

    def __init__(self, credentials: Credentials, name: str) -> None:
        self._credentials = credentials
        self._name = name
        self._wraps: Batcher[tuple[bytes, bytes], str] = Batcher(self._wrap_all)
        self._unwraps: Batcher[tuple[str, bytes], bytes] = Batcher(self._unwrap_all)

    async def wrap(self, key: bytes, bound_to: bytes) -> str:
        return await self._wraps.ask((key, bound_to))

    async def unwrap(self, wrapped: str, bound_to: bytes) -> bytes:
        return await self._unwraps.ask((wrapped, bound_to))

    async def version(self) -> int:
        return await self._credentials.transit_version(self._name)

    async def _wrap_all(self, items: list[tuple[bytes, bytes]]) -> Sequence[str | BaseException]:
        return await self._credentials.transit_encrypt(self._name, items)

    async def _unwrap_all(self, items: list[tuple[str, bytes]]) -> Sequence[bytes | BaseException]:
        try:
            return await self._credentials.transit_decrypt(self._name, items)
        except ValueError as refused:
            if len(items) == 1:
                return [refused]
        # One of them took the others with it. Alone, it fails alone.
        answers: list[bytes | BaseException] = []
        for item in items:
            try:
                answers += await self._credentials.transit_decrypt(self._name, [item])
            except ValueError as refused:
                answers.append(refused)
        return answers


def wrapped_version(wrapped: str) -> int:
    """The version in `local:v3:...` or `vault:v3:...`. Raises ValueError."""
    match = re.match(r"[a-z]+:v(\d{1,9}):", wrapped)
    if match is None:
        raise ValueError("a wrapped key names no version")
    return int(match[1])


def parse_keys(text: str) -> dict[int, bytes]:
    """CASINO_PII_KEYS. Raises ConfigurationError that does not quote it."""
    keys = {}
    try:
        for part in text.split(","):
            number, _, value = part.strip().partition(":")
            keys[int(number)] = base64.b64decode(value, validate=True)
    except (ValueError, binascii.Error):
        keys = {}
    if not keys or any(number < 1 or len(key) != crypto.KEY_BYTES for number, key in keys.items()):
        raise ConfigurationError("CASINO_PII_KEYS is not `1:<base64 of 32 bytes>`, comma, `2:...`")
    return keys


def tenant_key(settings: Settings, credentials: Credentials | None) -> TenantKey:
    """What the settings name. Raises ConfigurationError."""
    if settings.pii_keys is not None:
        return LocalTenantKey(parse_keys(settings.pii_keys.get_secret_value()))
    if credentials is None or settings.bao_transit_key is None:
        raise ConfigurationError("personal data needs a key: set CASINO_PII_KEYS, or BAO_ADDR and BAO_TRANSIT_KEY")
    return TransitTenantKey(credentials, settings.bao_transit_key)


class DataKeys:
    """Data keys in the clear, those used lately kept for a while: logging in should not wait for OpenBao each time."""

    def __init__(self, tenant_key: TenantKey, clock: Clock) -> None:
        self.tenant_key = tenant_key
        self._clock = clock
        self._known: OrderedDict[uuid.UUID, tuple[str, bytes, float]] = OrderedDict()

    async def new(self, subject: uuid.UUID) -> tuple[bytes, str]:
        """A new data key for a person, and the same wrapped."""
        key = crypto.new_key()
        wrapped = await self.tenant_key.wrap(key, subject.bytes)
        self._keep(subject, wrapped, key)
        return key, wrapped

    async def open(self, subject: uuid.UUID, wrapped: str) -> bytes:
        """The data key. Raises what TenantKey.unwrap raises."""
        found = self._known.get(subject)
        if found is not None and found[0] == wrapped and found[2] > self._clock.now().timestamp():
            self._known.move_to_end(subject)
            return found[1]
        key = await self.tenant_key.unwrap(wrapped, subject.bytes)
        self._keep(subject, wrapped, key)
        return key

    def forget(self, subject: uuid.UUID) -> None:
        """After an erasure."""
        self._known.pop(subject, None)

    def _keep(self, subject: uuid.UUID, wrapped: str, key: bytes) -> None:
        self._known[subject] = (wrapped, key, self._clock.now().timestamp() + CACHED_S)
        self._known.move_to_end(subject)
        if len(self._known) > CACHED_KEYS:
            self._known.popitem(last=False)
