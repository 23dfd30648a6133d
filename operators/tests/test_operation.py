"""What may be done, from its sources: one pure function, and the record that bears its answer."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from domicile_catalog import Act, State
from domicile_catalog.acts import EVERYTHING, GIVES, NOTHING, PAYING_OUT, acts_of
from domicile_operator.operation import (
    ONBOARDING,
    REASON_LIMIT,
    REVISION_LIMIT,
    SIZE_LIMIT,
    Closing,
    Operation,
    Record,
    Sources,
    from_fields,
    from_json,
    must_be_reopened,
    operate,
    revise,
    to_json,
    wanted,
)
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
INSTANTS = st.integers(-20 * 24 * 60, 40 * 24 * 60).map(lambda minutes: NOON + timedelta(minutes=minutes))
CLOSINGS = st.builds(
    Closing, st.none() | INSTANTS, st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=600)
)
SOURCES = st.builds(
    Sources,
    st.sampled_from(State),
    st.booleans(),
    st.lists(CLOSINGS, max_size=3).map(tuple),
    st.booleans(),
)
OPERATIONS = st.builds(
    Operation,
    st.sampled_from([ONBOARDING, *State]),
    st.sampled_from(list(GIVES.values())),
    st.none() | INSTANTS,
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=REASON_LIMIT),
)
RECORDS = st.builds(Record, st.integers(1, REVISION_LIMIT), OPERATIONS)


def possible(operation: Operation, at: datetime) -> frozenset[Act]:
    """What the casino lets be done at an instant, as operation.json has it."""
    ended = operation.play_until is not None and operation.play_until <= at
    return operation.acts & PAYING_OUT if ended else operation.acts


def operated(sources: Sources, before: Operation | None, now: datetime, *, onboarded: bool = True) -> Operation:
    found = operate(sources, onboarded=onboarded, before=before, now=now)
    assert found is not None
    return found


BEFORE = st.none() | OPERATIONS


@given(SOURCES, CLOSINGS, BEFORE, INSTANTS)
def test_a_further_closing_adds_no_act_at_any_time(
    sources: Sources, more: Closing, before: Operation | None, now: datetime
) -> None:
    if before is None and not sources.asked:
        return
    stricter = Sources(sources.state, sources.withdrawals, (*sources.closings, more), sources.asked)
    wide, narrow = operated(sources, before, now), operated(stricter, before, now)
    for at in (now, now + timedelta(days=400)):
        assert possible(narrow, at) <= possible(wide, at)


@given(SOURCES, st.sampled_from(State), st.booleans(), INSTANTS)
def test_a_stricter_state_adds_no_act(sources: Sources, other: State, withdrawals: bool, now: datetime) -> None:
    if not acts_of(other, withdrawals=withdrawals) <= acts_of(sources.state, withdrawals=sources.withdrawals):
        return
    stricter = Sources(other, withdrawals, sources.closings)
    wide = operated(Sources(sources.state, sources.withdrawals, sources.closings), None, now)
    assert operated(stricter, None, now).acts <= wide.acts


@given(SOURCES, BEFORE, INSTANTS, st.timedeltas(timedelta(0), timedelta(days=400)))
def test_time_alone_only_closes(sources: Sources, before: Operation | None, now: datetime, later: timedelta) -> None:
    if before is None and not sources.asked:
        return
    first = operated(sources, before, now)
    second = operated(sources, first, now + later)
    assert possible(second, now + later) <= possible(first, now + later) <= possible(first, now)
    # Nor does it matter whether anybody looked in between: what the casino closed by itself is what is written later.
    assert second.acts == possible(second, now + later)


@given(SOURCES, BEFORE, INSTANTS)
def test_what_is_written_again_is_the_same(sources: Sources, before: Operation | None, now: datetime) -> None:
    if before is None and not sources.asked:
        return
    first = operated(sources, before, now)
    assert operated(sources, first, now) == first


@given(SOURCES, BEFORE, INSTANTS)
def test_nothing_is_done_before_the_onboarding_was_complete(
    sources: Sources, before: Operation | None, now: datetime
) -> None:
    if before is None and not sources.asked:
        return
    found = operated(sources, before, now, onboarded=False)
    assert (found.acts, found.state) == (NOTHING, ONBOARDING) and found.reason


@given(SOURCES, OPERATIONS, INSTANTS)
def test_what_cannot_be_asked_opens_nothing(sources: Sources, before: Operation, now: datetime) -> None:
    unasked = Sources(sources.state, sources.withdrawals, sources.closings, asked=False)
    found = operated(unasked, before, now)
    for at in (now, now + timedelta(days=400)):
        assert possible(found, at) <= possible(before, at)


@given(SOURCES, BEFORE, INSTANTS)
def test_there_is_a_reason_where_less_than_everything_is_allowed_and_no_other(
    sources: Sources, before: Operation | None, now: datetime
) -> None:
    found = operate(sources, onboarded=True, before=before, now=now)
    if found is not None and (before is None or sources.asked or before.reason):
        assert bool(found.reason) is (found.acts != EVERYTHING)
        assert len(found.reason) <= REASON_LIMIT


def test_nothing_is_written_of_what_was_never_written_and_cannot_be_asked() -> None:
    assert operate(Sources(asked=False), onboarded=True, before=None, now=NOON) is None


ENDED = NOON - timedelta(hours=1)
RENEWED = NOON + timedelta(days=365)


def test_a_licence_that_is_renewed_after_its_end_opens_nothing_until_the_state_is_written_anew() -> None:
    ends = Sources(closings=(Closing(ENDED, "The licence ended on 2026-11-22."),))
    live = Operation("Live", EVERYTHING, ENDED)
    closed = operated(ends, live, NOON)
    assert (closed.state, closed.acts, closed.play_until) == ("WithdrawOnly", PAYING_OUT, ENDED)
    assert closed.reason == "The licence ended on 2026-11-22."

    renewed = (Closing(RENEWED, "The licence ended on 2027-11-22."),)
    for last in (closed, live):  # also where the operator saw nothing of the end itself
        still = operated(Sources(closings=renewed), last, NOON)
        assert (still.acts, still.play_until) == (PAYING_OUT, ENDED)
        assert "opened it anew" in still.reason and must_be_reopened(Sources(), last, NOON)
        other = operated(Sources(State.CLOSED_TO_NEW_PLAYERS, closings=renewed), last, NOON)
        assert (other.acts, other.play_until) == (PAYING_OUT, ENDED)

    for said in (State.WITHDRAW_ONLY, State.SUSPENDED):
        owned = operated(Sources(said, closings=renewed), closed, NOON)
        assert owned.play_until == RENEWED and not must_be_reopened(Sources(said), closed, NOON)
        again = operated(Sources(closings=renewed), owned, NOON)
        assert (again.state, again.acts, again.play_until) == ("Live", EVERYTHING, RENEWED)


def test_a_licence_that_is_renewed_in_time_closes_nothing() -> None:
    before = Operation("Live", EVERYTHING, NOON + timedelta(minutes=1))
    found = operated(Sources(closings=(Closing(RENEWED, "why"),)), before, NOON)
    assert found == Operation("Live", EVERYTHING, RENEWED)


def test_what_is_refused_without_a_day_opens_by_itself_once_it_is_not() -> None:
    lacking = operated(Sources(closings=(Closing(None, "Its papers are missing."),)), None, NOON)
    assert (lacking.state, lacking.play_until, lacking.reason) == ("WithdrawOnly", None, "Its papers are missing.")
    assert operated(Sources(), lacking, NOON) == Operation("Live", EVERYTHING)


def test_the_earliest_end_is_when_play_ends() -> None:
    ends = [NOON + timedelta(days=days) for days in (30, 7, 60)]
    found = operated(Sources(closings=tuple(Closing(at, "why") for at in ends)), None, NOON)
    assert (found.acts, found.play_until, found.reason) == (EVERYTHING, ends[1], "")


@pytest.mark.parametrize(
    ("spec", "state", "withdrawals"),
    [
        ({}, State.LIVE, False),
        ({"state": "ClosedToNewPlayers"}, State.CLOSED_TO_NEW_PLAYERS, False),
        ({"state": "Suspended", "suspension": {"withdrawals": True}}, State.SUSPENDED, True),
        ({"state": "Suspended", "suspension": {"withdrawals": "yes"}, "brand": 7}, State.SUSPENDED, False),
        ({"state": "Suspended", "suspension": []}, State.SUSPENDED, False),
        ({"state": "Closing"}, State.SUSPENDED, False),
        ({"state": None}, State.SUSPENDED, False),
    ],
)
def test_what_a_spec_asks_for_is_read_whatever_else_is_wrong_with_it(
    spec: dict[str, object], state: State, withdrawals: bool
) -> None:
    found = wanted(spec)
    assert (found.state, found.withdrawals, found.asked) == (state, withdrawals, False)


@given(RECORDS)
def test_a_record_survives_its_file(record: Record) -> None:
    text = to_json(record)
    assert from_json(text) == record
    written = json.loads(text)
    assert set(written) == {"revision", "state", "acts", "play_until", "reason"}
    assert written["acts"] == sorted(written["acts"])


def test_the_longest_record_fits() -> None:
    record = Record(REVISION_LIMIT, Operation("ClosedToNewPlayers", EVERYTHING, NOON, '"' * REASON_LIMIT))
    assert len(to_json(record).encode()) <= SIZE_LIMIT


GOOD = json.loads(to_json(Record(7, Operation("Live", EVERYTHING, NOON, "why"))))


@pytest.mark.parametrize(
    "wrong",
    [
        {"revision": 0}, {"revision": True}, {"revision": "7"}, {"revision": 10**16}, {"revision": None},
        {"acts": ["withdraw", "fly"]}, {"acts": ["stake"]}, {"acts": 3}, {"acts": [["stake"]]},
        {"play_until": "soon"}, {"play_until": 5}, {"play_until": "2026-11-22T12:00:00"},
        {"state": 4}, {"reason": None}, {"reason": "x" * 513}, {"reason": "\0"}, {"reason": "\U0001f3b2"},
    ],
)  # fmt: skip
def test_what_this_operator_would_not_have_written_is_no_record(wrong: dict[str, object]) -> None:
    assert from_json(json.dumps(GOOD)) is not None
    assert from_json(json.dumps(GOOD | wrong)) is None


@given(st.text())
def test_any_text_is_a_record_or_none(text: str) -> None:
    assert from_json(text) is None or isinstance(from_json(text), Record)
    assert from_json("[" * 100_000) is None


def test_a_status_is_read_without_what_it_does_not_hold() -> None:
    told = from_fields(
        {"revision": 3, "acts": ["withdraw"], "playUntil": "2026-11-22T12:00:00Z", "since": "x"}, "playUntil"
    )
    assert told == Record(3, Operation("", PAYING_OUT, NOON))


@given(OPERATIONS, st.none() | RECORDS, st.integers(0, REVISION_LIMIT))
def test_no_revision_bears_two_contents_and_none_falls_behind(
    operation: Operation, standing: Record | None, given_out: int
) -> None:
    found = revise(operation, standing, given_out)
    assert found.operation == operation and found.revision >= given_out
    if standing is not None:
        assert found.revision >= standing.revision
        assert (found.revision == standing.revision) == (found == standing)
    if found != standing:
        assert found.revision > given_out
