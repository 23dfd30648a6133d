"""The lab's machines: Debian booted by systemd-nspawn, each in its own network namespace, with sshd."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

from domicile_lab import mirror
from domicile_lab.identity import EVERY_MACHINE, MACHINES, Identity, Machine
from domicile_lab.paths import Paths
from domicile_lab.shell import CommandError, Say, run, succeeds

BOOT_TIMEOUT_S = 90
STOP_TIMEOUT_S = 30


def ensure_keypair(private: Path, comment: str) -> str:
    """Make an ed25519 SSH key pair unless there; return the public key's line."""
    public = private.with_suffix(".pub")
    if not private.exists():
        private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = ed25519.Ed25519PrivateKey.generate()
        private.touch(mode=0o600)
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
            )
        )
        line = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        public.write_text(f"{line.decode()} {comment}\n")
    return public.read_text().strip()


def root_of(paths: Paths, machine: Machine) -> Path:
    return paths.machine(machine.name) / "root"


def pid_of(paths: Paths, machine: Machine) -> int | None:
    """The process id of the machine's running nspawn; None when it does not run."""
    file = paths.machine(machine.name) / "pid"
    if not file.exists():
        return None
    pid = int(file.read_text())
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    # The id may have been given to another process since.
    return pid if f"--directory={root_of(paths, machine)}".encode() in words else None


def prepare(paths: Paths, identity: Identity, machine: Machine) -> None:
    """Lay the machine's overlay over the common root and write what it must know before its first boot."""
    home = paths.machine(machine.name)
    root, upper, work = root_of(paths, machine), home / "upper", home / "work"
    for folder in (root, upper, work):
        folder.mkdir(parents=True, exist_ok=True)
    if not os.path.ismount(root):
        options = f"lowerdir={mirror.rootfs(paths)},upperdir={upper},workdir={work}"
        run(["mount", "-t", "overlay", "overlay", "-o", options, root])
    # Not networkd: where /sys is writable it waits for a udev that a container has not. One command, and again when
    # it fails: between two of a unit its cgroup (v1) is empty, and now and then gone before the second.
    addresses = f"""link set lo up
address replace {identity.address(machine)}/24 dev host0
link set host0 up
route replace default via {identity.gateway}
"""
    _write(root / "etc/lab-network", addresses)
    network = """[Unit]
Description=The lab's network
DefaultDependencies=no
After=local-fs.target
Before=network.target network-online.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=ip -batch /etc/lab-network
Restart=on-failure
RestartSec=200ms

[Install]
WantedBy=network-online.target multi-user.target
"""
    _write(root / "etc/systemd/system/lab-network.service", network)
    wants = root / "etc/systemd/system/multi-user.target.wants/lab-network.service"
    if not wants.is_symlink():
        wants.symlink_to("/etc/systemd/system/lab-network.service")
    # What does not end by itself when the machine stops is killed soon: a pod's process, mostly.
    _write(root / "etc/systemd/system.conf.d/lab.conf", "[Manager]\nDefaultTimeoutStopSec=8s\n")
    _write(root / "etc/hostname", f"{machine.name}\n")
    authorized = ensure_keypair(paths.ssh_key, f"lab-{identity.id}")
    _write(root / "root/.ssh/authorized_keys", authorized + "\n", mode=0o600)
    # The host key is made here, so that it can be checked at the first connection already.
    ensure_keypair(home / "ssh_host_ed25519_key", machine.name)
    for name in ("ssh_host_ed25519_key", "ssh_host_ed25519_key.pub"):
        shutil.copy2(home / name, root / "etc/ssh" / name)
    for private in machine.private_dirs:
        (home / "data" / private.strip("/")).mkdir(parents=True, exist_ok=True)
        (root / private.strip("/")).mkdir(parents=True, exist_ok=True)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    path.chmod(mode)


def laid_out(paths: Paths) -> list[Machine]:
    """The site's machines, and the others that somebody has booted."""
    return [m for m in EVERY_MACHINE if m in MACHINES or paths.machine(m.name).exists()]


def write_known_hosts(paths: Paths, identity: Identity) -> None:
    """Write down the host keys of the machines that there are."""
    keys = {m: paths.machine(m.name) / "ssh_host_ed25519_key.pub" for m in EVERY_MACHINE}
    lines = [f"{identity.address(m)} {key.read_text().strip()}\n" for m, key in keys.items() if key.exists()]
    paths.known_hosts.write_text("".join(lines))


