"""What the catalogue holds, and what it lacks."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from domicile_catalog import CatalogueError, conflicts, gaps, load_catalogue

from domicile_cli.blocking import blocking
from domicile_cli.options import (
    REFUSED,
    USAGE,
    JsonOption,
    OnOption,
    RootOption,
    SerialOption,
    anchor_of,
    console,
    day_of,
    echo_json,
    epilog,
    fail,
    read_catalogue,
)
from domicile_cli.render import gaps as view
from domicile_cli.validation import environments_below

app = typer.Typer(help="What the catalogue holds, and what it lacks.", no_args_is_help=True, rich_markup_mode="rich")


@app.command(
    "gaps",
    epilog=epilog(
        "catalog gaps",
        "catalog gaps --environments environments",
        "catalog gaps --json | jq '.gaps\\[] | select(.blocks != \\[])'",
        exit_codes="",
    ),
)
def gaps_command(
    environments: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the environments whose tenants the gaps are held against; ./environments by default.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    root: RootOption = None,
    serial: SerialOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """What nobody has read in a source, which tenants that blocks and what else it stops; and where sources disagree.

    An unknown fact blocks everywhere that it is needed, a recalled one in production.
    """
    catalogue, day = read_catalogue(), day_of(on)
    folders = environments_below(environments or Path("environments"))
    if environments and not folders:
        fail(f"There is no environment below {environments}: it has no */environment.yaml.", USAGE)
    missing, disputed = gaps(catalogue, day), conflicts(catalogue, day)
    found = blocking(folders, missing, catalogue, day, anchor_of(root, serial))
    if as_json:
        echo_json(
            {
                "gaps": [gap.model_dump(mode="json") | {"blocks": found.names(gap)} for gap in missing],
                "conflicts": [one.model_dump(mode="json") for one in disputed],
                "environments": [
                    {"name": read.name, "production": read.production, "faults": [asdict(one) for one in read.faults]}
                    for read in found.environments
                ],
            }
        )
    else:
        console().print(view.blocking(found))
        console().print(view.gaps(missing, catalogue))
        console().print(view.conflicts(disputed))


@app.command("check", epilog=epilog("catalog check"))
def check_command(as_json: JsonOption = False) -> None:
    """Read every data file and hold them against each other; list each fault with its file and line."""
    try:
        catalogue = load_catalogue()
    except CatalogueError as error:
        if as_json:
            echo_json({"faults": [asdict(fault) for fault in error.faults]})
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(REFUSED) from None
    held = {
        "version": catalogue.version,
        "jurisdictions": len(catalogue.jurisdictions),
        "places": len(catalogue.places),
    }
    if as_json:
        echo_json(held | {"faults": []})
    else:
        typer.echo(
            f"{held['jurisdictions']} jurisdictions, {held['places']} places, catalogue {catalogue.version[:12]}"
        )
