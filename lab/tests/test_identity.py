"""Two checkouts on one host share nothing."""

import ipaddress
from pathlib import Path

from domicile_lab.identity import EVERY_MACHINE, Identity, identify, machine
from hypothesis import given
from hypothesis import strategies as st

paths = st.text("abcdefghij/", min_size=1, max_size=20).map(lambda s: Path("/srv") / s.strip("/"))


@given(paths)
def test_a_lab_stays_within_its_corner_of_the_private_network(path: Path) -> None:
    lab = identify(path)
    assert lab.network.prefixlen == 24
    assert lab.network.subnet_of(ipaddress.ip_network("10.128.0.0/10"))
    assert 20000 <= lab.port < 30000, "below the ephemeral ports"
    assert lab == identify(path)


@given(paths)
def test_names_fit_the_kernels_limit_of_fifteen_characters(path: Path) -> None:
    lab = identify(path)
    assert len(lab.bridge) <= 15
    # systemd-nspawn calls a veth `vb-<machine>`, and shortens a name that does not fit by hashing it
    assert all(len(lab.container(m)) <= 63 for m in EVERY_MACHINE)


def test_two_checkouts_have_two_labs() -> None:
    one, other = identify(Path("/srv/one")), identify(Path("/srv/two"))
    assert one.id != other.id
    assert one.network != other.network
    assert names(one).isdisjoint(names(other))


def names(lab: Identity) -> set[str]:
    return {lab.bridge, lab.base_domain, *(lab.cgroup(m) for m in EVERY_MACHINE)}


def test_no_two_machines_of_a_lab_have_their_pods_in_one_cgroup() -> None:
    lab = identify(Path("/srv/one"))
    assert len({lab.cgroup(m) for m in EVERY_MACHINE}) == len(EVERY_MACHINE)


def test_every_machine_has_its_own_address_and_none_has_the_hosts() -> None:
    lab = identify(Path("/srv/one"))
    addresses = [lab.address(m) for m in EVERY_MACHINE]
    assert len({lab.gateway, *addresses}) == len(EVERY_MACHINE) + 1
    assert lab.address(machine("node1")).endswith(".12")
