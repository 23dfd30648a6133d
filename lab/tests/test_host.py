"""What the lab changes on its host is recorded before, and put back."""

from pathlib import Path

import pytest
from domicile_lab import host
from domicile_lab.paths import Paths


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A host whose /proc/sys is a folder."""
    sysctls = tmp_path / "sys"
    sysctls.mkdir()
    monkeypatch.setattr(host, "_sysctl_path", lambda name: sysctls / name)
    monkeypatch.setattr(host, "RECORD", tmp_path / "run" / "host.json")
    for name in host.SYSCTLS:
        (sysctls / name).write_text("128\n")
    state = tmp_path / ".lab"
    state.mkdir()
    return Paths(root=tmp_path, state=state, cache=tmp_path / "cache")


def values(paths: Paths) -> dict[str, int]:
    return {name: int((paths.root / "sys" / name).read_text()) for name in host.SYSCTLS}


def test_sysctls_are_raised_and_put_back(paths: Paths) -> None:
    host.raise_sysctls(paths)
    assert values(paths) == host.SYSCTLS
    host.restore_sysctls(paths)
    assert set(values(paths).values()) == {128}


def test_a_second_run_does_not_forget_the_first_value(paths: Paths) -> None:
    host.raise_sysctls(paths)
    (paths.root / "sys" / "fs.inotify.max_user_instances").write_text("256")  # someone lowers it meanwhile
    host.raise_sysctls(paths)
    host.restore_sysctls(paths)
    assert set(values(paths).values()) == {128}


def test_what_is_high_enough_is_left_alone(paths: Paths) -> None:
    (paths.root / "sys" / "fs.inotify.max_user_instances").write_text("9999")
    host.raise_sysctls(paths)
    host.restore_sysctls(paths)
    assert values(paths)["fs.inotify.max_user_instances"] == 9999


def test_restoring_twice_changes_nothing(paths: Paths) -> None:
    host.raise_sysctls(paths)
    host.restore_sysctls(paths)
    (paths.root / "sys" / "fs.inotify.max_user_watches").write_text("777")
    host.restore_sysctls(paths)
    assert values(paths)["fs.inotify.max_user_watches"] == 777


def test_the_last_of_two_labs_puts_the_values_back(paths: Paths) -> None:
    other = Paths(root=paths.root / "other", state=paths.state, cache=paths.cache)
    host.raise_sysctls(paths)
    host.raise_sysctls(other)
    host.restore_sysctls(paths)
    assert values(paths) == host.SYSCTLS
    host.restore_sysctls(other)
    assert set(values(paths).values()) == {128}
    assert not host.RECORD.exists()


def test_packages_that_are_removed_but_configured_count_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = [f"{name} installed" for name in host.PACKAGES if name != "buildah"]
    monkeypatch.setattr(host, "run", lambda *a, **k: "\n".join([*installed, "buildah config-files"]))
    assert host.missing_packages() == ["buildah"]


def test_every_package_has_its_reason() -> None:
    assert all(reason.strip() for reason in host.PACKAGES.values())
