"""OpenBao through hvac: one log-in, the leases under it, and secrets. hvac blocks, so calls run in threads."""

from __future__ import annotations

import asyncio
import base64
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import hvac
import hvac.exceptions

from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import ExclusionRegisterSecret, PspSecret, Settings, StudioSecret


@dataclass(frozen=True, slots=True)
class Grant:
    """Something that runs out: a token or a lease. `seconds` is what was granted, from `at` (monotonic)."""

    id: str
    seconds: int
    at: float

    def remaining(self, now: float) -> float:
        """Seconds left at `now` (monotonic)."""
        return self.at + self.seconds - now


@dataclass(frozen=True, slots=True)
class Login:
    """User name and password: of a dynamic role, or kept by somebody who changes them."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Login(username={self.username!r}, password=***)"


class BaoSession:
    """One token of OpenBao. A lease lives no longer than the token it was issued under."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # hvac's `verify` takes the CA's path; without one the system's store decides.
        verify: str | bool = str(settings.ca_file) if settings.ca_file else True
        self._client = hvac.Client(url=settings.bao_addr, verify=verify, timeout=10)

    async def login(self) -> Grant:
        """Log in with the pod's projected token (role BAO_ROLE on mount `jwt`)."""

        def call() -> Grant:
            try:
                jwt = self._settings.bao_token_file.read_text().strip()
            except OSError as error:
                raise ConfigurationError(f"cannot read the token at BAO_TOKEN_FILE: {error.strerror}") from error
            answer = self._client.auth.jwt.jwt_login(role=self._settings.bao_role, jwt=jwt, path="jwt")
            self._client.token = answer["auth"]["client_token"]
            return _grant("token", answer["auth"])

        return await asyncio.to_thread(call)

    async def renew_token(self, wanted_s: int) -> Grant:
        answer = await asyncio.to_thread(self._client.auth.token.renew_self, f"{wanted_s}s")
        return _grant("token", answer["auth"])

    async def issue(self, role: str) -> tuple[Grant, Login]:
        """A new login of a database role (`database/creds/<role>`)."""
        answer = await asyncio.to_thread(self._client.secrets.database.generate_credentials, role)
        data = answer["data"]
        return _grant(answer["lease_id"], answer), Login(data["username"], data["password"])

    async def renew(self, grant: Grant, wanted_s: int) -> Grant:
        answer = await asyncio.to_thread(self._client.sys.renew_lease, grant.id, wanted_s)
        return _grant(grant.id, answer)

    async def read_psp_secret(self, path: str) -> PspSecret:
        """A provider's secret in kv v2, for example `cell/psp/sandbox`."""
        return PspSecret.model_validate(await self._read(path))

    async def read_studio_secret(self, path: str) -> StudioSecret:
        """A studio's keys in kv v2."""
        return StudioSecret.model_validate(await self._read(path))

    async def read_register_secret(self, path: str) -> ExclusionRegisterSecret:
        """The key to a register of excluded persons in kv v2, for example `cell/registers/gamstop`."""
        return ExclusionRegisterSecret.model_validate(await self._read(path))

    async def read_login(self, path: str) -> Login:
        """A login that somebody else keeps in kv v2, for example `tenants/acme-gb/redis`."""
        found = await self._read(path)
        if not found.get("username") or not found.get("password"):
            raise ConfigurationError(f"kv/{path} holds no login yet: the operator writes it")
        return Login(found["username"], found["password"])

    async def read_secret(self, path: str) -> dict[str, Any]:
        """What lies in kv v2 at a path, for who knows its shape. Raises what hvac raises."""
        return await self._read(path)

    async def write_record(self, path: str, data: dict[str, Any]) -> None:
        """Write to kv v2 at a path; a version of before stays beside it."""
        await asyncio.to_thread(self._client.secrets.kv.v2.create_or_update_secret, path, data, mount_point="kv")

    async def _read(self, path: str) -> dict[str, Any]:
        def call() -> dict[str, Any]:
            answer = self._client.secrets.kv.v2.read_secret_version(
                path=path, mount_point="kv", raise_on_deleted_version=True
            )
            data: dict[str, Any] = answer["data"]["data"]
            return data

        return await asyncio.to_thread(call)

    async def transit_encrypt(self, key: str, items: Sequence[tuple[bytes, bytes]]) -> list[str]:
        """Each `(plaintext, associated data)` sealed by a key that never leaves OpenBao (mount `transit`)."""
        batch = [{"plaintext": _b64(plain), "associated_data": _b64(bound)} for plain, bound in items]
        call = functools.partial(self._client.secrets.transit.encrypt_data, key, batch_input=batch)
        return [row["ciphertext"] for row in _batch(await asyncio.to_thread(_refusals, call))]

    async def transit_decrypt(self, key: str, items: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """The plaintext of each `(ciphertext, associated data)`."""
        batch = [{"ciphertext": sealed, "associated_data": _b64(bound)} for sealed, bound in items]
        call = functools.partial(self._client.secrets.transit.decrypt_data, key, batch_input=batch)
        return [base64.b64decode(row["plaintext"]) for row in _batch(await asyncio.to_thread(_refusals, call))]

    async def transit_version(self, key: str) -> int:
        """The key's newest version: what is sealed now is sealed by it."""
        answer = await asyncio.to_thread(self._client.secrets.transit.read_key, key)
        return int(answer["data"]["latest_version"])

    async def revoke(self) -> None:
        """Give the token back, and with it every lease under it."""
        await asyncio.to_thread(self._client.auth.token.revoke_self)


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _refusals(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except hvac.exceptions.InvalidRequest:
        # The reason is not told on: it may quote what was sent.
        raise ValueError("OpenBao refused to seal or to open") from None


def _batch(answer: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answer["data"]["batch_results"]
    if any(row.get("error") for row in rows):
        raise ValueError("OpenBao refused to seal or to open a part of the batch")
    return rows


def _grant(id_: str, answer: dict[str, Any]) -> Grant:
    return Grant(id_, int(answer["lease_duration"]), time.monotonic())
