"""Law that changes."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from domicile_catalog import law_changes

from domicile_cli.options import (
    OK,
    REFUSED,
    USAGE,
    DayArgument,
    JsonOption,
    JurisdictionArgument,
    RootOption,
    SerialOption,
    anchor_of,
    console,
    day_of,
    echo_json,
    epilog,
    fail,
    known,
    read_catalogue,
)
from domicile_cli.render import law as view
from domicile_cli.validation import environments_below, impacts

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    "diff",
    epilog=epilog("diff GB 2025-01-01 2026-12-01", "diff DE 2020-01-01 2026-12-01 --json", exit_codes=""),
)
def diff_command(
    jurisdiction: JurisdictionArgument, after: DayArgument, until: DayArgument, as_json: JsonOption = False
) -> None:
    """What changed in a jurisdiction's law after one day and until another, each change on its day."""
    catalogue = read_catalogue()
    code = known(catalogue, jurisdiction)
    if until < after:
        fail(f"{until.date()} is before {after.date()}: name the earlier day first.", USAGE)
    found = law_changes(catalogue, code, after.date(), until.date())
    if as_json:
        echo_json([change.model_dump(mode="json") for change in found])
    else:
        console().print(view.law_changes(found, code, after.date(), until.date()))


@app.command(
    "impact",
    epilog=epilog(
        "impact --on 2026-12-01",
        "impact environments/lab --on 2027-01-01 --json",
        exit_codes="Exit codes: 0 every tenant may go on, 1 one of them may not, 2 used wrongly.",
    ),
)
def impact_command(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Environments' folders; all below environments/ by default.", exists=True, file_okay=False),
    ] = None,
    *,
    on: Annotated[datetime, typer.Option("--on", formats=["%Y-%m-%d"], help="The day of the new law.")],
    root: RootOption = None,
    serial: SerialOption = None,
    as_json: JsonOption = False,
) -> None:
    """What the law of a day means for every tenant: places to leave, rules that change, and until when."""
    catalogue, today = read_catalogue(), day_of(None)
    chosen = folders or environments_below(Path("environments"))
    if not chosen:
        fail("There is no environment below ./environments: name its folder.", USAGE)
    anchor = anchor_of(root, serial)
    told = [impacts(folder, catalogue, today, on.date(), anchor) for folder in chosen]
    if as_json:
        echo_json({read.name: [one.model_dump(mode="json") for one in found] for read, found in told})
    else:
        console().print(view.impacts(told, on.date()))
    raise typer.Exit(REFUSED if any(one.unlawful for _, found in told for one in found) else OK)
