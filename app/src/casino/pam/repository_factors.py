"""SQL of second factors. A subject is a player or one of the staff."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class TotpRow:
    secret_sealed: bytes
    confirmed: bool
    last_step: int


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """A WebAuthn credential: `public_key` is COSE, as the authenticator gave it."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str
    created_at: datetime
    used_at: datetime | None


async def wrapped_key(connection: Any, subject: uuid.UUID) -> str | None:
    """The subject's wrapped data key; None when it has none, or it was destroyed."""
    found: str | None = await connection.fetchval("SELECT wrapped FROM pam.data_keys WHERE subject = $1", subject)
    return found


async def begin_totp(connection: Any, subject: uuid.UUID, sealed: bytes) -> bool:
    """Keep a secret that is not confirmed yet, in place of one before; false when one is confirmed."""
    done = await connection.fetchval(
        """INSERT INTO pam.totp (subject, secret_sealed) VALUES ($1, $2)
           ON CONFLICT (subject) DO UPDATE SET secret_sealed = $2, last_step = -1
               WHERE totp.confirmed_at IS NULL RETURNING subject""",
        subject,
        sealed,
    )
    return done is not None


async def find_totp(connection: Any, subject: uuid.UUID) -> TotpRow | None:
    row = await connection.fetchrow(
        "SELECT secret_sealed, confirmed_at IS NOT NULL AS confirmed, last_step FROM pam.totp WHERE subject = $1",
        subject,
    )
    return TotpRow(**row) if row is not None else None


async def use_totp_step(connection: Any, subject: uuid.UUID, step: int) -> bool:
    """Take a step; false when it, or a later one, was taken before: of two at once, one wins."""
    taken = await connection.fetchval(
        "UPDATE pam.totp SET last_step = $2 WHERE subject = $1 AND last_step < $2 RETURNING subject", subject, step
    )
    return taken is not None


async def confirm_totp(connection: Any, subject: uuid.UUID, now: datetime) -> bool:
    done = await connection.fetchval(
        "UPDATE pam.totp SET confirmed_at = $2 WHERE subject = $1 AND confirmed_at IS NULL RETURNING subject",
        subject,
        now,
    )
    return done is not None


async def remove_totp(connection: Any, subject: uuid.UUID) -> bool:
    return await connection.fetchval("DELETE FROM pam.totp WHERE subject = $1 RETURNING subject", subject) is not None


async def set_recovery_codes(connection: Any, subject: uuid.UUID, hashes: list[bytes]) -> None:
    """In place of all that there were."""
    await connection.execute("DELETE FROM pam.recovery_codes WHERE subject = $1", subject)
    await connection.executemany(
        "INSERT INTO pam.recovery_codes (subject, code_hash) VALUES ($1, $2)", [(subject, one) for one in hashes]
    )


async def use_recovery_code(connection: Any, subject: uuid.UUID, code_hash: bytes) -> bool:
    used = await connection.fetchval(
        "DELETE FROM pam.recovery_codes WHERE subject = $1 AND code_hash = $2 RETURNING subject", subject, code_hash
    )
    return used is not None


async def count_recovery_codes(connection: Any, subject: uuid.UUID) -> int:
    count: int = await connection.fetchval("SELECT count(*) FROM pam.recovery_codes WHERE subject = $1", subject)
    return count


async def add_credential(connection: Any, subject: uuid.UUID, row: CredentialRow) -> bool:
    """False when the credential is registered already, whoever's it is."""
    added = await connection.fetchval(
        """INSERT INTO pam.webauthn_credentials (credential_id, subject, public_key, sign_count, name, created_at)
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING credential_id""",
        row.credential_id,
        subject,
        row.public_key,
        row.sign_count,
        row.name,
        row.created_at,
    )
    return added is not None


async def credentials(connection: Any, subject: uuid.UUID) -> list[CredentialRow]:
    """Those that may be used, oldest first."""
    rows = await connection.fetch(
        "SELECT credential_id, public_key, sign_count, name, created_at, used_at FROM pam.webauthn_credentials"
        " WHERE subject = $1 AND cloned_at IS NULL ORDER BY created_at, credential_id",
        subject,
    )
    return [CredentialRow(**row) for row in rows]


async def use_credential(connection: Any, credential_id: bytes, before: int, after: int, now: datetime) -> bool:
    """Move the counter on from where it was read; false when somebody moved it meanwhile."""
    moved = await connection.fetchval(
        "UPDATE pam.webauthn_credentials SET sign_count = $3, used_at = $4"
        " WHERE credential_id = $1 AND sign_count = $2 AND cloned_at IS NULL RETURNING credential_id",
        credential_id,
        before,
        after,
        now,
    )
    return moved is not None


async def mark_cloned(connection: Any, credential_id: bytes, now: datetime) -> None:
    await connection.execute(
        "UPDATE pam.webauthn_credentials SET cloned_at = $2 WHERE credential_id = $1", credential_id, now
    )


async def remove_credential(connection: Any, subject: uuid.UUID, credential_id: bytes) -> bool:
    removed = await connection.fetchval(
        "DELETE FROM pam.webauthn_credentials WHERE subject = $1 AND credential_id = $2 RETURNING credential_id",
        subject,
        credential_id,
    )
    return removed is not None
