"""What stands in an environment's folder."""

import typer

from domicile_cli.options import (
    OK,
    REFUSED,
    FolderArgument,
    JsonOption,
    OnOption,
    RootOption,
    SerialOption,
    anchor_of,
    console,
    day_of,
    echo_json,
    epilog,
    read_catalogue,
)
from domicile_cli.render import report as view
from domicile_cli.validation import validate_environment

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    "validate",
    epilog=epilog("validate environments/lab"),
)
def validate_command(
    folder: FolderArgument,
    root: RootOption = None,
    serial: SerialOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold an environment's tenants and attestations against the catalogue, offline; list every fault."""
    catalogue = read_catalogue()
    report = validate_environment(folder, catalogue, day_of(on), anchor_of(root, serial))
    if as_json:
        echo_json(view.report_json(report))
    else:
        console().print(view.report(report))
    raise typer.Exit(REFUSED if report.faults else OK)
