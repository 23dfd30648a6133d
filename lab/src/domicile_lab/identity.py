"""Who this lab is: every name, subnet and port that it uses, derived from the checkout's path.

Two checkouts on one host get two labs that share nothing.
"""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from pathlib import Path

DOMAIN = "domicile.internal"  # the machines' own DNS domain; the same in every lab, seen only inside it


@dataclass(frozen=True)
class Machine:
    """A machine of the lab. `kind` chooses what the container needs from the host; groups are Ansible's."""

    name: str
    index: int
    groups: tuple[str, ...]
    needs_cgroups: bool = False
    private_dirs: tuple[str, ...] = ()  # on the host's own file system, since overlayfs cannot stack


_NODE_DIRS = ("/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd")

MACHINES = (
    Machine("registry1", 10, ("registry", "backup_store")),
    Machine("data1", 11, ("postgresql", "redis", "openbao"), private_dirs=("/var/lib/postgresql",)),
    Machine(
        "node1",
        12,
        ("kubernetes",),
        needs_cgroups=True,
        private_dirs=_NODE_DIRS,
    ),
    Machine("psp1", 13, ("psp", "exclusion_registers")),
)
"""The machines of the site: `make up` boots them."""

CLOUD_NODE = Machine(
    "cloud1",
    14,
    ("kubernetes", "cloud"),
    needs_cgroups=True,
    private_dirs=_NODE_DIRS,
)
"""The node behind the clusters of the stand-in cloud, for as long as somebody wants one there."""

EVERY_MACHINE = (*MACHINES, CLOUD_NODE)


@dataclass(frozen=True)
class Identity:
    """Names and numbers of one lab. `network` is a /24 in 10.128.0.0/10; the host is its first address."""

    id: str
    network: ipaddress.IPv4Network
    port: int

    @property
    def bridge(self) -> str:
        return f"dom-{self.id}"

    @property
    def gateway(self) -> str:
        return str(self.network[1])

    @property
    def base_domain(self) -> str:
        """Browsers resolve every name under `localhost` to the loopback, so no host file is touched."""
        return f"l{self.id}.localhost"

    def cgroup(self, machine: Machine) -> str:
        """The cgroup below which a node's pods live: each node removes what it does not know from its own."""
        return f"domicile-{self.id}-{machine.name}"

    @property
    def cloud_port(self) -> int:
        """Of the stand-in cloud's guarded listener; the raw one has the next."""
        return 10000 + 2 * (self.port % 5000)

    def address(self, machine: Machine) -> str:
        return str(self.network[machine.index])

    def container(self, machine: Machine) -> str:
        return f"{machine.name}-{self.id}"


def identify(checkout: Path) -> Identity:
    """Derive a lab's identity from its checkout's absolute path."""
    digest = hashlib.sha256(str(checkout.resolve()).encode()).digest()
    second, third = 128 + digest[0] % 64, digest[1]
    return Identity(
        id=digest.hex()[:4],
        network=ipaddress.IPv4Network(f"10.{second}.{third}.0/24"),
        port=20000 + int.from_bytes(digest[2:4], "big") % 10000,
    )


def machine(name: str) -> Machine:
    """Find a machine by name; KeyError when there is none."""
    return {m.name: m for m in EVERY_MACHINE}[name]
