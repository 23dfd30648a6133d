"""What the commands share: their options, and how they read the catalogue, the day and an environment."""

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from domicile_catalog import (
    Catalogue,
    CatalogueError,
    Fault,
    Product,
    load_catalogue,
    local_day,
)
from domicile_catalog.environment import FILE, Surroundings, TrustAnchor, no_environment, read_surroundings
from rich.console import Console

from domicile_cli.manifests import in_order

OK, REFUSED, USAGE = 0, 1, 2

EXIT_CODES = "Exit codes: 0 lawful, 1 refused or faulty, 2 used wrongly."


def epilog(*examples: str, exit_codes: str = EXIT_CODES) -> str:
    """What stands below a command's help: examples, and what its exit codes say."""
    lines = [f"[cyan]domicile {example}[/]" for example in examples]
    return "\n\n".join(["[bold]Examples[/]", *lines, *filter(None, [exit_codes])])


JurisdictionArgument = Annotated[str, typer.Argument(help="Who licenses the play: GB, US-NJ, DE.", show_default=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ProductionOption = Annotated[
    bool, typer.Option("--production", help="Decide as production does: rely on no recalled fact.")
]
ProductOption = Annotated[
    list[Product] | None, typer.Option("--product", help="What the tenant offers; casino by default. Repeatable.")
]
EnvironmentOption = Annotated[
    Path | None,
    typer.Option(
        "--environment",
        "-e",
        help="Decide as this environment does: by its folder's attestations, sites and places.",
        exists=True,
        file_okay=False,
    ),
]


def _environments_folder(folder: Path) -> Path:
    """Another folder is told as such, and near ones named, before a command looks for what is not in it."""
    if not (folder / FILE).is_file():
        within = sorted(one.parent for one in folder.glob(f"*/{FILE}"))
        around = [one for one in folder.resolve().parents if (one / FILE).is_file()]
        near = [str(one) for one in (*within, *around[:1])]
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise typer.BadParameter(f"{folder} is no environment's folder: it has no {FILE}.{hint}")
    return folder


FolderArgument = Annotated[
    Path,
    typer.Argument(
        help="An environment's folder.", exists=True, file_okay=False, callback=_environments_folder, show_default=False
    ),
]
DayArgument = Annotated[datetime, typer.Argument(formats=["%Y-%m-%d"], help="A day, as 2026-12-01.")]


def _fingerprint(root: str | None) -> str | None:
    """A root that is no fingerprint, an empty one above all, must not pass for having none."""
    if root is not None and not re.fullmatch(r"SHA256:[A-Za-z0-9+/]{43}", root):
        raise typer.BadParameter("a fingerprint is written SHA256:..., as `ssh-keygen -l` prints it")
    return root


RootOption = Annotated[
    str | None,
    typer.Option(
        "--attestation-root",
        envvar="DOMICILE_ATTESTATION_ROOT",
        callback=_fingerprint,
        help="Fingerprint (SHA256:...) of the key that vouches for the officers who may attest.",
    ),
]
SerialOption = Annotated[
    int | None,
    typer.Option(
        "--attestation-serial",
        envvar="DOMICILE_ATTESTATION_SERIAL",
        min=1,
        help="Refuse a list of officers with a lower serial: it was good once, and was put back.",
    ),
]
OnOption = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="The day to decide for; by default today, where the licence is."),
]


def read_catalogue() -> Catalogue:
    """The catalogue that ships; one that cannot be used ends the command, with its faults."""
    try:
        return load_catalogue()
    except CatalogueError as error:
        fail(str(error), REFUSED)


def known(catalogue: Catalogue, code: str) -> str:
    """The code as the catalogue spells it, or a usage error that names near ones."""
    spelt = code.strip().upper()
    if spelt not in catalogue.jurisdictions:
        hint = _near(catalogue, code) or "`domicile catalog gaps` lists them all."
        fail(f"The catalogue has no jurisdiction {code!r}. {hint}", USAGE)
    return spelt


def known_ground(catalogue: Catalogue, code: str) -> str:
    """The territory's code as the catalogue spells it, or a usage error that names near ones."""
    spelt = code.strip().upper()
    if not catalogue.knows_ground(spelt):
        hint = _near(catalogue, code) or "Name it by its ISO 3166 code."
        fail(f"The catalogue has no territory {code!r}. {hint}", USAGE)
    return spelt


def _near(catalogue: Catalogue, code: str) -> str:
    near = [f"{one} ({catalogue.jurisdictions[one].name})" for one in catalogue.suggest(code)]
    return f"Did you mean {' or '.join(near)}?" if near else ""


def anchor_of(root: str | None, serial: int | None) -> TrustAnchor:
    """Whose word counts; a usage error where a serial has no root whose list it is of."""
    if serial is not None and root is None:
        fail("--attestation-serial is of a list that a root signs: give --attestation-root too.", USAGE)
    return TrustAnchor(root, serial)


def surroundings_of(catalogue: Catalogue, folder: Path | None, production: bool, anchor: TrustAnchor) -> Surroundings:
    """What the environment of a folder, or none, decides by; its faults end the command."""
    if folder is None:
        return no_environment(catalogue, production)
    faults: list[Fault] = []
    around = read_surroundings(folder, catalogue, anchor, faults, production=production)
    if faults:
        fail("\n".join(str(fault) for fault in in_order(faults)), REFUSED)
    return around


def day_of(on: datetime | None, catalogue: Catalogue | None = None, code: str = "") -> date:
    """The day that was named, or today: where the licence is, if that is known, and else in UTC."""
    if on is not None:
        return on.date()
    now = datetime.now(UTC)
    return local_day(catalogue, code, now) if catalogue else now.date()


def console() -> Console:
    """Where answers for people go. Colour means something here, and brackets are what somebody wrote."""
    return Console(highlight=False, markup=False)


def echo_json(value: Any) -> None:
    """Print a value for programs."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def fail(message: str, code: int) -> NoReturn:
    """Say on standard error why the command ends, and end it with that exit code."""
    typer.echo(message, err=True)
    raise typer.Exit(code)
