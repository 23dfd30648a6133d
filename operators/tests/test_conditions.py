"""Conditions: a time that moves only when the status flips."""

from datetime import UTC, datetime, timedelta

from domicile_operator.conditions import MESSAGE_LIMIT, TYPES, Condition, merge
from hypothesis import given
from hypothesis import strategies as st

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FOUND = st.builds(
    Condition, st.sampled_from(TYPES), st.sampled_from(["True", "False"]), st.sampled_from(["A", "B"]), st.text()
)


def test_a_new_reason_moves_no_time_and_a_flip_does() -> None:
    first = merge([], [Condition("Ready", "False", "A", "one")], 1, NOON)
    same = merge(first, [Condition("Ready", "False", "B", "two")], 2, NOON + timedelta(hours=1))
    assert same[0]["lastTransitionTime"] == "2026-11-22T12:00:00Z"
    assert (same[0]["reason"], same[0]["message"], same[0]["observedGeneration"]) == ("B", "two", 2)
    flipped = merge(same, [Condition("Ready", "True", "C")], 2, NOON + timedelta(hours=2))
    assert flipped[0]["lastTransitionTime"] == "2026-11-22T14:00:00Z"


def test_a_type_that_was_not_looked_at_keeps_what_it_said() -> None:
    before = merge([], [Condition("Database", "True", "InPlace")], 1, NOON)
    after = merge(before, [Condition("Ready", "True", "Live")], 2, NOON)
    assert [c["type"] for c in after] == ["Ready", "Database"]
    assert after[1] == before[0]


@given(st.lists(FOUND), st.lists(FOUND))
def test_merging_the_same_findings_again_changes_nothing(before: list[Condition], found: list[Condition]) -> None:
    once = merge(merge([], before, 1, NOON), found, 1, NOON)
    # The last finding of a type is what counts, so repeat those alone.
    last = list({condition.type: condition for condition in found}.values())
    assert merge(once, last, 1, NOON + timedelta(hours=1)) == once
    assert len({c["type"] for c in once}) == len(once)


def test_a_message_fits_the_schema() -> None:
    (only,) = merge([], [Condition("Ready", "False", "A", "x" * 10_000)], 1, NOON)
    assert len(only["message"]) == MESSAGE_LIMIT
