"""Which tenants may change their release: few at a time, in an order, and nobody after one has failed."""

import itertools

import pytest
from domicile_operator.names import LABEL_FIRST
from domicile_operator.releases.course import UNDER_WAY, Failed, Release, to_status
from domicile_operator.releases.fleet import Slots, Standing, hindrance, standing_of
from hypothesis import given
from hypothesis import strategies as st

OLD, NEW = "registry.test/casino:1", "registry.test/casino:2"


def standing(
    name: str, release: Release | None, size: str = "small", *, first: bool = False, able: bool = True
) -> Standing:
    return Standing(name, "2028-01-01T00:00:00Z", size, first, able, release)


DONE = Release(NEW, since="2028-01-01T00:00:00Z")
"""Of a tenant that was watched with it; one that was made with it has no such time."""
RELEASES = st.sampled_from(
    [
        None,
        Release(OLD),
        Release(NEW),
        DONE,
        Release(NEW, "Rolling", OLD),
        Release(NEW, "Watching", OLD),
        Release(OLD, "GoingBack"),
    ]
)


@st.composite
def fleets(draw: st.DrawFn) -> list[Standing]:
    many = draw(st.integers(0, 12))
    return [
        standing(
            f"t{number}",
            draw(RELEASES),
            draw(st.sampled_from(["small", "medium", "large"])),
            first=draw(st.booleans()),
            able=draw(st.booleans()),
        )
        for number in range(many)
    ]


def may(fleet: list[Standing], most: int) -> list[str]:
    return [one.name for one in fleet if hindrance(one.name, NEW, fleet, most) is None]


@given(fleets(), st.integers(1, 5))
def test_never_more_than_so_many_at_a_time_and_one_alone_at_first(fleet: list[Standing], most: int) -> None:
    under_way = sum(one.release is not None and one.release.phase in UNDER_WAY for one in fleet)
    proved = any(one.release == DONE for one in fleet)
    begin = may(fleet, most)
    assert not begin or under_way + len(begin) <= (most if proved else 1)
    assert all(one.able and one.release == Release(OLD) for one in fleet if one.name in begin)


@given(fleets(), st.integers(1, 5))
def test_who_begins_is_before_whoever_waits(fleet: list[Standing], most: int) -> None:
    begin = set(may(fleet, most))
    for one, other in itertools.product(fleet, fleet):
        waits = other.able and other.release == Release(OLD) and other.name not in begin
        if one.name in begin and waits:
            assert one.first >= other.first
            sizes = ["small", "medium", "large"]
            assert one.first > other.first or sizes.index(one.size) <= sizes.index(other.size)


@given(fleets(), st.integers(1, 5))
def test_after_one_has_failed_nobody_begins_and_all_say_where(fleet: list[Standing], most: int) -> None:
    failed = Failed(NEW, "BetsFail", "x", "2028-06-01T12:00:00Z")
    fleet = [*fleet, standing("zeus-gb", Release(OLD, failed=failed))]
    assert set(may(fleet, most)) <= {"zeus-gb"}  # which asks for another chance, or does not ask
    found = hindrance("t0", NEW, fleet, most)
    assert found is not None and found.reason == "Halted" and "zeus-gb" in found.message and "BetsFail" in found.message
    # A release that mends it is another one.
    mend = "registry.test/casino:3"
    quiet = not any(one.release and one.release.phase in UNDER_WAY for one in fleet)
    assert any(hindrance(one.name, mend, fleet, most) is None for one in fleet) == quiet


@given(fleets(), st.integers(1, 5), st.randoms())
def test_a_fleet_comes_to_its_end(fleet: list[Standing], most: int, chance: object) -> None:
    """Each that may begins, and settles: at the end none that is able has the old release."""
    fleet = [one for one in fleet if one.release in (None, Release(OLD), Release(NEW))]
    for _ in range(2 * len(fleet) + 1):
        begin = may(fleet, most)
        fleet = [standing(one.name, DONE, one.size) if one.name in begin else one for one in fleet]
    assert not [one for one in fleet if one.able and one.release == Release(OLD)]


def test_two_passes_at_once_take_one_slot_once() -> None:
    fleet, slots = [standing("a", Release(OLD)), standing("b", Release(OLD)), standing("c", Release(NEW))], Slots()
    assert slots.take("a", NEW, fleet, 1) is None
    busy = slots.take("b", NEW, fleet, 1)
    assert busy is not None and "a under way" in busy.message
    slots.told("a")
    fleet[0] = standing("a", Release(NEW, "Rolling", OLD))
    assert slots.take("b", NEW, fleet, 1) is not None
    fleet[0] = standing("a", Release(NEW))
    assert slots.take("b", NEW, fleet, 1) is None


@pytest.mark.parametrize(
    ("changed", "able"),
    [
        ({}, True),
        ({"annotations": {"casino.domicile.dev/paused": "true"}}, False),
        ({"deletionTimestamp": "2028-01-01T00:00:00Z"}, False),
    ],
)
def test_a_standing_is_read_off_the_tenant(changed: dict[str, object], able: bool) -> None:
    metadata = {"name": "acme-gb", "creationTimestamp": "2028-01-01T00:00:00Z", "labels": {LABEL_FIRST: "true"}}
    status = {"children": [{"kind": "Namespace", "name": "casino-acme-gb"}], "release": to_status(Release(OLD))}
    tenant = {"metadata": metadata | changed, "spec": {"size": "large"}, "status": status}
    kept = None if "deletionTimestamp" in changed else Release(OLD)
    assert standing_of(tenant) == Standing("acme-gb", "2028-01-01T00:00:00Z", "large", True, able, kept)
    assert not standing_of(tenant | {"status": {}}).able and standing_of({"metadata": {"name": "x"}}).release is None
    refused = standing_of(tenant | {"status": status | {"state": "Refused"}})
    assert (refused.able, refused.release) == (False, None)