def nspawn_command(paths: Paths, identity: Identity, machine: Machine) -> list[str]:
    """The command that boots the machine. A Kubernetes node needs cgroups, devices and system calls."""
    home = paths.machine(machine.name)
    command = [
        "systemd-nspawn", "--quiet", "--register=no", "--keep-unit", "--boot", "--link-journal=no",
        "--resolv-conf=off", "--timezone=off", "--console=pipe", "--kill-signal=SIGRTMIN+4",
        f"--directory={root_of(paths, machine)}", f"--machine={identity.container(machine)}",
        f"--network-bridge={identity.bridge}", f"--bind-ro={mirror.mirror(paths)}:/srv/mirror",
    ]  # fmt: skip
    command += [f"--bind={home / 'data' / d.strip('/')}:{d}" for d in machine.private_dirs]
    if machine.needs_cgroups:
        command += [
            "--capability=all", "--bind=/dev/kmsg", "--bind=/sys/fs/cgroup", "--system-call-filter=@known",
        ]  # fmt: skip
    return command


def boot(paths: Paths, identity: Identity, machine: Machine, say: Say) -> None:
    """Boot the machine unless it runs, and wait for its sshd. Raises CommandError with the console's end."""
    console = paths.logs / f"console-{machine.name}.log"
    if pid_of(paths, machine) is None:
        prepare(paths, identity, machine)
        env = dict(os.environ)
        if machine.needs_cgroups:
            env["SYSTEMD_NSPAWN_API_VFS_WRITABLE"] = "1"
        with console.open("a") as out:
            command = nspawn_command(paths, identity, machine)
            out.write(f"--- {shlex.join(command)}\n")
            out.flush()
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, start_new_session=True
            )
        (paths.machine(machine.name) / "pid").write_text(str(process.pid))
    deadline = time.monotonic() + BOOT_TIMEOUT_S
    while not _answers(identity.address(machine), 22):
        if pid_of(paths, machine) is None or time.monotonic() > deadline:
            tail = "\n".join(console.read_text(errors="replace").splitlines()[-10:])
            raise CommandError(f"{machine.name} did not come up. Its console ({console}) ends with:\n{tail}")
        say(f"{machine.name}: waiting for sshd")
        time.sleep(0.3)


def _answers(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1) as connection:
            connection.settimeout(1)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def stop(paths: Paths, machine: Machine, say: Say) -> None:
    """Shut the machine down in order (as `poweroff` does), kill it if it does not go, and unmount its root."""
    pid = pid_of(paths, machine)
    if pid is not None:
        say(f"{machine.name}: shutting down")
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while pid_of(paths, machine) is not None:
            if time.monotonic() > deadline:
                # Its first process, not nspawn: with that all others go, and nspawn tidies up after them.
                for leader in _children(pid):
                    os.kill(leader, signal.SIGKILL)
                deadline += STOP_TIMEOUT_S
            time.sleep(0.2)
    (paths.machine(machine.name) / "pid").unlink(missing_ok=True)
    root = root_of(paths, machine)
    while os.path.ismount(root):
        if not succeeds(["umount", root]):
            run(["umount", "--lazy", root])


def stop_all(paths: Paths, say: Say) -> None:
    """Stop every machine: those with stores last, since a casino that ends finishes its bets first."""
    stores = [m for m in MACHINES if "postgresql" in m.groups]
    others = [m for m in EVERY_MACHINE if m not in stores]
    for together in (others, stores):
        with ThreadPoolExecutor(max_workers=len(EVERY_MACHINE)) as pool:
            ending = [pool.submit(stop, paths, m, say) for m in together]
        for result in ending:
            result.result()


def _children(pid: int) -> list[int]:
    try:
        return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def provision(paths: Paths, log: str, say: Say, *options: str) -> None:
    """Run the site's playbook over the lab's machines; `options` are ansible-playbook's, `log` a file of the logs."""
    run(
        ["ansible-playbook", "playbooks/site.yml", "-i", "environments/lab/inventory", *options],
        cwd=paths.root,
        env={"ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"},
        log=paths.logs / log,
        say=say,
    )


def ssh_command(paths: Paths, identity: Identity, machine: Machine) -> list[str]:
    """A checked SSH connection to the machine, to which a command can be appended."""
    return [
        "ssh", "-i", str(paths.ssh_key), "-o", f"UserKnownHostsFile={paths.known_hosts}",
        "-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", f"root@{identity.address(machine)}",
    ]  # fmt: skip
