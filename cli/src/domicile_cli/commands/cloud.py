"""Building an environment's cloud: its organisation, then its cells."""

import sys
from dataclasses import replace
from typing import Annotated, Any

import typer
from domicile_policies.plan import plan_of_steps

from domicile_cli.cloud.engine import Operation
from domicile_cli.cloud.order import waits_because
from domicile_cli.cloud.steps import Steps, deletions
from domicile_cli.cloud.tenants import need_no_tenants
from domicile_cli.cloud.work import Work, chosen_stacks, exported, need_approval, prepare, run, standing, tell
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
)
from domicile_cli.render.cloud import later, later_json

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
    work = prepare(folder, stack, anchor_of(root, serial), policies=policies, parallel=parallel, as_json=as_json)
    if skip_preview and not work.environment.disposable:
        fail(
            f"{work.environment.name} is not disposable: the preview shows whether what holds data would go, which "
            "needs an approval. Leave --skip-preview out.",
            USAGE,
        )
    told: list[dict[str, Any]] = []
    for ref in work.stacks:
        steps = Steps()
        planned = None if skip_preview else run(work, ref, Operation.PREVIEW, told, also=steps.see)
        need_approval(ref, plan_of_steps(steps.told, ref.name), work.facts(ref), "changed")
        changing = planned is None or bool(planned.changes)
        if changing and not yes and not _agreed(f"Change the stack {ref.name}?", as_json):
            fail(f"Nothing of {ref.name} was changed; --yes changes it without asking.", REFUSED)
        # Also where no resource changes: what the stack tells the others may.
        run(work, ref, Operation.UP, told, expected=planned.count if planned else 0)
    tell(work, told)


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
    work = prepare(folder, stack, anchor_of(root, serial), policies=policies, parallel=parallel, as_json=as_json)
    told: list[dict[str, Any]] = []
    organization = exported(work)
    for ref in work.stacks:
        reason = waits_because(work.environment, ref, organization)
        if reason is None:
            run(work, ref, Operation.PREVIEW, told)
            continue
        told.append(later_json(ref.name, reason))
        if not work.as_json:
            console().print(later(ref.name, reason))
    tell(work, told)


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
        prepare(folder, stack, anchor_of(root, serial), builds=False, parallel=parallel, as_json=as_json),
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
    """Delete what the stacks built, the cells before the organisation. A cell in which casinos live is refused.

    What holds data needs an approval in environment.yaml, and is protected as well: `pulumi state unprotect` lifts
    that, one resource at a time.
    """
    work = prepare(folder, stack, anchor_of(root, serial), builds=False, parallel=parallel, as_json=as_json)
    if not work.environment.disposable:
        for ref in work.stacks:
            need_approval(ref, plan_of_steps(deletions(standing(work, ref)), ref.name), work.facts(ref), "deleted")
    for ref in work.stacks:
        need_no_tenants(ref, standing(work, ref))
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
    _, found = chosen_stacks(folder, None, anchor_of(root, serial), lawful=False)
    if as_json:
        echo_json([{"name": ref.name, "environment": ref.environment, "cell": ref.cell} for ref in found])
        return
    for ref in found:
        console().print(f"{ref.name}  {'cell' if ref.cell else 'organisation'} of {ref.environment}")


def _agreed(question: str, as_json: bool) -> bool:
    """Whether somebody says yes; where nobody is there to be asked, nobody does."""
    return not as_json and sys.stdin.isatty() and typer.confirm(question)


def _each(work: Work, operation: Operation) -> None:
    told: list[dict[str, Any]] = []
    for ref in work.stacks:
        run(work, ref, operation, told)
    tell(work, told)
