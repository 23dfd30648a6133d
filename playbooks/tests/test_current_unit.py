"""When a unit is started, restarted and left alone."""

from __future__ import annotations

import importlib.util
import os
import time
from pathlib import Path
from typing import Any

import pytest

FILE = Path(__file__).resolve().parents[1] / "library" / "current_unit.py"
spec = importlib.util.spec_from_file_location("current_unit", FILE)
assert spec is not None and spec.loader is not None
current_unit: Any = importlib.util.module_from_spec(spec)
spec.loader.exec_module(current_unit)


def shown(epoch: float) -> str:
    """A time as systemctl shows it with --timestamp=us+utc."""
    whole = time.strftime("%a %Y-%m-%d %H:%M:%S", time.gmtime(epoch))
    return f"{whole}.{int(epoch % 1 * 1e6):06d} UTC"


def state(started: float, **changes: str) -> dict[str, str]:
    """The properties of a running unit."""
    return {
        "ActiveState": "active", "ExecMainStartTimestamp": shown(started), "FragmentPath": "", "DropInPaths": "",
        "UnitFileState": "enabled", "NeedDaemonReload": "no", "ExecStart": "",
    } | changes  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "settings"
    path.write_text("x")
    return path


def test_times_are_read_to_the_microsecond() -> None:
    assert current_unit.started_at(shown(1795508688.25)) == 1795508688.25
    assert current_unit.started_at("n/a") == current_unit.started_at("") == 0


@pytest.mark.parametrize("active", ["inactive", "failed", "deactivating"])
def test_what_does_not_run_is_started(active: str) -> None:
    assert current_unit.what_to_do(state(time.time(), ActiveState=active), []) == "start"


def test_what_started_after_its_files_is_left_alone(file: Path) -> None:
    assert current_unit.what_to_do(state(time.time() + 1), [str(file)]) is None


@pytest.mark.parametrize("where", ["files", "FragmentPath", "DropInPaths", "ExecStart"])
def test_what_started_before_one_of_its_files_changed_is_restarted(file: Path, where: str) -> None:
    started = time.time() - 60
    if where == "files":
        assert current_unit.what_to_do(state(started), [str(file)]) == "restart"
    else:
        value = {"ExecStart": f"{{ path={file} ; argv[]={file} --x }}", "DropInPaths": f"/none {file}"}
        assert current_unit.what_to_do(state(started, **{where: value.get(where, str(file))}), []) == "restart"


def test_a_file_put_in_place_with_an_old_time_counts_as_changed_now(file: Path) -> None:
    started = time.time() - 60
    os.utime(file, (1, 1))
    assert current_unit.what_to_do(state(started), [str(file)]) == "restart"


def test_a_file_that_is_gone_is_no_reason() -> None:
    assert current_unit.what_to_do(state(time.time()), ["/no/such/file"]) is None
