"""Machines end in an order that loses no bet, and an id that the kernel gave away is not taken for a machine."""

import os
import threading
from pathlib import Path

import pytest
from domicile_lab import machines
from domicile_lab.identity import EVERY_MACHINE, Machine, identify, machine
from domicile_lab.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(root=Path(__file__).resolve().parents[2], state=tmp_path / ".lab", cache=tmp_path / "cache")


def test_stores_are_stopped_after_everything_that_uses_them(paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped: list[str] = []
    together = threading.Barrier(len(EVERY_MACHINE) - 1, timeout=5)

    def stop(_: Paths, chosen: Machine, say: object) -> None:
        if chosen.name != "data1":
            together.wait()  # they end side by side
        stopped.append(chosen.name)

    monkeypatch.setattr(machines, "stop", stop)
    machines.stop_all(paths, lambda text: None)
    assert stopped[-1] == "data1"
    assert sorted(stopped) == sorted(m.name for m in EVERY_MACHINE)


def test_a_process_that_got_the_machines_old_id_is_not_the_machine(paths: Paths) -> None:
    chosen = machine("psp1")
    paths.machine(chosen.name).mkdir(parents=True)
    assert machines.pid_of(paths, chosen) is None
    (paths.machine(chosen.name) / "pid").write_text(str(os.getpid()))
    assert machines.pid_of(paths, chosen) is None


def test_a_machine_gets_no_more_of_its_host_than_it_needs(paths: Paths) -> None:
    lab = identify(paths.root)
    for chosen in EVERY_MACHINE:
        command = machines.nspawn_command(paths, lab, chosen)
        assert ("--capability=all" in command) is ("kubernetes" in chosen.groups)
        assert f"--network-bridge={lab.bridge}" in command
        binds = [w for w in command if w.startswith("--bind=") and str(paths.state) not in w]
        assert bool(binds) is ("kubernetes" in chosen.groups), binds


def test_an_ssh_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    private = tmp_path / "ssh" / "id_ed25519"
    line = machines.ensure_keypair(private, "lab-ab12")
    assert line.startswith("ssh-ed25519 ") and line.endswith(" lab-ab12")
    assert private.stat().st_mode & 0o777 == 0o600
    assert machines.ensure_keypair(private, "another") == line


def test_connections_check_the_host_key(paths: Paths) -> None:
    command = machines.ssh_command(paths, identify(paths.root), machine("data1"))
    assert "StrictHostKeyChecking=yes" in command
    assert f"UserKnownHostsFile={paths.known_hosts}" in command
