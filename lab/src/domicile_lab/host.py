"""What the lab changes on its host, as one listed set: recorded before, restored by `down`.

- packages: installed when missing, left in place (they are listed by `status`)
- a bridge with the host's address, and one nftables table that leads a loopback port to the ingress
- sysctls, by name, with the value that they had
- the cgroup below which the node's pods live; the kubelet's unit makes it at each start
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from domicile_lab.identity import Identity, Machine, machine
from domicile_lab.paths import Paths
from domicile_lab.shell import CommandError, Say, run, succeeds

# One list, one reason each.
PACKAGES = {
    "apt-utils": "apt-ftparchive indexes the lab's mirror",
    "buildah": "builds images from prepared root file systems, without a daemon",
    "chromium": "the end-to-end test's browser",
    "debian-archive-keyring": "verifies the Debian packages of the machines on other distributions",
    "dieharder": "the unit tests' battery of randomness tests over the casino's generator",
    "iproute2": "the bridge",
    "mmdebstrap": "makes the machines' and images' root file systems",
    "nftables": "leads the loopback port to the ingress",
    "openssh-client": "Ansible's way into the machines",
    "postgresql-client": "pgbench and psql for the benchmark",
    "restic": "what the tests back tenants up with",
    "rclone": "the tests' own store of backups, on a free port of the loopback",
    "redis-server": "the unit tests' own Redis, on a free port of the loopback",
    "skopeo": "puts images into the site's registry",
    "softhsm2": "the unit tests' PKCS#11 token, as a source of the casino's entropy",
    "systemd-container": "systemd-nspawn boots the machines",
    "uidmap": "buildah needs it",
    "wrk": "the benchmark's load over HTTP",
}

# name -> the least value that the lab needs
SYSCTLS = {"fs.inotify.max_user_instances": 1024, "fs.inotify.max_user_watches": 524288}


# The labs of a host share its sysctls: the first writes down what was there, the last puts it back. In /run, since a
# reboot puts it back too.
RECORD = Path("/run/domicile/host.json")


class HostRecord(BaseModel):
    """What the sysctls were before, and which checkouts' labs rely on what they are now."""

    sysctls: dict[str, str] = {}
    labs: list[str] = []


@contextlib.contextmanager
def host_record() -> Iterator[HostRecord]:
    """The record, to be changed by one lab at a time; it is gone when no lab relies on it."""
    RECORD.parent.mkdir(mode=0o755, exist_ok=True)
    with RECORD.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record = HostRecord.model_validate_json(RECORD.read_text()) if RECORD.exists() else HostRecord()
        yield record
        _keep(record)


def _keep(record: HostRecord) -> None:
    """Write the record down, whole or not at all; without a lab that relies on it, it goes."""
    if not record.labs:
        RECORD.unlink(missing_ok=True)
        return
    partial = RECORD.with_suffix(".partial")
    partial.write_text(record.model_dump_json(indent=2))
    partial.replace(RECORD)


def missing_packages() -> list[str]:
    """Those of PACKAGES that dpkg does not have installed."""
    listed = run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\n"], check=False)
    installed = {line.split()[0] for line in listed.splitlines() if line.endswith(" installed")}
    return sorted(set(PACKAGES) - installed)


def install_packages(paths: Paths, say: Say) -> None:
    missing = missing_packages()
    if not missing:
        return
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    log = paths.logs / "apt.log"
    say(f"apt: {' '.join(missing)}")
    run(["apt-get", "update", "-qq"], log=log, env=env)
    # A service that a package brings must not start on the host: the lab's run in its machines.
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists()
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        run(["apt-get", "install", "-y", "--no-install-recommends", *missing], log=log, say=say, env=env)
    finally:
        if ours:
            policy.unlink()


def _sysctl_path(name: str) -> Path:
    return Path("/proc/sys") / name.replace(".", "/")


def raise_sysctls(paths: Paths) -> None:
    """Raise what is too low, and write down that this checkout's lab relies on it."""
    with host_record() as record:
        record.labs = sorted({*record.labs, str(paths.root)})
        for name, least in SYSCTLS.items():
            file = _sysctl_path(name)
            before = file.read_text().strip()
            if int(before) < least:
                record.sysctls.setdefault(name, before)
                _keep(record)  # before the change: who is ended in between must not forget what was there
                file.write_text(str(least))


def restore_sysctls(paths: Paths) -> None:
    """Put back what was there before, unless another checkout's lab relies on what is there now."""
    with host_record() as record:
        if str(paths.root) not in record.labs:
            return
        record.labs.remove(str(paths.root))
        if not record.labs:
            for name, value in record.sysctls.items():
                _sysctl_path(name).write_text(value)


def bridge_exists(identity: Identity) -> bool:
    return succeeds(["ip", "link", "show", identity.bridge])


def make_network(identity: Identity, say: Say) -> None:
    """The bridge, and the loopback port that leads to the ingress. Idempotent."""
    if not bridge_exists(identity):
        say(f"bridge {identity.bridge}, {identity.network}")
        run(["ip", "link", "add", identity.bridge, "type", "bridge"])
    run(["ip", "address", "replace", f"{identity.gateway}/24", "dev", identity.bridge])
    run(["ip", "link", "set", identity.bridge, "up"])
    # A packet that leaves for the bridge with a loopback source needs this; it goes with the bridge.
    Path(f"/proc/sys/net/ipv4/conf/{identity.bridge}/route_localnet").write_text("1")
    table = f"domicile_{identity.id}"
    ingress = identity.address(machine("node1"))
    rules = f"""
table ip {table}
delete table ip {table}
table ip {table} {{
  chain output {{
    type nat hook output priority -100; policy accept;
    ip daddr 127.0.0.1 tcp dport {identity.port} dnat to {ingress}:443
  }}
  chain postrouting {{
    type nat hook postrouting priority 100; policy accept;
    oifname "{identity.bridge}" ip saddr 127.0.0.0/8 masquerade
  }}
}}
"""
    run(["nft", "-f", "-"], stdin=rules)


def remove_network(identity: Identity) -> None:
    if shutil.which("nft"):
        run(["nft", "delete", "table", "ip", f"domicile_{identity.id}"], check=False)
    if bridge_exists(identity):
        run(["ip", "link", "delete", identity.bridge])


def cgroup_controllers() -> list[Path]:
    """The mounted hierarchies: one each on cgroup v1, the single one on v2."""
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        return [root]
    return sorted(p for p in root.iterdir() if p.is_dir() and not p.is_symlink())


def cgroups(identity: Identity, *of: Machine) -> list[Path]:
    """The cgroups of these machines that there are, in every hierarchy."""
    names = [identity.cgroup(m) for m in of if m.needs_cgroups]
    groups = [controller / name for controller in cgroup_controllers() for name in names]
    return [group for group in groups if group.exists()]


def remove_cgroups(identity: Identity, *of: Machine) -> None:
    """Remove the cgroups of these machines, deepest first. Their processes are gone with the machines."""
    for group in cgroups(identity, *of):
        for folder in sorted((p for p in group.rglob("*") if p.is_dir()), key=lambda p: -len(p.parts)):
            with contextlib.suppress(OSError):
                folder.rmdir()
        try:
            group.rmdir()
        except OSError as error:
            raise CommandError(f"{group} could not be removed: {error}. A process may still live in it.") from error
