"""Long work with its progress shown: steps that depend on each other, run side by side where they can."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from rich.console import Console
from rich.live import Live
from rich.table import Table

from domicile_lab.shell import Say

Action = Callable[[Say], None]


@dataclass
class Step:
    """One piece of work. `after` names the steps that must be done before it."""

    name: str
    action: Action
    after: tuple[str, ...] = ()
    state: str = "waiting"  # waiting | running | done | failed
    message: str = ""
    started: float = 0.0
    elapsed: float = 0.0


QUIET_S = 15.0
MARKS = {
    "waiting": "[dim]·[/]",
    "running": "[cyan]▸[/]",
    "done": "[green]✓[/]",
    "failed": "[red]✗[/]",
}


class StepsFailed(RuntimeError):
    """One or more steps failed; `errors` maps a step's name to what it raised."""

    def __init__(self, errors: dict[str, BaseException]) -> None:
        self.errors = errors
        super().__init__("; ".join(f"{name}: {error}" for name, error in errors.items()))


def check_order(steps: list[Step]) -> None:
    """Every step's `after` must name a step before it in the list, which also rules out cycles."""
    seen: set[str] = set()
    for step in steps:
        if missing := set(step.after) - seen:
            raise ValueError(f"{step.name} comes after {', '.join(sorted(missing))}, which the list has not before it")
        seen.add(step.name)


def run_steps(steps: list[Step], console: Console, workers: int = 4) -> float:
    """Run the steps, as many at once as their order allows; return the seconds that it took.

    A failure lets running steps end, starts no more, and raises StepsFailed. On a terminal the table is redrawn
    in place; elsewhere a line is printed when a step starts, when it ends, and every `QUIET_S` seconds between.
    """
    check_order(steps)
    display = _Table(steps, console) if console.is_terminal else _Lines(steps, console)
    begun = time.monotonic()
    errors: dict[str, BaseException] = {}
    running: dict[Future[None], Step] = {}
    with ThreadPoolExecutor(max_workers=workers) as pool, display:
        while True:
            done = {s.name for s in steps if s.state == "done"}
            for step in steps:
                if not errors and step.state == "waiting" and set(step.after) <= done:
                    step.state, step.started = "running", time.monotonic()
                    display.update(step)
                    running[pool.submit(step.action, _speaker(step, display))] = step
            if not running:
                break
            finished, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
            display.tick()
            for future in finished:
                step = running.pop(future)
                step.elapsed = time.monotonic() - step.started
                error = future.exception()
                step.state = "failed" if error else "done"
                if error:
                    errors[step.name] = error
                display.update(step)
    if errors:
        raise StepsFailed(errors)
    return time.monotonic() - begun


def _speaker(step: Step, display: _Table | _Lines) -> Say:
    def say(text: str) -> None:
        step.message = text.replace("[", "(").replace("]", ")")[:100]
        display.spoke(step)

    return say


class _Table:
    """The steps as a table that is redrawn in place."""

    def __init__(self, steps: list[Step], console: Console) -> None:
        self._steps = steps
        self._live = Live(self._render(), console=console, refresh_per_second=4)

    def __enter__(self) -> _Table:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.tick()
        self._live.stop()

    def _render(self) -> Table:
        table = Table.grid(padding=(0, 1))
        for step in self._steps:
            now = time.monotonic()
            seconds = now - step.started if step.state == "running" else step.elapsed
            shown = f"{seconds:6.1f} s" if step.state in ("running", "done", "failed") else ""
            blocked = [s.name for s in self._steps if s.name in step.after and s.state != "done"]
            note = step.message if step.state == "running" else ""
            if step.state == "waiting" and blocked:
                note = f"waits for {', '.join(blocked)}"
            table.add_row(MARKS[step.state], step.name, shown, f"[dim]{note}[/]")
        return table

    def update(self, step: Step) -> None:
        self.tick()

    def spoke(self, step: Step) -> None:
        """Messages show at the next redraw."""

    def tick(self) -> None:
        self._live.update(self._render())


class _Lines:
    """The steps as lines, for logs."""

    def __init__(self, steps: list[Step], console: Console) -> None:
        self._steps = steps
        self._console = console
        self._last: dict[str, float] = {}

    def __enter__(self) -> _Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def update(self, step: Step) -> None:
        tail = f" in {step.elapsed:.1f} s" if step.state in ("done", "failed") else ""
        self._console.print(f"{MARKS[step.state]} {step.name}{tail}", highlight=False)

    def spoke(self, step: Step) -> None:
        """Messages show at the next tick."""

    def tick(self) -> None:
        """Say of every running step how long it has been and what it does, unless it was said lately."""
        now = time.monotonic()
        for step in self._steps:
            if step.state == "running" and now - self._last.get(step.name, step.started) >= QUIET_S:
                self._last[step.name] = now
                message = f": {step.message}" if step.message else ""
                self._console.print(f"  {step.name}, {now - step.started:.0f} s{message}", highlight=False)
