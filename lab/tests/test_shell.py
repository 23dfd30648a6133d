"""A program that fails says what was run and what it said last."""

from pathlib import Path

import pytest
from domicile_lab.shell import CommandError, run, succeeds


def test_output_of_both_streams_is_returned_logged_and_said(tmp_path: Path) -> None:
    said: list[str] = []
    log = tmp_path / "log"
    text = run(["sh", "-c", "echo out; echo err >&2"], log=log, say=said.append)
    assert sorted(text.split()) == ["err", "out"]
    assert sorted(said) == ["err", "out"]
    assert log.read_text() == text


def test_a_failure_names_the_command_the_code_and_the_last_lines() -> None:
    with pytest.raises(CommandError) as failure:
        run(["sh", "-c", "echo no space left; exit 3"])
    assert "no space left" in str(failure.value)
    assert "sh -c" in str(failure.value)
    assert "3" in str(failure.value)


def test_a_failure_can_be_allowed() -> None:
    assert run(["sh", "-c", "echo seen; exit 1"], check=False) == "seen\n"
    assert not succeeds(["false"])
    assert succeeds(["true"])


def test_input_reaches_the_program() -> None:
    assert run(["cat"], stdin="rules") == "rules"
