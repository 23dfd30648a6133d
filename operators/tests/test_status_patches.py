"""What is written of a status: the API server merges it, and what is gone has to be said to go."""

from typing import Any

from domicile_operator.recorder import merge_patch
from hypothesis import given
from hypothesis import strategies as st
from operator_testkit.fake_kube import merged

NAMES = st.sampled_from(["release", "failed", "since", "image"])
VALUES = st.recursive(
    st.one_of(st.integers(), st.text(max_size=3), st.booleans(), st.lists(st.integers(), max_size=2)),
    lambda inner: st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
STATUSES = st.dictionaries(NAMES, VALUES, max_size=4)


@given(STATUSES, STATUSES)
def test_what_comes_of_a_patch_is_what_was_to_stand(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert merged(before, merge_patch(before, after)) == after


@given(STATUSES)
def test_the_same_again_takes_nothing_away(status: dict[str, Any]) -> None:
    assert merge_patch(status, status) == status
