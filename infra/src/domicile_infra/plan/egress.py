"""What may leave a cell: TLS to named hosts, and nothing else."""

from collections.abc import Iterable
from urllib.parse import urlsplit

from domicile_infra.plan.errors import PlanError

NO_DATAGRAMS = "\n".join(
    f'drop {protocol} $HOME_NET any -> $EXTERNAL_NET any (msg:"no {protocol} leaves the cell"; sid:{number}; rev:1;)'
    for number, protocol in enumerate(("udp", "icmp"), start=1)
)
"""Suricata rules. The policy drops what is established and unnamed; a datagram is gone before it is established."""


def hosts(addresses: Iterable[str]) -> tuple[str, ...]:
    """The hosts of these addresses (URLs), each once and in order. Raises PlanError for one without TLS or a host."""
    found: set[str] = set()
    for address in addresses:
        parts = urlsplit(address)
        if parts.scheme != "https" or not parts.hostname:
            raise PlanError(
                f"{address} cannot be allowed out: the firewall lets TLS to a named host pass, and nothing else. "
                "Use an https:// address."
            )
        found.add(parts.hostname.lower())
    return tuple(sorted(found))
