"""How an update of stacks looks: a bar while it runs, then what changed and what went wrong."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from domicile_policies.plan import UNDECIDED
from rich.console import Console, Group, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from domicile_cli.cloud.engine import OnEvent
from domicile_cli.cloud.tally import Tally, name_of

VERBS = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "replace": "replaced",
    "create-replacement": "created anew",
    "delete-replaced": "deleted for its replacement",
    "import": "imported",
}


@contextmanager
def progress(console: Console, title: str, tally: Tally) -> Iterator[OnEvent]:
    """Show the tally as events come in; without a terminal, a line at the end is all that is shown."""
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[now]}", markup=False, style="dim"),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task(title, total=tally.total or None, now="")

        def see(event: Any) -> None:
            tally.see(event)
            running = [f"{op} {name_of(urn)}" for urn, op in list(tally.running.items())[-1:]]
            bar.update(task, completed=tally.count, total=tally.total or None, now=running[0][:60] if running else "")

        yield see


def outcome(title: str, tally: Tally, seconds: float, *, planned: bool, failed: bool = False) -> RenderableType:
    """What one operation did to one stack, or would do; what was done before it `failed` is done."""
    counted = [f"{number} {VERBS.get(op, op)}" for op, number in tally.changes.items()]
    words = ", ".join(counted) or ("nothing was changed" if failed else "no changes")
    head = Text.assemble(
        (f"{title}: ", "bold"),
        ("failed; " if failed else "", "red"),
        ("would be " if planned and counted else ""),
        f"{words} ",
        (f"({seconds:.1f} s)", "dim"),
    )
    return Group(head, *(_problem(name, text, bad) for name, text, bad in _problems(tally)), *_undecided(tally))


def later(stack: str, reason: str) -> RenderableType:
    """Of a stack that cannot be previewed yet, when it can."""
    return Text.assemble(
        (f"preview {stack}: ", "bold"),
        f"not yet: {reason}. ",
        "`domicile up` builds the stacks in order and shows each before it changes anything.",
    )


def later_json(stack: str, reason: str) -> dict[str, Any]:
    """The same for programs."""
    return {"stack": stack, "operation": "preview", "waits": reason}


def _undecided(tally: Tally) -> Iterator[Text]:
    """One line for what the rules will judge when it is known: a new stack has dozens of it."""
    rules = Counter(one.policy.removesuffix(UNDECIDED) for one in tally.problems if one.policy.endswith(UNDECIDED))
    if rules:
        told = ", ".join(f"{rule} {number}" for rule, number in sorted(rules.items()))
        yield Text(f"  {rules.total()} properties are known and judged during the update ({told})", "dim")


def _problems(tally: Tally) -> Iterator[tuple[str, str, bool]]:
    for problem in tally.problems:
        if problem.policy.endswith(UNDECIDED):
            continue
        policy = f"[{problem.policy}] " if problem.policy else ""
        yield problem.name, f"{policy}{problem.message}", problem.error


def _problem(name: str, text: str, bad: bool) -> Text:
    return Text.assemble(
        ("  error " if bad else "  warning ", "red" if bad else "yellow"), (f"{name}: " if name else ""), text
    )


def outcome_json(stack: str, operation: str, tally: Tally, seconds: float) -> dict[str, Any]:
    """The same for programs."""
    return {
        "stack": stack,
        "operation": operation,
        "seconds": round(seconds, 2),
        "changes": tally.changes,
        "unchanged": tally.done.total() - sum(number for op, number in tally.done.items() if op in tally.changes),
        "failed": tally.failed,
        "problems": [
            {"resource": one.name, "message": one.message, "error": one.error, "policy": one.policy}
            for one in tally.problems
        ],
    }
