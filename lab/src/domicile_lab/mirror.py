"""The lab's Debian mirror and root file system: what a site's signed bundle will be, made on this host.

The machines reach no package index. Their apt reads one folder of .deb files: everything that the roles'
`*_packages` defaults name, with dependencies. The playbooks then install from it as they would anywhere.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import yaml

from domicile_lab.cache import filled
from domicile_lab.paths import Paths
from domicile_lab.shell import Argument, Say, run

SUITE = "bookworm"
BASE_PACKAGES = (
    "systemd", "systemd-sysv", "dbus", "openssh-server", "python3", "python3-apt", "iproute2",
    "ca-certificates", "openssl", "procps", "apt-utils",
)  # fmt: skip
RECIPE = "4"  # part of the cache key: raise it when the way of building changes


def role_packages(paths: Paths) -> tuple[str, ...]:
    """Every Debian package that a role installs: the lists `<role>_packages` in its defaults."""
    found: set[str] = set()
    for defaults in (paths.root / "playbooks" / "roles").glob("*/defaults/main.yml"):
        values = yaml.safe_load(defaults.read_text()) or {}
        for key, value in values.items():
            if key.endswith("_packages"):
                found.update(value)
    return tuple(sorted(found))


def rootfs(paths: Paths) -> Path:
    return paths.cache / "rootfs" / _key(SUITE, *BASE_PACKAGES)


def mirror(paths: Paths) -> Path:
    return paths.cache / "mirror" / _key(SUITE, *BASE_PACKAGES, "|", *role_packages(paths))


def _key(*parts: str) -> str:
    return hashlib.sha256("\n".join((RECIPE, *parts)).encode()).hexdigest()[:16]


def build_rootfs(paths: Paths, say: Say) -> None:
    """Make the machines' common root with mmdebstrap, unless it is in the cache."""
    if rootfs(paths).exists():
        return
    say("mmdebstrap: a Debian root with systemd and sshd")
    with filled(rootfs(paths)) as root:
        run(
            ["mmdebstrap", "--variant=minbase", f"--include={','.join(BASE_PACKAGES)}", SUITE, root],
            log=paths.logs / "rootfs.log",
            say=say,
        )
        # Host keys and the machine id belong to a machine, not to the root they share.
        for key in (root / "etc" / "ssh").glob("ssh_host_*"):
            key.unlink()
        (root / "etc" / "machine-id").write_text("")
        run(["systemctl", f"--root={root}", "enable", "--quiet", "ssh"])
        for unit in (
            "systemd-resolved.service",
            "systemd-networkd.service",
            "apt-daily.timer",
            "apt-daily-upgrade.timer",
        ):
            run(["systemctl", f"--root={root}", "mask", "--quiet", unit], check=False)


def build_mirror(paths: Paths, say: Say) -> None:
    """Fetch the roles' packages with all they depend on into a flat apt repository, unless cached."""
    if mirror(paths).exists():
        return
    with filled(mirror(paths)) as folder:
        folder.mkdir()
        _fetch_packages(paths, folder, say)
        (folder / "Packages").write_text(run(["apt-ftparchive", "packages", "."], cwd=folder))
        (folder / "Release").write_text(run(["apt-ftparchive", "release", "."], cwd=folder))


def _fetch_packages(paths: Paths, folder: Path, say: Say) -> None:
    """Move the .deb files that a machine lacks into `folder`.

    A scratch copy of the root answers what is missing on such a machine; only it sees an index.
    """
    scratch = paths.state / "scratch-root"
    shutil.rmtree(scratch, ignore_errors=True)
    run(["cp", "-a", "--reflink=auto", rootfs(paths), scratch])
    try:
        _copy_apt_settings(scratch)
        log = paths.logs / "mirror.log"
        say("apt: reading the index")
        chroot: list[Argument] = ["chroot", scratch, "apt-get", "-qq"]
        env = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
        run([*chroot, "update"], log=log, env=env)
        say("apt: fetching packages")
        run(
            [*chroot, "install", "--download-only", "--no-install-recommends", "-y", *role_packages(paths)],
            log=log,
            say=say,
            env=env,
        )
        for package in (scratch / "var/cache/apt/archives").glob("*.deb"):
            shutil.move(package, folder / package.name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _copy_apt_settings(root: Path) -> None:
    """Let the scratch root fetch as this host does (proxies, certificates); its sources it has already."""
    for setting in Path("/etc/apt/apt.conf.d").glob("*"):
        if "Acquire::" in setting.read_text(errors="replace"):
            shutil.copy(setting, root / "etc/apt/apt.conf.d" / setting.name)
    credentials = Path("/etc/apt/auth.conf.d")
    if credentials.is_dir():
        shutil.copytree(credentials, root / "etc/apt/auth.conf.d", dirs_exist_ok=True)
    for name in ("resolv.conf", "hosts"):
        (root / "etc" / name).unlink(missing_ok=True)
        shutil.copy(Path("/etc") / name, root / "etc" / name)
