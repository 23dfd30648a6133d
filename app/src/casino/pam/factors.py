"""Second factors of a player or of one of the staff: authenticator apps, recovery codes, WebAuthn keys."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from casino.kernel.clock import Clock
from casino.kernel.errors import CasinoError
from casino.pam import crypto, repository_factors, totp
from casino.pam.ceremonies import Ceremonies, CounterWentBack, Options
from casino.pam.events import Event, EventLog, FactorChanged
from casino.pam.repository import PlayerRepository
from casino.pam.repository_factors import CredentialRow
from casino.pam.vault import Vault

MOST_KEYS = 10


class FactorExists(CasinoError):
    status, code = 409, "FACTOR_EXISTS"
    rule = "one authenticator app for each account"
    remedy = "Remove the present one first."


class FactorUnknown(CasinoError):
    status, code = 404, "FACTOR_UNKNOWN"
    rule = "only what was set up can be confirmed or removed"


class CodeWrong(CasinoError):
    status, code = 422, "CODE_WRONG"
    rule = "a code counts once, within its half minute"
    remedy = "Type the code that the app shows now."


@dataclass(frozen=True, slots=True)
class TotpSetUp:
    """Shown once. `uri` is what the QR code holds."""

    secret: str
    uri: str


class Factors:
    """`realm`: players or staff. No method says whether a subject exists: the caller has to know."""

    def __init__(
        self,
        *,
        repository: PlayerRepository,
        vault: Vault,
        ceremonies: Ceremonies,
        events: EventLog,
        clock: Clock,
        issuer: str,
    ) -> None:
        self._repository = repository
        self._vault = vault
        self._ceremonies = ceremonies
        self._events = events
        self._clock = clock
        self._issuer = issuer

    async def begin_totp(self, subject: uuid.UUID) -> TotpSetUp:
        """A new secret, which counts from when a code of it was given. Raises FactorExists."""
        pool = self._repository.pool
        secret = totp.new_secret()
        sealed = await self._vault.seal(subject, await self._wrapped(subject), {"secret": secret.hex()}, "totp")
        if not await repository_factors.begin_totp(pool, subject, sealed):
            raise FactorExists("The account has an authenticator app already.")
        return TotpSetUp(totp.base32(secret), totp.provisioning_uri(secret, str(subject)[-12:], self._issuer))

    async def confirm_totp(self, subject: uuid.UUID, code: str) -> list[str]:
        """The app counts from now on; answers new recovery codes. Raises CodeWrong, FactorUnknown."""
        row = await repository_factors.find_totp(self._repository.pool, subject)
        if row is None or row.confirmed:
            raise FactorUnknown("There is no authenticator app that waits to be confirmed.")
        step = await self._step(subject, row, code)
        if step is None:
            raise CodeWrong("The code is not the one that the app shows now.")
        codes = totp.new_recovery_codes()
        async with self._repository.transaction() as connection:
            if not await repository_factors.use_totp_step(connection, subject, step):
                raise CodeWrong("The code was used before.")
            await repository_factors.confirm_totp(connection, subject, self._clock.now())
            await self._set_recovery_codes(connection, subject, codes)
            await self._tell(connection, subject, "totp", "added")
        return codes

    async def remove_totp(self, subject: uuid.UUID) -> None:
        async with self._repository.transaction() as connection:
            if not await repository_factors.remove_totp(connection, subject):
                raise FactorUnknown("The account has no authenticator app.")
            await self._tell(connection, subject, "totp", "removed")

    async def renew_recovery_codes(self, subject: uuid.UUID) -> list[str]:
        """New codes in place of the old ones."""
        codes = totp.new_recovery_codes()
        async with self._repository.transaction() as connection:
            await self._set_recovery_codes(connection, subject, codes)
        return codes

    async def check_code(self, subject: uuid.UUID, code: str) -> bool:
        """Whether a code is the app's of now, or a recovery code; either counts once."""
        digits = code.replace(" ", "")
        if len(digits) == totp.DIGITS and digits.isascii() and digits.isdigit():
            row = await repository_factors.find_totp(self._repository.pool, subject)
            step = await self._step(subject, row, digits) if row is not None and row.confirmed else None
            return step is not None and await repository_factors.use_totp_step(self._repository.pool, subject, step)
        async with self._repository.transaction() as connection:
            used = await repository_factors.use_recovery_code(connection, subject, totp.recovery_hash(code))
            if used:
                await self._tell(connection, subject, "recovery_codes", "used")
        return used

    async def begin_key(self, subject: uuid.UUID) -> Options:
        """Options to make a WebAuthn key with."""
        return await self._ceremonies.begin_registration(subject, await self.keys(subject))

    async def finish_key(self, subject: uuid.UUID, ceremony_id: str, answer: dict[str, Any], name: str) -> list[str]:
        """Keep a new key; answers recovery codes when there were none. Raises CeremonyFailed, FactorExists."""
        if len(await self.keys(subject)) >= MOST_KEYS:
            raise FactorExists(f"An account has at most {MOST_KEYS} keys.", rule=f"at most {MOST_KEYS} keys")
        credential_id, public_key, count = await self._ceremonies.finish_registration(subject, ceremony_id, answer)
        row = CredentialRow(credential_id, public_key, count, name, self._clock.now(), None)
        async with self._repository.transaction() as connection:
            if not await repository_factors.add_credential(connection, subject, row):
                raise FactorExists("The key is registered already.", rule="a key belongs to one account")
            await self._tell(connection, subject, "webauthn", "added")
            codes: list[str] = []
            if not await repository_factors.count_recovery_codes(connection, subject):
                codes = totp.new_recovery_codes()
                await self._set_recovery_codes(connection, subject, codes)
        return codes

    async def begin_check(self, subject: uuid.UUID) -> Options:
        """Options to use a key with. Raises FactorUnknown when there is none."""
        known = await self.keys(subject)
        if not known:
            raise FactorUnknown("The account has no key.")
        return await self._ceremonies.begin_assertion(subject, known)

    async def check_key(self, subject: uuid.UUID, ceremony_id: str, answer: dict[str, Any]) -> None:
        """Raises CeremonyFailed. A key whose counter went back is not taken again: somebody has a copy."""
        pool = self._repository.pool
        known = await self.keys(subject)
        try:
            row, count = await self._ceremonies.finish_assertion(subject, ceremony_id, answer, known)
        except CounterWentBack as copied:
            async with self._repository.transaction() as connection:
                await repository_factors.mark_cloned(connection, copied.credential_id, self._clock.now())
                await self._tell(connection, subject, "webauthn", "removed")
            raise CodeWrong(
                "The key's counter went back, as a copy's would: it is not taken any more.",
                rule="a key signs with a growing counter",
                remedy="Use another factor, and register a new key.",
            ) from None
        now = self._clock.now()
        if not await repository_factors.use_credential(pool, row.credential_id, row.sign_count, count, now):
            raise CodeWrong("The key was used by another request at the same moment.")

    async def keys(self, subject: uuid.UUID) -> list[CredentialRow]:
        return await repository_factors.credentials(self._repository.pool, subject)

    async def remove_key(self, subject: uuid.UUID, credential_id: bytes) -> None:
        async with self._repository.transaction() as connection:
            if not await repository_factors.remove_credential(connection, subject, credential_id):
                raise FactorUnknown("The account has no such key.")
            await self._tell(connection, subject, "webauthn", "removed")

    async def has_totp(self, subject: uuid.UUID) -> bool:
        row = await repository_factors.find_totp(self._repository.pool, subject)
        return row is not None and row.confirmed

    async def recovery_codes_left(self, subject: uuid.UUID) -> int:
        return await repository_factors.count_recovery_codes(self._repository.pool, subject)

    async def _step(self, subject: uuid.UUID, row: repository_factors.TotpRow, code: str) -> int | None:
        document = await self._vault.open(subject, await self._wrapped(subject), row.secret_sealed, "totp")
        return totp.matching_step(bytes.fromhex(document["secret"]), code, self._clock.now().timestamp(), row.last_step)

    async def _set_recovery_codes(self, connection: Any, subject: uuid.UUID, codes: list[str]) -> None:
        await repository_factors.set_recovery_codes(connection, subject, [totp.recovery_hash(one) for one in codes])
        await self._tell(connection, subject, "recovery_codes", "added")

    async def _tell(self, connection: Any, subject: uuid.UUID, kind: str, change: str) -> None:
        payload = FactorChanged(kind=kind, change=change)
        await self._events.append(connection, Event(subject, self._clock.now(), payload))

    async def _wrapped(self, subject: uuid.UUID) -> str:
        wrapped = await repository_factors.wrapped_key(self._repository.pool, subject)
        if wrapped is None:
            raise crypto.Unopenable("the person's data key was destroyed")
        return wrapped
