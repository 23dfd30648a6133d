"""Tags and names that AWS takes."""

import pytest
from domicile_catalog import DataClass
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.names import bucket, fit
from domicile_infra.plan.tags import TagScope
from domicile_policies.names import TAG_KEYS
from hypothesis import given
from hypothesis import strategies as st

SCOPE = TagScope("live", "north-live", ("XB", "XA"), "platform@casino.example")


def test_tags_say_whose_it_is_for_which_law_and_what_it_holds() -> None:
    assert SCOPE.tags([DataClass.WAGERING, DataClass.PLAYER_IDENTITY]) == {
        "domicile:environment": "live",
        "domicile:cell": "north-live",
        "domicile:tenant": "shared",
        "domicile:jurisdiction": "XA+XB",
        "domicile:data-class": "player_identity+wagering",
        "domicile:owner": "platform@casino.example",
    }


def test_nothing_held_and_no_jurisdiction_are_said() -> None:
    tags = TagScope("live", "organization", (), "a@b.example").tags()
    assert tags["domicile:data-class"] == tags["domicile:jurisdiction"] == "none"


@given(st.sets(st.sampled_from(DataClass)))
def test_every_required_key_is_there_whatever_is_held(held: set[DataClass]) -> None:
    assert set(SCOPE.tags(held)) == set(TAG_KEYS)
    assert SCOPE.tags(held) == SCOPE.tags(sorted(held, reverse=True))


def test_more_jurisdictions_than_a_tag_holds_are_refused_with_the_remedy() -> None:
    with pytest.raises(PlanError, match=r"domicile:jurisdiction has 299 characters.*a cell of their own"):
        TagScope("live", "c", tuple(f"US-{at:02}" for at in range(50)), "a@b.example").tags()


def test_characters_that_aws_refuses_are_refused_before_it_does() -> None:
    with pytest.raises(PlanError, match="domicile:owner"):
        TagScope("live", "c", (), "a&b@c.example").tags()


@given(st.text("abc-", min_size=1, max_size=90).map("a".__add__), st.integers(12, 64))
def test_names_fit_and_stay_when_they_fit_already(name: str, limit: int) -> None:
    short = fit(name, limit)
    assert len(short) <= limit and short == fit(name, limit)
    assert short == name or len(name) > limit


def test_long_names_that_begin_alike_stay_two() -> None:
    assert fit("a" * 70 + "x", 32) != fit("a" * 70 + "y", 32)


def test_a_buckets_name_ends_in_the_account_and_fits() -> None:
    assert bucket("gb-prod", "audit", "111122223333") == "gb-prod-audit-111122223333"
    assert len(bucket("c" * 60, "regulator-copy", "111122223333")) <= 63


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(PlanError, match="no room"):
        fit("a" * 20, 9)
