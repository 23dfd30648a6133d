"""`domicile controls`: what regulators require, what meets it, and whether a test shows that."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from domicile_audit.controls import Met, Verdict, record, recorded, verify
from domicile_catalog import Catalogue, Standing, requirements
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from domicile_cli.options import (
    OK,
    REFUSED,
    USAGE,
    JsonOption,
    OnOption,
    console,
    day_of,
    echo_json,
    epilog,
    fail,
    known,
    read_catalogue,
)
from domicile_cli.render import controls as view

RECORD = "docs/controls/verdicts.json"

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    "controls",
    epilog=epilog(
        "controls",
        "controls GB --unmet",
        "controls --verify",
        "controls DE --json | jq '.requirements\\[] | select(.status == \"unmet\")'",
        exit_codes="Exit codes: 0 told, 1 a control with code is unmet (with --verify), 2 used wrongly.",
    ),
)
def controls_command(
    jurisdiction: Annotated[
        str | None, typer.Argument(help="Whose requirements; without it, every control.", show_default=False)
    ] = None,
    *,
    unmet: Annotated[bool, typer.Option("--unmet", help="Only what is in force and unmet.")] = False,
    verify_now: Annotated[
        bool, typer.Option("--verify", help="Run each control's tests with its code and without; about a minute.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help=f"Keep the verdicts of --verify in {RECORD}.")] = False,
    root: Annotated[
        Path, typer.Option(help="The checkout.", exists=True, file_okay=False, show_default="this folder")
    ] = Path(),
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """What a regulator requires on a day, by which clause, and whether the casino meets it.

    A control is met by code that exists and that its test misses: one whose test passes with the code taken away
    is unmet, and so is one that nobody has verified since its code changed.
    """
    if write and not verify_now:
        fail("--write keeps what --verify finds: give both.", USAGE)
    catalogue = read_catalogue()
    verdicts = _verify(catalogue, root) if verify_now else _recorded(catalogue, root)
    if write:
        (root / RECORD).parent.mkdir(parents=True, exist_ok=True)
        (root / RECORD).write_text(record(verdicts))
    if jurisdiction is None:
        _every(catalogue, verdicts, unmet=unmet, as_json=as_json)
    else:
        code = known(catalogue, jurisdiction)
        told = requirements(catalogue, code, day_of(on, catalogue, code))
        chosen = [one for one in told if not unmet or _lacks(one.standing, verdicts[one.control])]
        if as_json:
            echo_json(view.requirements_json(code, chosen, verdicts))
        else:
            console().print(view.requirements(catalogue, code, chosen, verdicts))
    broken = [
        name for name, verdict in verdicts.items() if catalogue.controls[name].code and verdict.status is Met.UNMET
    ]
    raise typer.Exit(REFUSED if verify_now and broken else OK)


def _lacks(standing: Standing, verdict: Verdict) -> bool:
    return standing is Standing.IN_FORCE and verdict.status is Met.UNMET


def _every(catalogue: Catalogue, verdicts: Mapping[str, Verdict], *, unmet: bool, as_json: bool) -> None:
    chosen = {name: one for name, one in verdicts.items() if not unmet or one.status is Met.UNMET}
    if as_json:
        echo_json(view.controls_json(catalogue, chosen))
    else:
        console().print(view.controls(catalogue, chosen, day_of(None)))


def _recorded(catalogue: Catalogue, root: Path) -> dict[str, Verdict]:
    file = root / RECORD
    if not file.exists():
        fail(f"{file} does not exist: run this in a checkout, or `domicile controls --verify --write`.", USAGE)
    try:
        return recorded(file.read_text(), catalogue.controls, root)
    except (ValueError, KeyError, AttributeError) as error:
        fail(f"{file} is no record of verdicts ({error}): `domicile controls --verify --write` writes it anew.", USAGE)


def _verify(catalogue: Catalogue, root: Path) -> dict[str, Verdict]:
    if not any((root / test.partition("::")[0]).exists() for one in catalogue.controls.values() for test in one.tests):
        fail(f"{root.resolve()} has no tests: run this in a checkout.", USAGE)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console(), transient=True) as bar:
        task = bar.add_task("")
        return verify(catalogue.controls, root, lambda told: bar.update(task, description=told))
