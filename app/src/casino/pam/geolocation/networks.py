"""The database of networks: a CSV with `network,region,anonymiser`, the longest prefix counts."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from pathlib import Path

from casino.kernel.errors import ConfigurationError
from casino.pam.geolocation.models import Network

COLUMNS = ["network", "region", "anonymiser"]
_REGION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


class Networks:
    """Networks by version and length of prefix; an address is looked for from the longest on."""

    def __init__(self, rows: Iterable[tuple[str, str, bool]]) -> None:
        self._tables: dict[int, dict[int, dict[int, Network]]] = {4: {}, 6: {}}
        same: dict[Network, Network] = {}  # millions of rows have few different answers
        for text, region, anonymiser in rows:
            network = ip_network(text)
            answer = Network(region, anonymiser)
            table = self._tables[network.version].setdefault(network.prefixlen, {})
            table[int(network.network_address)] = same.setdefault(answer, answer)
        self._lengths = {version: sorted(tables, reverse=True) for version, tables in self._tables.items()}

    def find(self, address: str | None) -> Network | None:
        """What is known of an address; None for one that is not in the database, or is none."""
        try:
            parsed = ip_address(address or "")
        except ValueError:
            return None
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        bits = 32 if isinstance(parsed, IPv4Address) else 128
        number = int(parsed)
        for length in self._lengths[parsed.version]:
            found = self._tables[parsed.version][length].get(number >> (bits - length) << (bits - length))
            if found is not None:
                return found
        return None


def load_networks(path: Path) -> Networks:
    """Read the file. Raises ConfigurationError that names the first line that cannot be used: half a database would
    let in from where nobody looked."""
    try:
        with path.open(newline="") as file:
            return Networks(_rows(csv.reader(file)))
    except OSError as error:
        raise ConfigurationError(f"cannot read CASINO_IP_NETWORKS at {path}: {error.strerror}") from error
    except (ValueError, csv.Error) as error:
        raise ConfigurationError(f"CASINO_IP_NETWORKS at {path} cannot be used: {error}") from None


def _rows(reader: Iterable[list[str]]) -> Iterable[tuple[str, str, bool]]:
    rows = enumerate(reader, start=1)
    if next(rows, (1, []))[1] != COLUMNS:
        raise ValueError(f"line 1 is not {','.join(COLUMNS)}")
    for number, row in rows:
        if len(row) != len(COLUMNS) or not _REGION.fullmatch(row[1]) or row[2] not in ("0", "1"):
            raise ValueError(f"line {number} is not a network, a region (ISO 3166) and 0 or 1")
        try:
            ip_network(row[0])
        except ValueError:
            raise ValueError(f"line {number} has no network such as 192.0.2.0/24") from None
        yield row[0], row[1], row[2] == "1"
