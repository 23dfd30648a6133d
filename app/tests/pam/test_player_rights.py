"""The casino under the role that it serves with: all that it does it may do, and what it need not do it may not."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from casino.kernel.settings import Settings
from casino.pam.import_file import Fault
from casino.pam.importer import Importer
from casino.pam.keeping import rewrap_all
from casino.pam.keys import LocalTenantKey, parse_keys
from casino.pam.module import PlayerModule
from casino.pam.status import Actor, Status

PASSWORD = "correct horse battery"


async def test_everything_that_accounts_do_is_within_the_serving_roles_rights(open_casino: Any, tmp_path: Path) -> None:
    casino = await open_casino(
        {"CASINO_MESSAGES_FOLDER": str(tmp_path / "messages")},
        new_device_notice=True, dormancy_months=1, max_failed_logins=2, record_retention_years=1,
    )  # fmt: skip
    module = casino.part(PlayerModule)
    pool = module.repository.pool
    assert await pool.fetchval("SELECT current_user") == "casino_test_pam"
    player, other = await casino.player(deposit=500), await casino.player()
    assert (await player.call("POST", "/mfa/totp")).status_code == 201
    consent = {"subject": "terms", "granted": True, "version": "1"}
    assert (await player.call("POST", "/players/me/consents", consent)).status_code == 201
    for _ in range(2):
        await casino.login(other.email, "wrong password")
    assert (await casino.http.post("/api/v1/password-resets", json={"email": other.email})).status_code == 202
    assert await module.messages.send_due() == 2
    assert (await player.call("GET", "/players/me/devices")).json()["devices"]
    ids = [row["player_id"] for row in await pool.fetch("SELECT player_id FROM pam.players ORDER BY registered_at")]

    class Merger:
        async def require_mergeable(self, _: Any) -> None:
            """Nothing is under way."""

        async def merge(self, *_: Any) -> None:
            """The wallet's side."""

    await module.lifecycle.merge(ids[0], ids[1], uuid.uuid4(), "same person", Merger())
    casino.clock.forward(days=40)
    assert await module.lifecycle.make_dormant() == 1
    await module.lifecycle.change(ids[0], Status.CLOSED, Actor.PLAYER, "asked")
    keys = parse_keys(casino.part(Settings).pii_keys.get_secret_value())
    assert (
        await rewrap_all(pool, LocalTenantKey(keys | {2: bytes(32)}), lambda *_: None) == 3
    )  # and the key of what open rounds hide
    casino.clock.forward(days=400)
    assert await module.erase_expired() == 2
    path = tmp_path / "players.csv"
    path.write_text("external_id,email,date_of_birth,balance_minor,currency\na,a@b.test,1980-01-01,0,GBP\n")
    faults: list[Fault] = []
    importer = Importer(module, None)
    report = await importer.run(path, await importer.check(path, faults.append, lambda *_: None), lambda *_: None)
    assert report.state == "done" and not faults
    assert await importer.undo(uuid.UUID(report.batch_id), lambda *_: None) == 1


async def test_the_modules_role_rewrites_no_history_and_deletes_nobody(open_casino: Any) -> None:
    casino = await open_casino()
    await casino.player()
    pool = casino.part(PlayerModule).repository.pool
    for statement in (
        "UPDATE pam.consents SET granted = true", "DELETE FROM pam.consents", "DELETE FROM pam.status_history",
        "DELETE FROM pam.players", "DELETE FROM pam.data_keys", "DELETE FROM pam.location_checks",
        "UPDATE pam.location_checks SET reason = 'x'", "DELETE FROM pam.staff", "TRUNCATE pam.players CASCADE",
        "ALTER TABLE pam.consents DISABLE TRIGGER append_only", "CREATE TABLE pam.mine ()",
        "SELECT * FROM wallet.accounts",
    ):  # fmt: skip
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


async def test_the_outbox_has_the_columns_that_its_readers_know(servers: Any, database: str) -> None:
    rows = await servers.sql(
        "SELECT column_name, data_type, coalesce(column_default, '') AS d FROM information_schema.columns"
        " WHERE table_schema = 'pam' AND table_name = 'outbox' ORDER BY ordinal_position",
        database,
    )
    assert [tuple(row) for row in rows] == [
        ("position", "bigint", ""), ("xact", "xid8", "pg_current_xact_id()"), ("event_id", "uuid", ""),
        ("type", "text", ""), ("schema_version", "integer", ""), ("aggregate", "uuid", ""),
        ("occurred_at", "timestamp with time zone", ""), ("payload", "jsonb", ""),
    ]  # fmt: skip
