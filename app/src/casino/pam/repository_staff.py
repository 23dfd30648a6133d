"""SQL of staff: apart from players, table and all."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from casino.pam.four_eyes import Role
from casino.pam.vault import SealedPerson


@dataclass(frozen=True, slots=True)
class StaffRow:
    staff_id: uuid.UUID
    password_hash: str
    role: Role
    active: bool
    locked: bool


async def add(
    connection: Any, staff_id: uuid.UUID, person: SealedPerson, *, password_hash: str, role: Role, now: datetime
) -> bool:
    """False when the address belongs to somebody of the staff already."""
    added = await connection.fetchval(
        """WITH member AS (
               INSERT INTO pam.staff (staff_id, email_index, sealed, password_hash, role, created_at)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email_index) DO NOTHING RETURNING staff_id)
           INSERT INTO pam.data_keys (subject, wrapped, key_version, created_at)
           SELECT staff_id, $7, $8, $6 FROM member RETURNING subject""",
        staff_id,
        person.indices["email"],
        person.sealed,
        password_hash,
        role.value,
        now,
        person.wrapped,
        person.key_version,
    )
    return added is not None


async def by_email(pool: Any, email_index: bytes, now: datetime) -> StaffRow | None:
    row = await pool.fetchrow(
        "SELECT staff_id, password_hash, role, active, coalesce(locked_until > $2, false) AS locked"
        " FROM pam.staff WHERE email_index = $1",
        email_index,
        now,
    )
    return StaffRow(**(dict(row) | {"role": Role(row["role"])})) if row is not None else None


async def is_active(pool: Any, staff_id: uuid.UUID) -> bool:
    return bool(await pool.fetchval("SELECT active FROM pam.staff WHERE staff_id = $1", staff_id))


async def set_active(pool: Any, staff_id: uuid.UUID, *, active: bool) -> bool:
    found = await pool.fetchval(
        "UPDATE pam.staff SET active = $2 WHERE staff_id = $1 RETURNING staff_id", staff_id, active
    )
    return found is not None


async def count_failure(pool: Any, staff_id: uuid.UUID, most: int, now: datetime, until: datetime) -> None:
    await pool.execute(
        """UPDATE pam.staff SET
               failed_logins = CASE WHEN failed_logins + 1 >= $2 THEN 0 ELSE failed_logins + 1 END,
               locked_until = CASE WHEN failed_logins + 1 >= $2 THEN $4 ELSE locked_until END
           WHERE staff_id = $1 AND (locked_until IS NULL OR locked_until <= $3)""",
        staff_id,
        most,
        now,
        until,
    )


async def forget_failures(pool: Any, staff_id: uuid.UUID) -> None:
    await pool.execute("UPDATE pam.staff SET failed_logins = 0, locked_until = NULL WHERE staff_id = $1", staff_id)
