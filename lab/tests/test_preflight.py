"""Each refusal is a sentence that says what to do."""

import os
import socket
from collections import namedtuple
from pathlib import Path

import pytest
from domicile_lab import host, preflight
from domicile_lab.identity import Identity, identify
from domicile_lab.paths import Paths

ROOT = Path(__file__).resolve().parents[2]
Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> tuple[Paths, Identity]:
    """A host on which nothing stands in the way."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(preflight.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(preflight.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: Usage(2**40, 0, 2**40))
    monkeypatch.setattr(preflight, "_available_memory_gib", lambda: 20.0)
    monkeypatch.setattr(preflight, "run", lambda *a, **k: "")
    monkeypatch.setattr(host, "bridge_exists", lambda identity: False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    base = identify(ROOT)
    return Paths.of(ROOT), Identity(id=base.id, network=base.network, port=port)


def test_a_good_host_is_taken(lab: tuple[Paths, Identity]) -> None:
    assert preflight.problems(*lab) == []


def test_without_root_nothing_else_is_asked(lab: tuple[Paths, Identity], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert preflight.problems(*lab) == ["The lab boots machines and so needs root: run `sudo make up`."]


def test_all_that_lacks_is_told_at_once(lab: tuple[Paths, Identity], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight.platform, "machine", lambda: "aarch64")
    monkeypatch.setattr(preflight.shutil, "which", lambda name: None)
    monkeypatch.setattr(preflight.shutil, "disk_usage", lambda path: Usage(2**40, 2**40, 2**30))
    monkeypatch.setattr(preflight, "_available_memory_gib", lambda: 1.5)
    found = "\n".join(preflight.problems(*lab))
    for told in ("aarch64", "Debian 12 or Ubuntu 24.04", "1.5 GiB of memory", "1.0 GiB of disk"):
        assert told in found


def test_a_taken_port_is_refused(lab: tuple[Paths, Identity]) -> None:
    paths, identity = lab
    with socket.socket() as other:
        other.bind(("127.0.0.1", identity.port))
        other.listen()
        (problem,) = preflight.problems(paths, identity)
    assert str(identity.port) in problem
    assert "move the checkout" in problem


def test_a_taken_subnet_is_refused(lab: tuple[Paths, Identity], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preflight, "run", lambda *a, **k: "10.130.0.0/16 dev vpn0\n")
    (problem,) = preflight.problems(*lab)
    assert "10.130.0.0/16 dev vpn0" in problem
    assert "Move the checkout" in problem


def test_a_lab_that_is_up_is_not_in_its_own_way(lab: tuple[Paths, Identity], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "bridge_exists", lambda identity: True)
    monkeypatch.setattr(preflight, "_available_memory_gib", lambda: 0.5)
    monkeypatch.setattr(preflight, "run", lambda *a, **k: "10.130.0.0/16 dev dom-ab12\n")
    assert preflight.problems(*lab) == []
