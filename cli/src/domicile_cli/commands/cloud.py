"""Building an environment's cloud: its organisation, then its cells."""

import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from domicile_catalog.environment import Environment, Surroundings, TrustAnchor
from domicile_infra.plan.organization_outputs import OUTPUT
from domicile_infra.stacks import StackRef, stacks_of
from domicile_policies.plan import PackFacts, Plan, check_plan, facts_of_stack, plan_of_steps
from domicile_policies.plan.rules.state import APPROVED
from pulumi.automation import EngineEvent

from domicile_cli.cloud.engine import Engine, EngineError, OnEvent, Operation, project_root, variables_of
from domicile_cli.cloud.order import waits_because
from domicile_cli.cloud.preflight import credentials_fault, read_to_build, tools_missing
from domicile_cli.cloud.steps import Steps, deletions
from domicile_cli.cloud.tally import Tally, plain
from domicile_cli.options import (
    REFUSED,
    USAGE,
    FolderArgument,
    JsonOption,
    RootOption,
    SerialOption,
    anchor_of,
    console,
    echo_json,
    epilog,
    fail,
    read_catalogue,
)
from domicile_cli.render.cloud import later, later_json, outcome, outcome_json, progress

app = typer.Typer(rich_markup_mode="rich")

CODES = "Exit codes: 0 done, 1 refused or failed, 2 used wrongly."
StackOption = Annotated[
    list[str] | None, typer.Option("--stack", "-s", help="Only this stack; repeatable. By default all, in order.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before changing anything.")]
PoliciesOption = Annotated[
    bool, typer.Option("--policies/--no-policies", help="Hold the plan against the policy pack as well.")
]
ParallelOption = Annotated[
    int | None, typer.Option("--parallel", "-p", min=1, help="How many resources at once; the engine's own by default.")
]


@dataclass(frozen=True, slots=True)
class Work:
    """What a command works on: the engine, and the chosen stacks in the order in which they are built."""

    engine: Engine
    stacks: tuple[StackRef, ...]
    as_json: bool
    environment: Environment

    def facts(self, ref: StackRef) -> PackFacts:
        """What is lawful for a stack today."""
        return facts_of_stack(self.environment, ref.name, read_catalogue(), datetime.now(UTC).date())


@app.command(epilog=epilog("up environments/live", "up environments/live --stack gb-prod --yes", exit_codes=CODES))
def up(
    folder: FolderArgument,
    *,
    stack: StackOption = None,
    yes: YesOption = False,
    skip_preview: Annotated[
        bool, typer.Option("--skip-preview", help="Change without showing first; for a disposable environment alone.")
    ] = False,
    policies: PoliciesOption = True,
    parallel: ParallelOption = None,
    root: RootOption = None,
    serial: SerialOption = None,
    as_json: JsonOption = False,
) -> None:
    """Build what the environment says: the organisation, then each cell. Shows what would change, and asks.

    What holds data is replaced or deleted with an approval in environment.yaml alone. A stack that fails ends the
    command; running it again goes on from there.
    """
    work = _prepare(folder, stack, anchor_of(root, serial), policies=policies, parallel=parallel, as_json=as_json)
    if skip_preview and not work.environment.disposable:
        fail(
            f"{work.environment.name} is not disposable: the preview shows whether what holds data would go, which "
            "needs an approval. Leave --skip-preview out.",
            USAGE,
        )
    told: list[dict[str, Any]] = []
    for ref in work.stacks:
        steps = Steps()
        planned = None if skip_preview else _run(work, ref, Operation.PREVIEW, told, also=steps.see)
        _need_approval(ref, plan_of_steps(steps.told, ref.name), work.facts(ref), "changed")
        changing = planned is None or bool(planned.changes)
        if changing and not yes and not _agreed(f"Change the stack {ref.name}?", as_json):
            fail(f"Nothing of {ref.name} was changed; --yes changes it without asking.", REFUSED)
        # Also where no resource changes: what the stack tells the others may.
        _run(work, ref, Operation.UP, told, expected=planned.count if planned else 0)
    _tell(work, told)


