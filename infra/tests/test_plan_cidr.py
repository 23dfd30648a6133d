"""Networks: none overlaps another, and none moves because of a newcomer."""

from ipaddress import IPv4Network
from itertools import combinations

import pytest
from domicile_infra.plan.cidr import SERVICES, SubnetRole, allocate, data_network, subnets
from domicile_infra.plan.errors import PlanError
from hypothesis import given
from hypothesis import strategies as st

ZONES = ("eu-west-2a", "eu-west-2b", "eu-west-2c")
SUPERNET = IPv4Network("10.64.0.0/10")

cells = st.lists(st.text("abcdefgh-", min_size=1, max_size=8), min_size=1, max_size=50, unique=True)
networks = st.integers(16, 20).flatmap(
    lambda prefix: st.integers(0, 2 ** (prefix - 8) - 1).map(
        lambda at: IPv4Network((int(IPv4Network("10.0.0.0/8").network_address) + (at << (32 - prefix)), prefix))
    )
)


@given(networks)
def test_subnets_are_fifteen_apart_and_inside(network: IPv4Network) -> None:
    cut = subnets(network, ZONES)
    assert {(one.role, one.availability_zone) for one in cut} == {(role, zone) for role in SubnetRole for zone in ZONES}
    assert len({one.name for one in cut}) == len(cut) == 15
    assert all(one.cidr.subnet_of(network) and one.cidr.prefixlen <= 28 for one in cut)
    assert not any(one.cidr.overlaps(other.cidr) for one, other in combinations(cut, 2))


@given(networks)
def test_the_data_network_holds_the_data_subnets_and_no_other(network: IPv4Network) -> None:
    inside = data_network(network)
    for one in subnets(network, ZONES):
        assert one.cidr.subnet_of(inside) == (one.role is SubnetRole.DATA)
        assert one.cidr.overlaps(inside) == (one.role is SubnetRole.DATA)


@given(cells)
def test_cells_never_overlap_and_stay_in_the_supernet(names: list[str]) -> None:
    found = allocate(SUPERNET, dict.fromkeys(names))
    assert list(found) == names
    assert all(one.subnet_of(SUPERNET) for one in found.values())
    assert not any(one.overlaps(other) for one, other in combinations(found.values(), 2))


@given(cells, st.text("xyz", min_size=1, max_size=5))
def test_a_cell_added_last_moves_no_other(names: list[str], newcomer: str) -> None:
    before = allocate(SUPERNET, dict.fromkeys(names))
    after = allocate(SUPERNET, dict.fromkeys([*names, newcomer]))
    assert {name: after[name] for name in names} == before


@given(cells, networks)
def test_a_pinned_network_stays_whoever_comes(names: list[str], pinned: IPv4Network) -> None:
    wanted: dict[str, IPv4Network | None] = {**dict.fromkeys(names), "pinned": pinned}
    found = allocate(SUPERNET, wanted)
    assert found["pinned"] == pinned
    assert not any(one.overlaps(other) for one, other in combinations(found.values(), 2))


def test_a_full_supernet_is_refused_with_the_cell_and_the_remedy() -> None:
    with pytest.raises(PlanError, match=r"no free /16 for the cell b: give the organisation a larger supernet"):
        allocate(IPv4Network("10.1.0.0/16"), {"a": None, "b": None})


def test_a_supernet_smaller_than_a_cell_holds_none() -> None:
    with pytest.raises(PlanError, match="no free /16"):
        allocate(IPv4Network("10.1.0.0/17"), {"a": None})


def test_pinned_networks_that_overlap_are_refused() -> None:
    pins = {"a": IPv4Network("10.1.0.0/16"), "b": IPv4Network("10.1.16.0/20")}
    with pytest.raises(PlanError, match=r"10\.1\.16\.0/20 of the cell b overlaps 10\.1\.0\.0/16 of a"):
        allocate(SUPERNET, dict(pins))


def test_a_cell_is_never_where_kubernetes_has_its_services() -> None:
    wide = IPv4Network("172.16.0.0/12")
    found = allocate(wide, dict.fromkeys(str(at) for at in range(15)))
    assert not any(one.overlaps(SERVICES) for one in found.values())
    with pytest.raises(PlanError, match="where Kubernetes has its Services"):
        allocate(wide, {"a": IPv4Network("172.20.0.0/16")})


@pytest.mark.parametrize("zones", [ZONES[:2], (*ZONES[:2], ZONES[0]), ()])
def test_zones_that_are_not_three_are_refused(zones: tuple[str, ...]) -> None:
    with pytest.raises(PlanError, match="availabilityZones"):
        subnets(IPv4Network("10.1.0.0/16"), zones)


@pytest.mark.parametrize("size", ["10.0.0.0/15", "10.0.0.0/21"])
def test_networks_that_cannot_be_cut_are_refused(size: str) -> None:
    with pytest.raises(PlanError, match="no size of a cell's network"):
        subnets(IPv4Network(size), ZONES)


def test_local_zones_keep_their_letters() -> None:
    cut = subnets(IPv4Network("10.1.0.0/16"), ("us-west-2-lax-1a", "us-west-2b", "us-west-2c"))
    assert {one.name for one in cut if one.role is SubnetRole.DATA} == {"data-a", "data-b", "data-c"}
