"""What the catalogue holds, and what it lacks."""

from dataclasses import asdict

import typer
from domicile_catalog import CatalogueError, conflicts, gaps, load_catalogue

from domicile_cli.options import REFUSED, JsonOption, OnOption, console, day_of, echo_json, epilog, read_catalogue
from domicile_cli.render import gaps as view

app = typer.Typer(help="What the catalogue holds, and what it lacks.", no_args_is_help=True, rich_markup_mode="rich")


@app.command(
    "gaps",
    epilog=epilog("catalog gaps", "catalog gaps --json | jq '.gaps\\[] | select(.stops)'", exit_codes=""),
)
def gaps_command(on: OnOption = None, as_json: JsonOption = False) -> None:
    """What nobody has read in a source and what that stops; and where the sources disagree, and which one binds."""
    catalogue, day = read_catalogue(), day_of(on)
    missing, disputed = gaps(catalogue, day), conflicts(catalogue, day)
    if as_json:
        echo_json(
            {
                "gaps": [gap.model_dump(mode="json") for gap in missing],
                "conflicts": [one.model_dump(mode="json") for one in disputed],
            }
        )
    else:
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
