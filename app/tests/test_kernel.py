"""Money, identifiers, rules, logs, migrations."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import asyncpg
import pytest
from casino.compliance.api import parse_rules
from casino.kernel.errors import ConfigurationError
from casino.kernel.identity import new_id
from casino.kernel.logs import JsonFormatter
from casino.kernel.money import Money, format_minor
from casino.migrate import Limits, load_migrations, migrate, run
from casino.responsible_gaming.api import slot_limits
from hypothesis import given
from hypothesis import strategies as st

RULES = {
    "schema": 1, "catalogue_version": "t", "jurisdiction": "T", "jurisdiction_name": "T", "regulator": "R",
    "currency": "GBP", "currency_exponent": 2, "timezone": "UTC", "min_age_years": 18, "slot_max_stake": None,
    "slot_min_cycle_ms": None, "rtp_minimum_basis_points": None, "session_idle_timeout_s": None,
    "record_retention_years": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("minor", "exponent", "text"),
    [(0, 2, "0.00 X"), (5, 2, "0.05 X"), (-5, 2, "-0.05 X"), (123456789, 2, "1,234,567.89 X"), (1500, 0, "1,500 X"),
     (1234, 3, "1.234 X"), (-100, 2, "-1.00 X")],
)  # fmt: skip
def test_money_is_written_by_the_currencys_exponent(minor: int, exponent: int, text: str) -> None:
    assert format_minor(minor, "X", exponent) == text


@given(st.integers(), st.integers())
def test_money_adds_exactly_and_only_within_a_currency(a: int, b: int) -> None:
    assert (Money(a, "GBP") + Money(b, "GBP") - Money(b, "GBP")).minor == a
    with pytest.raises(ValueError, match="cannot combine"):
        Money(a, "GBP") + Money(b, "EUR")


@pytest.mark.parametrize("minor", [1.0, True, "1"])
def test_money_is_an_integer(minor: Any) -> None:
    with pytest.raises(TypeError):
        Money(minor, "GBP")


def test_identifiers_are_version_7_and_grow_with_time() -> None:
    first = new_id()
    time.sleep(0.002)
    second = new_id()
    assert first < second and first.version == second.version == 7 and first.variant == "specified in RFC 4122"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"min_age_years": None}, "min_age_years"),
        ({"min_age_years": "18"}, "min_age_years"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"currency": "gbp"}, "currency"),
        ({"schema": 2}, "schema"),
        ({"slot_max_stake": []}, "slot_max_stake"),
        ({"slot_max_stake": [{"min_age_years": 25, "stake_minor": 5}]}, "youngest"),
        ({"slot_max_stake": [{"min_age_years": 18, "stake_minor": 1.5}]}, "stake_minor"),
    ],
)
def test_rules_that_are_not_whole_are_refused_with_their_faults(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        parse_rules(json.dumps(RULES | change))


def test_missing_rules_are_all_listed_at_once() -> None:
    with pytest.raises(ConfigurationError, match=r"jurisdiction: .*timezone: "):
        parse_rules('{"schema": 1}')


def test_rules_of_a_newer_catalogue_may_tell_more() -> None:
    assert parse_rules(json.dumps(RULES | {"something_new": 1})).idle_timeout_s == 1800


def test_bands_count_by_age_and_their_order_in_the_file_does_not_matter() -> None:
    from datetime import date

    bands = [{"min_age_years": 25, "stake_minor": 500}, {"min_age_years": 18, "stake_minor": 200}]
    rules = parse_rules(json.dumps(RULES | {"slot_max_stake": bands, "slot_min_cycle_ms": 2500}))
    caps = [slot_limits(rules, date(2000, 1, 1), date(year, 1, 1)).stake_cap_minor for year in (2017, 2018, 2024, 2025)]
    assert caps == [200, 200, 200, 500]
    assert slot_limits(rules, date(2000, 1, 1), date(2030, 1, 1)).min_cycle_ms == 2500


def test_a_logged_exception_tells_its_kind_and_place_but_not_its_text() -> None:
    try:
        raise ValueError("player@example.test has password hunter2")
    except ValueError:
        import sys

        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "failed", None, sys.exc_info())
    line = json.loads(JsonFormatter().format(record))
    assert line["exception"] == "ValueError" and line["traceback"]
    assert "hunter2" not in json.dumps(line)


async def test_migrations_refuse_a_database_whose_history_is_not_theirs(servers: Any, database: str) -> None:
    connection = await asyncpg.connect(servers.uri(database))
    assert await migrate(connection) == []
    await connection.execute("UPDATE migrations.applied SET checksum = 'edited' WHERE number = 2")
    with pytest.raises(ConfigurationError, match=r"0002_rounds\.sql was changed"):
        await migrate(connection)
    await connection.execute("UPDATE migrations.applied SET checksum = $1 WHERE number = 2",
                             load_migrations()[1].checksum)  # fmt: skip
    await connection.execute("INSERT INTO migrations.applied VALUES (999, '0999_later.sql', 'x')")
    with pytest.raises(ConfigurationError, match="does not know"):
        await migrate(connection)
    await connection.close()


async def test_who_goes_back_to_a_release_leaves_the_schema_of_the_later_one(servers: Any) -> None:
    """And its history has to be theirs all the same."""
    await servers.sql("CREATE DATABASE gone_back")
    connection = await asyncpg.connect(servers.uri("gone_back"))
    known = load_migrations()
    await run(connection, limits=Limits())
    before = await connection.fetch("SELECT * FROM migrations.applied ORDER BY number")
    assert (await run(connection, migrations=known[:-2], ahead=True, limits=Limits())).as_json() == {
        "applied": [], "rows": {}, "months": 0, "grants": [], "held_up": 0
    }  # fmt: skip
    assert await connection.fetch("SELECT * FROM migrations.applied ORDER BY number") == before
    with pytest.raises(ConfigurationError, match="does not know"):
        await run(connection, migrations=known[:-2], limits=Limits())
    await connection.execute("UPDATE migrations.applied SET checksum = 'edited' WHERE number = 2")
    with pytest.raises(ConfigurationError, match=r"0002_rounds\.sql was changed"):
        await run(connection, migrations=known[:-2], ahead=True, limits=Limits())
    await connection.close()


async def test_raced_migrators_apply_each_migration_once(servers: Any) -> None:
    import asyncio

    await servers.sql("CREATE DATABASE raced")
    connections = [await asyncpg.connect(servers.uri("raced")) for _ in range(3)]
    applied = await asyncio.gather(*(migrate(connection) for connection in connections))
    assert sorted(map(len, applied)) == [0, 0, len(load_migrations())]
    for connection in connections:
        await connection.close()
