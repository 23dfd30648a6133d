"""Which ranges of addresses are so wide that they stand for everybody. Pure."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

Network = IPv4Network | IPv6Network

PRIVATE: tuple[Network, ...] = tuple(
    ip_network(one)
    for one in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)
"""What no stranger comes from: RFC 1918, 4193 and 6598, loopback and link-local."""

WIDEST = {4: 8, 6: 19}
"""The shortest prefix that one holder of addresses has, by version: whoever names a shorter one means everybody."""


def is_wide(cidr: str) -> bool:
    """Whether a range is open to strangers: not private, and wider than any one holder's. No range is wide as well."""
    return bool(wide([cidr]))


def wide(cidrs: Iterable[str]) -> tuple[str, ...]:
    """The ranges among these that stand for everybody, or all of them where they do so together; mostly none.

    Halves of the internet are no less than the whole, and neither are a hundred pieces of it.
    """
    given: dict[str, Network] = {}
    for cidr in cidrs:
        try:
            given[cidr] = ip_network(cidr, strict=False)
        except ValueError:
            return (cidr,)
    alone = tuple(cidr for cidr, one in given.items() if one.prefixlen < WIDEST[one.version] and not _private(one))
    if alone:
        return alone
    for version, shortest in WIDEST.items():
        mine = [one for one in given.values() if one.version == version]
        bits = 32 if version == 4 else 128
        if _strangers(mine, version) > 2 ** (bits - shortest):
            return tuple(cidr for cidr, one in given.items() if one.version == version and not _private(one))
    return ()


def _private(network: Network) -> bool:
    return any(_within(network, one) for one in PRIVATE)


def _strangers(networks: list[Network], version: int) -> int:
    """How many addresses they have together that are not private."""
    count = 0
    for one in collapse_addresses([each for each in networks if not _private(each)]):  # type: ignore[type-var]
        inside = [each for each in PRIVATE if each.version == version and _within(each, one)]
        count += one.num_addresses - sum(each.num_addresses for each in inside)
    return count


def _within(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network) and isinstance(outer, IPv4Network):
        return inner.subnet_of(outer)
    if isinstance(inner, IPv6Network) and isinstance(outer, IPv6Network):
        return inner.subnet_of(outer)
    return False
