"""Two checkouts on one host share nothing."""

import ipaddress
from pathlib import Path

from domicile_lab.identity import MACHINES, identify, machine
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
    assert all(len(lab.container(m)) <= 63 for m in MACHINES)


def test_two_checkouts_have_two_labs() -> None:
    one, other = identify(Path("/srv/one")), identify(Path("/srv/two"))
    assert one.id != other.id
    assert one.network != other.network
    assert {one.bridge, one.cgroup, one.base_domain}.isdisjoint({other.bridge, other.cgroup, other.base_domain})


def test_every_machine_has_its_own_address_and_none_has_the_hosts() -> None:
    lab = identify(Path("/srv/one"))
    addresses = [lab.address(m) for m in MACHINES]
    assert len({lab.gateway, *addresses}) == len(MACHINES) + 1
    assert lab.address(machine("node1")).endswith(".12")
