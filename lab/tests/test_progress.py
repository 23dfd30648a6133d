"""Steps run in their order, side by side where they can, and a failure is told whole."""

import io
import threading

import pytest
from domicile_lab import progress
from domicile_lab.progress import Step, StepsFailed, check_order, run_steps
from domicile_lab.shell import Say
from rich.console import Console


def console(terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100)


def test_a_step_runs_after_those_it_names() -> None:
    done: list[str] = []
    steps = [
        Step("a", lambda say: done.append("a")),
        Step("b", lambda say: done.append("b"), after=("a",)),
        Step("c", lambda say: done.append("c"), after=("a", "b")),
    ]
    run_steps(steps, console())
    assert done == ["a", "b", "c"]
    assert {s.state for s in steps} == {"done"}


def test_steps_without_an_order_run_at_once() -> None:
    both = threading.Barrier(2, timeout=5)
    run_steps([Step("a", lambda say: both.wait() and None), Step("b", lambda say: both.wait() and None)], console())


def test_a_failure_starts_no_more_and_lets_running_steps_end() -> None:
    started, ended = threading.Event(), threading.Event()

    def slow(say: object) -> None:
        started.set()
        ended.wait(0.3)
        ended.set()

    def fails(say: object) -> None:
        started.wait(5)
        raise RuntimeError("no disk")

    steps = [Step("slow", slow), Step("fails", fails), Step("later", lambda say: None, after=("fails",))]
    with pytest.raises(StepsFailed, match="fails: no disk") as failure:
        run_steps(steps, console())
    assert list(failure.value.errors) == ["fails"]
    assert [s.state for s in steps] == ["done", "failed", "waiting"]
    assert ended.is_set()


@pytest.mark.parametrize("after", [("nobody",), ("self",)])
def test_an_order_that_cannot_be_kept_is_refused(after: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="comes after"):
        check_order([Step("self", lambda say: None, after=after)])


@pytest.mark.parametrize("terminal", [True, False])
def test_both_displays_show_the_steps_and_take_square_brackets(terminal: bool) -> None:
    shown = console(terminal)
    run_steps([Step("compile", lambda say: say("[bold] not markup"))], shown)
    assert isinstance(shown.file, io.StringIO)
    assert "compile" in shown.file.getvalue()
    assert "✓" in shown.file.getvalue()


def test_a_log_hears_of_a_step_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "QUIET_S", 0.1)
    shown = console()

    def slow(say: Say) -> None:
        say("linking")
        threading.Event().wait(0.5)

    run_steps([Step("compile", slow)], shown)
    assert isinstance(shown.file, io.StringIO)
    assert "compile, 0 s: linking" in shown.file.getvalue()
