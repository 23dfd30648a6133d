"""What the commands that build share: what they work on, what is refused first, and one operation on one stack."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from domicile_catalog.environment import Environment, Surroundings, TrustAnchor
from domicile_infra.plan.organization_outputs import OUTPUT
from domicile_infra.stacks import StackRef, stacks_of
from domicile_policies.plan import PackFacts, Plan, check_plan, facts_of_stack
from domicile_policies.plan.rules.state import APPROVED
from pulumi.automation import EngineEvent

from domicile_cli.cloud.engine import Engine, EngineError, OnEvent, Operation, project_root, variables_of
from domicile_cli.cloud.preflight import credentials_fault, read_to_build, tools_missing
from domicile_cli.cloud.tally import Tally, plain
from domicile_cli.options import REFUSED, USAGE, console, echo_json, fail, read_catalogue
from domicile_cli.render.cloud import outcome, outcome_json, progress


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


def prepare(
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
    around, found = chosen_stacks(folder, chosen, anchor, lawful=builds)
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
    assert around.environment is not None  # chosen_stacks() refuses a folder without one
    return Work(Engine(project, variables_of(folder, anchor), pack, parallel), found, as_json, around.environment)


def chosen_stacks(
    folder: Path, chosen: list[str] | None, anchor: TrustAnchor, *, lawful: bool
) -> tuple[Surroundings, tuple[StackRef, ...]]:
    """The environment and those of its stacks that were asked for, in order; a fault ends the command."""
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


def exported(work: Work) -> Any:
    """What the organisation's stack tells its cells, or None; asked only where a cell is among the stacks."""
    if not any(ref.cell for ref in work.stacks):
        return None
    try:
        return work.engine.output(stacks_of(work.environment)[0], OUTPUT)
    except EngineError as error:
        fail(f"{error}\n{plain(error.detail)}", REFUSED)


def standing(work: Work, ref: StackRef) -> Iterable[Mapping[str, Any]]:
    """What the stack's state has."""
    try:
        return work.engine.standing(ref)
    except EngineError as error:
        fail(f"{error}\n{error.detail}", REFUSED)


def need_approval(ref: StackRef, plan: Plan, facts: PackFacts, done: str) -> None:
    """End the command where something that holds data would go and nobody has approved it."""
    found = check_plan(plan, facts, rules=(APPROVED,))
    if found:
        lines = "\n".join(f"  {one.text}" for one in found)
        fail(f"Nothing of {ref.name} was {done}:\n{lines}\n{APPROVED.remedy} (rule {APPROVED.id})", REFUSED)


def run(
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
        tell(work, told)
        detail = "" if any(one.error for one in tally.problems) else f"\n{plain(error.detail)}"
        fail(f"{error}{detail}", REFUSED)
    return tally


def _both(first: OnEvent, second: OnEvent | None) -> OnEvent:
    def see(event: EngineEvent) -> None:
        first(event)
        if second is not None:
            second(event)

    return see


def tell(work: Work, told: list[dict[str, Any]]) -> None:
    """Say to programs what became of each stack; people have been told already."""
    if work.as_json:
        echo_json(told)
