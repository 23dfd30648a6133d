"""`domicile generate`: everything that follows from the catalogue, written anew."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from domicile_cli.generated.files import CRD, generated_files, recorded_day, sources_of, stale, write
from domicile_cli.options import (
    OK,
    REFUSED,
    USAGE,
    JsonOption,
    OnOption,
    console,
    echo_json,
    epilog,
    fail,
    read_catalogue,
)

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    "generate",
    epilog=epilog(
        "generate", "generate --check", exit_codes="Exit codes: 0 up to date, 1 stale (with --check), 2 used wrongly."
    ),
)
def generate_command(
    root: Annotated[
        Path, typer.Option(help="The checkout.", exists=True, file_okay=False, show_default="this folder")
    ] = Path(),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; tell what is stale.")] = False,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the policies, schemas, pages and the map that follow from the catalogue, and the reference of the CRD.

    They are of the law of one day: today, and with --check the day on which they were written last.
    """
    crd = root / CRD
    if not crd.exists():
        fail(f"{root.resolve()} is no checkout: it has no {CRD}.", USAGE)
    day = on.date() if on else (recorded_day(root) if check else None) or datetime.now(UTC).date()
    files = generated_files(read_catalogue(), day, crd.read_text(), sources_of(root))
    paths = stale(root, files) if check else write(root, files)
    if as_json:
        echo_json({"on": day.isoformat(), "files": len(files), "stale" if check else "written": list(paths)})
    else:
        told = "stale: run `make generate`" if check else "written"
        for path in paths[:20]:
            console().print(f"{told}  {path}", markup=False)
        if len(paths) > 20:
            console().print(f"and {len(paths) - 20} more")
        console().print(f"{len(files)} files of {day}, {len(paths)} {'stale' if check else 'changed'}")
    raise typer.Exit(REFUSED if check and paths else OK)