@app.command(epilog=epilog("preview environments/live", exit_codes=CODES))
def preview(
    folder: FolderArgument,
    *,
    stack: StackOption = None,
    policies: PoliciesOption = True,
    parallel: ParallelOption = None,
    root: RootOption = None,
    serial: SerialOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what `up` would change, without changing anything.

    Of a new environment only the organisation can be shown: its cells are planned from what it makes.
    """
    work = _prepare(folder, stack, anchor_of(root, serial), policies=policies, parallel=parallel, as_json=as_json)
    told: list[dict[str, Any]] = []
    exported = _exported(work)
    for ref in work.stacks:
        reason = waits_because(work.environment, ref, exported)
        if reason is None:
            _run(work, ref, Operation.PREVIEW, told)
            continue
        told.append(later_json(ref.name, reason))
        if not work.as_json:
            console().print(later(ref.name, reason))
    _tell(work, told)


@app.command(epilog=epilog("refresh environments/live --stack gb-prod", exit_codes=CODES))
def refresh(
    folder: FolderArgument,
    *,
    stack: StackOption = None,
    parallel: ParallelOption = None,
    root: RootOption = None,
    serial: SerialOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read every resource back from the cloud, so that the next `up` repairs what drifted."""
    _each(
        _prepare(folder, stack, anchor_of(root, serial), builds=False, parallel=parallel, as_json=as_json),
        Operation.REFRESH,
    )


@app.command(epilog=epilog("destroy environments/lab --stack gb-lab", exit_codes=CODES))
def destroy(
    folder: FolderArgument,
    *,
    stack: StackOption = None,
    yes: YesOption = False,
    parallel: ParallelOption = None,
    root: RootOption = None,
    serial: SerialOption = None,
    as_json: JsonOption = False,
) -> None:
    """Delete what the stacks built, the cells before the organisation.

    What holds data needs an approval in environment.yaml, and is protected as well: `pulumi state unprotect` lifts
    that, one resource at a time.
    """
    work = _prepare(folder, stack, anchor_of(root, serial), builds=False, parallel=parallel, as_json=as_json)
    if not work.environment.disposable:
        for ref in work.stacks:
            _need_approval(ref, plan_of_steps(deletions(_standing(work, ref)), ref.name), work.facts(ref), "deleted")
    names = ", ".join(ref.name for ref in work.stacks)
    if not yes and not _agreed(f"Delete everything of {names}?", as_json):
        fail("Nothing was deleted; --yes deletes without asking.", REFUSED)
    _each(replace(work, stacks=work.stacks[::-1]), Operation.DESTROY)


@app.command(epilog=epilog("stacks environments/live", exit_codes=CODES))
def stacks(
    folder: FolderArgument,
    root: RootOption = None,
    serial: SerialOption = None,
    as_json: JsonOption = False,
) -> None:
    """List an environment's stacks, in the order in which they are built."""
    _, found = _stacks(folder, None, anchor_of(root, serial), lawful=False)
    if as_json:
        echo_json([{"name": ref.name, "environment": ref.environment, "cell": ref.cell} for ref in found])
        return
    for ref in found:
        console().print(f"{ref.name}  {'cell' if ref.cell else 'organisation'} of {ref.environment}")


def _prepare(
    folder: Path,
    chosen: list[str] | None,
    anchor: TrustAnchor,
    *,
    builds: bool = True,
    policies: bool = False,
    parallel: int | None,
    as_json: bool,
) -> Work:
    """Everything that can be refused is refused here, before the engine starts.

    What `builds` must be lawful; what is there already can be read and taken down whatever the law says now.
    """
    around, found = _stacks(folder, chosen, anchor, lawful=builds)
    missing = tools_missing()
    if missing:
        fail(missing, REFUSED)
    fault = credentials_fault(around, folder)
    if fault:
        fail(str(fault), REFUSED)
    try:
        project = project_root(folder)
    except EngineError as error:
        fail(str(error), USAGE)
    pack = project / "policies" / "pack" if policies else None
    assert around.environment is not None  # _stacks() refuses a folder without one
    return Work(Engine(project, variables_of(folder, anchor), pack, parallel), found, as_json, around.environment)


def _stacks(
    folder: Path, chosen: list[str] | None, anchor: TrustAnchor, *, lawful: bool
) -> tuple[Surroundings, tuple[StackRef, ...]]:
    today = datetime.now(UTC).date()
    around, faults = read_to_build(folder, read_catalogue(), anchor, today, lawful=lawful)
    if faults or around.environment is None:
        fail("\n".join(str(fault) for fault in faults), REFUSED)
    found = stacks_of(around.environment)
    unknown = set(chosen or ()) - {ref.name for ref in found}
    if unknown:
        known = ", ".join(ref.name for ref in found)
        fail(f"{around.name} has no stack {', '.join(sorted(unknown))}; it has {known}.", USAGE)
    return around, tuple(ref for ref in found if not chosen or ref.name in chosen)


def _agreed(question: str, as_json: bool) -> bool:
    """Whether somebody says yes; where nobody is there to be asked, nobody does."""
    return not as_json and sys.stdin.isatty() and typer.confirm(question)


def _exported(work: Work) -> Any:
    """What the organisation's stack tells its cells, or None; asked only where a cell is among the stacks."""
    if not any(ref.cell for ref in work.stacks):
        return None
    try:
        return work.engine.output(stacks_of(work.environment)[0], OUTPUT)
    except EngineError as error:
        fail(f"{error}\n{plain(error.detail)}", REFUSED)


def _each(work: Work, operation: Operation) -> None:
    told: list[dict[str, Any]] = []
    for ref in work.stacks:
        _run(work, ref, operation, told)
    _tell(work, told)


def _standing(work: Work, ref: StackRef) -> Iterable[Mapping[str, Any]]:
    try:
        return work.engine.standing(ref)
    except EngineError as error:
        fail(f"{error}\n{error.detail}", REFUSED)


def _need_approval(ref: StackRef, plan: Plan, facts: PackFacts, done: str) -> None:
    """End the command where something that holds data would go and nobody has approved it."""
    found = check_plan(plan, facts, rules=(APPROVED,))
    if found:
        lines = "\n".join(f"  {one.text}" for one in found)
        fail(f"Nothing of {ref.name} was {done}:\n{lines}\n{APPROVED.remedy} (rule {APPROVED.id})", REFUSED)


def _run(
    work: Work,
    ref: StackRef,
    operation: Operation,
    told: list[dict[str, Any]],
    *,
    expected: int = 0,
    also: OnEvent | None = None,
) -> Tally:
    """One operation on one stack, with its progress; a failure is shown and ends the command.

    `also` is told of every event, as what is shown is.
    """
    tally, begun, screen = Tally(expected), time.monotonic(), console()
    error: EngineError | None = None
    title = f"{operation} {ref.name}"
    screen.quiet = work.as_json
    with progress(screen, title, tally) as see:
        try:
            work.engine.run(ref, operation, _both(see, also))
        except EngineError as failed:
            error = failed
    seconds = time.monotonic() - begun
    ended = {"error": str(error), "detail": plain(error.detail)} if error else {}
    told.append(outcome_json(ref.name, operation.value, tally, seconds) | ended)
    screen.print(outcome(title, tally, seconds, planned=operation is Operation.PREVIEW, failed=error is not None))
    if error:
        _tell(work, told)
        detail = "" if any(one.error for one in tally.problems) else f"\n{plain(error.detail)}"
        fail(f"{error}{detail}", REFUSED)
    return tally


def _both(first: OnEvent, second: OnEvent | None) -> OnEvent:
    def see(event: EngineEvent) -> None:
        first(event)
        if second is not None:
            second(event)

    return see


def _tell(work: Work, told: list[dict[str, Any]]) -> None:
    if work.as_json:
        echo_json(told)
