"""The operator's record as a value: what a file may say, and what it leaves at a moment."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from casino.compliance.api import ACTS, Operation, allows, closed
from casino.compliance.operation import LARGEST_FILE, parse_operation, read_operation
from casino.kernel.errors import ConfigurationError
from hypothesis import given
from hypothesis import strategies as st
from operation_records import ALL, record

MOMENTS = st.integers(1_600_000_000, 2_200_000_000).map(lambda at: datetime.fromtimestamp(at, UTC))


def parsed(told: Any) -> Operation:
    return parse_operation(json.dumps(told).encode(), "operation.json")


@given(acts=st.sets(st.sampled_from(ALL)), until=st.none() | MOMENTS, now=MOMENTS, later=st.timedeltas(timedelta(0)))
def test_time_only_closes_and_leaves_withdrawals_as_they_are(
    acts: set[str], until: datetime | None, now: datetime, later: timedelta
) -> None:
    told = parsed(record(acts=tuple(acts), play_until=until.isoformat() if until else None))
    for act in ACTS:
        left = allows(told, act, now)
        assert left == (act in acts and (act == "withdraw" or until is None or now < until))
        after = allows(told, act, now + min(later, timedelta(days=10_000)))
        assert left or not after, "what is closed is not opened by time"
        assert act != "withdraw" or left == after


def test_without_a_record_everything_is_left() -> None:
    assert all(allows(None, act, datetime.now(UTC)) for act in ACTS)


def test_every_act_has_a_refusal_of_its_own() -> None:
    refusals = [closed(act) for act in ACTS]
    assert len({one.code for one in refusals}) == len(ACTS)
    assert all(one.status == 403 and one.rule and one.remedy for one in refusals)


def test_the_same_content_is_the_same_record_however_it_is_written() -> None:
    zone = timezone(timedelta(hours=2))
    until = datetime(2027, 5, 1, 22, tzinfo=UTC)
    one = parsed(record(play_until="2027-05-01T22:00:00Z"))
    other = parsed(record(play_until=until.astimezone(zone).isoformat()) | {"acts": [*reversed(ALL), "stake"]})
    assert one == other and one.play_until == until


def test_a_newer_operators_file_is_read_for_what_is_known_of_it() -> None:
    told = parsed(record(acts=("withdraw", "transfer")) | {"state": "Closing", "since": "2027-01-01"})
    assert told.acts == ("transfer", "withdraw")
    now = datetime.now(UTC)
    assert [act for act in ACTS if allows(told, act, now)] == ["withdraw"]


WRONG: dict[str, Any] = {
    "no JSON": b"{",
    "empty": b"",
    "no text": b"\xff\xfe",
    "a list": [],
    "no revision": {k: v for k, v in record().items() if k != "revision"},
    "revision zero": record(revision=0),
    "revision too large for the ledger": record(revision=2**63),
    "revision in quotes": record() | {"revision": "1"},
    "acts missing": {k: v for k, v in record().items() if k != "acts"},
    "acts no list": record() | {"acts": "stake"},
    "an act with a space": record() | {"acts": ["stake "]},
    "too many acts": record() | {"acts": [f"act_{letter}" for letter in "abcdefghijklmnopq"]},
    "a moment without a zone": record(play_until="2027-05-01T22:00:00"),
    "no moment": record(play_until="soon"),
    "play_until missing": {k: v for k, v in record().items() if k != "play_until"},
    "a reason too long": record(reason="x" * 513),
    "a reason that no database keeps": record(reason="a\x00b"),
    "a state of two words": record(state="Live now"),
    "too large": record() | {"more": "x" * LARGEST_FILE},
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_file_that_cannot_be_used_is_refused_with_its_fault(tmp_path: Path, fault: str) -> None:
    told = WRONG[fault]
    path = tmp_path / "operation.json"
    path.write_bytes(told if isinstance(told, bytes) else json.dumps(told).encode())
    with pytest.raises(ConfigurationError, match=r"operation\.json"):
        read_operation(path)


def test_no_file_is_no_fault_and_a_folder_in_its_place_is_one(tmp_path: Path) -> None:
    assert read_operation(tmp_path / "operation.json") is None
    (tmp_path / "operation.json").mkdir()
    with pytest.raises(ConfigurationError, match="CASINO_OPERATION"):
        read_operation(tmp_path / "operation.json")
