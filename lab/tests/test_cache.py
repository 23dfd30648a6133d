"""A cache folder that exists is whole."""

import os
from pathlib import Path

import pytest
from domicile_lab.cache import filled


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_what_was_made_becomes_the_target(tmp_path: Path) -> None:
    with filled(tmp_path / "deep" / "tool") as folder:
        folder.mkdir()
        (folder / "program").write_text("x")
        assert not (tmp_path / "deep" / "tool").exists(), "nobody sees a half-made folder"
    assert names(tmp_path / "deep") == ["tool"]
    assert names(tmp_path / "deep" / "tool") == ["program"]


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), filled(tmp_path / "tool") as folder:
        folder.mkdir()
        (folder / "half").write_text("x")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_leavings_of_a_killed_run_are_replaced(tmp_path: Path) -> None:
    leavings = tmp_path / f".tool.{os.getpid()}"
    leavings.mkdir()
    (leavings / "half").write_text("x")
    with filled(tmp_path / "tool") as folder:
        folder.mkdir()
    assert names(tmp_path / "tool") == []


def test_another_checkout_that_was_first_wins(tmp_path: Path) -> None:
    with filled(tmp_path / "tool") as folder:
        folder.mkdir()
        (folder / "second").write_text("x")
        (tmp_path / "tool").mkdir()
        (tmp_path / "tool" / "first").write_text("x")
    assert names(tmp_path) == ["tool"]
    assert names(tmp_path / "tool") == ["first"]


def test_a_target_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), filled(tmp_path / "tool"):
        pass  # nothing was made
