"""Networks: one for each cell out of the organisation's, and in each cell its subnets.

A cell's network is cut the same way whatever its size. Three quarters are the private subnets, where pods take an
address each. The last quarter is cut in four: data, edge, egress, firewall; and each of those in four again, one
for each availability zone and one to spare.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Network

from domicile_infra.plan.errors import PlanError

CELL_PREFIX = 16
"""The prefix length of a cell's network where the environment names none (AWS's largest)."""
LARGEST, SMALLEST = 16, 20
ZONES = 3

SERVICES = IPv4Network("172.20.0.0/16")
"""The addresses of Kubernetes Services in every cell: they exist only inside a cluster, so cells may share them."""


class SubnetRole(StrEnum):
    """What a subnet is for, which decides its way out.

    `egress` holds nothing but NAT gateways, `firewall` nothing but the firewall's endpoints, and `edge` nothing but
    load balancers. Load balancers and NAT gateways stand apart because the way back from a NAT gateway leads through
    the firewall, and a load balancer's traffic to its targets must not: it would pass in one direction only.
    """

    PRIVATE = "private"
    DATA = "data"
    EDGE = "edge"
    EGRESS = "egress"
    FIREWALL = "firewall"


@dataclass(frozen=True, slots=True)
class Subnet:
    """A subnet of a cell: what it is for, in which availability zone, and its addresses."""

    role: SubnetRole
    availability_zone: str
    cidr: IPv4Network

    @property
    def name(self) -> str:
        """Its role and the zone's letter: private-a."""
        return f"{self.role}-{zone_letter(self.availability_zone)}"


def zone_letter(availability_zone: str) -> str:
    """The part of a zone's name that tells it from the region's others: the `a` of eu-west-2a."""
    return availability_zone.rsplit("-", 1)[-1].lstrip("0123456789")


def subnets(network: IPv4Network, availability_zones: tuple[str, ...]) -> tuple[Subnet, ...]:
    """The subnets of a cell, by role and zone. Raises PlanError for a network or zones that cannot be cut so."""
    _check_size(network)
    if len(set(availability_zones)) != ZONES or len({zone_letter(zone) for zone in availability_zones}) != ZONES:
        raise PlanError(
            f"A cell spans {ZONES} availability zones with letters of their own, not "
            f"{', '.join(availability_zones) or 'none'}: name {ZONES} under the cell's availabilityZones."
        )
    *private, _ = network.subnets(prefixlen_diff=2)
    found = [Subnet(SubnetRole.PRIVATE, zone, part) for zone, part in zip(availability_zones, private, strict=True)]
    for role, block in _blocks(network).items():
        parts = list(block.subnets(prefixlen_diff=2))[:ZONES]
        found += [Subnet(role, zone, part) for zone, part in zip(availability_zones, parts, strict=True)]
    return tuple(found)


def data_network(network: IPv4Network) -> IPv4Network:
    """The smallest network that holds every data subnet: what may be told of the stores' addresses."""
    return _blocks(network)[SubnetRole.DATA]


def allocate(supernet: IPv4Network, cells: Mapping[str, IPv4Network | None]) -> dict[str, IPv4Network]:
    """A network for each cell, by the cells' order; those that name one keep it.

    A cell gets the first free network of the supernet, so that a cell added behind the others moves none of them.
    Whoever takes a cell away from among others pins theirs (`cidr`) first. Raises PlanError where two overlap, one
    cannot be cut into subnets, or none is left.
    """
    taken: dict[str, IPv4Network] = {}
    for name, given in cells.items():
        if given is not None:
            _check_size(given)
            _check_apart(name, given, taken)
            taken[name] = given
    free = _free(supernet)
    for name in (name for name, given in cells.items() if given is None):
        found = next((one for one in free if not any(one.overlaps(other) for other in taken.values())), None)
        if found is None:
            raise PlanError(
                f"{supernet} has no free /{CELL_PREFIX} for the cell {name}: give the organisation a larger "
                "supernet, or the cell a cidr."
            )
        taken[name] = found
    return {name: taken[name] for name in cells}


def _free(supernet: IPv4Network) -> Iterator[IPv4Network]:
    """The networks of the supernet that a cell may get, in order."""
    if supernet.prefixlen > CELL_PREFIX:
        return iter(())
    return (one for one in supernet.subnets(new_prefix=CELL_PREFIX) if not one.overlaps(SERVICES))


def _blocks(network: IPv4Network) -> dict[SubnetRole, IPv4Network]:
    """The last quarter of a cell's network, by what its parts are for."""
    last = list(network.subnets(prefixlen_diff=2))[-1]
    roles = (SubnetRole.DATA, SubnetRole.EDGE, SubnetRole.EGRESS, SubnetRole.FIREWALL)
    return dict(zip(roles, last.subnets(prefixlen_diff=2), strict=True))


def _check_size(network: IPv4Network) -> None:
    if not LARGEST <= network.prefixlen <= SMALLEST:
        raise PlanError(
            f"{network} is no size of a cell's network: a VPC takes at most /{LARGEST}, and {ZONES} zones of five "
            f"subnets need at least /{SMALLEST}. Change the cell's cidr."
        )
    if network.overlaps(SERVICES):
        raise PlanError(f"{network} overlaps {SERVICES}, where Kubernetes has its Services. Change the cell's cidr.")


def _check_apart(name: str, given: IPv4Network, taken: Mapping[str, IPv4Network]) -> None:
    for other, network in taken.items():
        if given.overlaps(network):
            raise PlanError(f"The network {given} of the cell {name} overlaps {network} of {other}. Change its cidr.")
