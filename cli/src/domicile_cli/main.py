"""The `domicile` command: reads arguments, calls the catalogue, prints."""

import json
import re
from dataclasses import asdict
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from domicile_catalog import (
    Attestation,
    AttestationError,
    Catalogue,
    CatalogueError,
    Fault,
    Product,
    Refusal,
    TenantRequest,
    conflicts,
    explain,
    gaps,
    law_changes,
    load_attestations,
    load_catalogue,
    place_tenant,
)
from rich.console import Console

from domicile_cli import render
from domicile_cli.install import install
from domicile_cli.validation import impacts, read_environment, validate_environment

OK, REFUSED, USAGE = 0, 1, 2

EXIT_CODES = "Exit codes: 0 lawful, 1 refused or faulty, 2 used wrongly."

app = typer.Typer(
    help="Where a regulated casino may lawfully live, and by which rule.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
catalog_app = typer.Typer(help="What the catalogue holds, and what it lacks.", no_args_is_help=True)
app.add_typer(catalog_app, name="catalog")
app.command()(install)

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
        help="Count the attestations of this environment's folder, and decide as it does.",
        exists=True,
        file_okay=False,
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
OnOption = Annotated[
    datetime | None,
    typer.Option("--on", formats=["%Y-%m-%d"], help="The day to decide for; by default today, where the licence is."),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"domicile {version('domicile-cli')}, catalogue {_catalogue().version[:12]}")
        raise typer.Exit(OK)


@app.callback()
def domicile(
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Where a regulated casino may lawfully live, and by which rule."""


@app.command(
    "explain",
    epilog="[bold]Examples[/]\n\n[cyan]domicile explain GB[/]\n\n"
    "[cyan]domicile explain US-NJ --production[/]\n\n[cyan]domicile explain BR --json | jq .decision[/]\n\n"
    + EXIT_CODES,
)
def explain_command(
    jurisdiction: JurisdictionArgument,
    *,
    production: ProductionOption = False,
    product: ProductOption = None,
    environment: EnvironmentOption = None,
    root: RootOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything the catalogue says of a jurisdiction: facts, where data may rest, rules, refusals."""
    catalogue = _catalogue()
    code = _known(catalogue, jurisdiction)
    production, attestations = _environment(catalogue, environment, production, root)
    explanation = explain(
        catalogue,
        code,
        on=_day(on, catalogue, code),
        production=production,
        products=tuple(product or (Product.CASINO,)),
        attestations=attestations,
    )
    if isinstance(explanation, Refusal):  # the code was just looked up, so this cannot be
        raise typer.Exit(USAGE)
    if as_json:
        typer.echo(explanation.model_dump_json(indent=2, by_alias=True))
    else:
        _console().print(render.explanation(explanation, catalogue))
    raise typer.Exit(REFUSED if isinstance(explanation.decision, Refusal) else OK)


@app.command(
    "place",
    epilog="[bold]Examples[/]\n\n[cyan]domicile place GB --candidates eu-west-2,sa-east-1[/]\n\n"
    "[cyan]domicile place BR --production --json[/]\n\n" + EXIT_CODES,
)
def place_command(
    jurisdiction: JurisdictionArgument,
    *,
    candidates: Annotated[
        str | None,
        typer.Option(help="Places to choose from, separated by commas; all that need no naming by default."),
    ] = None,
    production: ProductionOption = False,
    product: ProductOption = None,
    environment: EnvironmentOption = None,
    root: RootOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose the place where a tenant may lawfully live, or say why there is none."""
    catalogue = _catalogue()
    code = _known(catalogue, jurisdiction)
    production, attestations = _environment(catalogue, environment, production, root)
    named = None if candidates is None else tuple(c.strip() for c in candidates.split(",") if c.strip())
    request = TenantRequest(
        jurisdiction=code,
        products=tuple(product or (Product.CASINO,)),
        candidates=named,
        production=production,
        attestations=attestations,
        on=_day(on, catalogue, code),
    )
    decision = place_tenant(catalogue, request)
    if as_json:
        typer.echo(decision.model_dump_json(indent=2))
    else:
        _console().print(render.decision(decision, catalogue))
    raise typer.Exit(REFUSED if isinstance(decision, Refusal) else OK)


@catalog_app.command(
    "gaps",
    epilog="[bold]Examples[/]\n\n[cyan]domicile catalog gaps[/]\n\n"
    "[cyan]domicile catalog gaps --json | jq '.gaps\\[] | select(.stops)'[/]",
)
def gaps_command(on: OnOption = None, as_json: JsonOption = False) -> None:
    """What nobody has read in a source and what that stops; and where the sources disagree, and which one binds."""
    catalogue, day = _catalogue(), _day(on)
    missing, disputed = gaps(catalogue, day), conflicts(catalogue, day)
    if as_json:
        _echo_json(
            {
                "gaps": [gap.model_dump(mode="json") for gap in missing],
                "conflicts": [one.model_dump(mode="json") for one in disputed],
            }
        )
    else:
        _console().print(render.gaps(missing, catalogue))
        _console().print(render.conflicts(disputed))


@catalog_app.command("check", epilog="[bold]Examples[/]\n\n[cyan]domicile catalog check[/]\n\n" + EXIT_CODES)
def check_command(as_json: JsonOption = False) -> None:
    """Read every data file and hold them against each other; list each fault with its file and line."""
    try:
        catalogue = load_catalogue()
    except CatalogueError as error:
        if as_json:
            _echo_json({"faults": [asdict(fault) for fault in error.faults]})
        else:
            typer.echo(str(error), err=True)
        raise typer.Exit(REFUSED) from None
    held = {
        "version": catalogue.version,
        "jurisdictions": len(catalogue.jurisdictions),
        "places": len(catalogue.places),
    }
    if as_json:
        _echo_json(held | {"faults": []})
    else:
        typer.echo(
            f"{held['jurisdictions']} jurisdictions, {held['places']} places, catalogue {catalogue.version[:12]}"
        )


@app.command(
    "diff",
    epilog="[bold]Examples[/]\n\n[cyan]domicile diff GB 2025-01-01 2026-12-01[/]\n\n"
    "[cyan]domicile diff DE 2020-01-01 2026-12-01 --json[/]",
)
def diff_command(
    jurisdiction: JurisdictionArgument, after: DayArgument, until: DayArgument, as_json: JsonOption = False
) -> None:
    """What changed in a jurisdiction's law after one day and until another, each change on its day."""
    catalogue = _catalogue()
    code = _known(catalogue, jurisdiction)
    if until < after:
        _fail(f"{until.date()} is before {after.date()}: name the earlier day first.", USAGE)
    found = law_changes(catalogue, code, after.date(), until.date())
    if as_json:
        _echo_json([change.model_dump(mode="json") for change in found])
    else:
        _console().print(render.law_changes(found, code, after.date(), until.date()))


@app.command(
    "impact",
    epilog="[bold]Examples[/]\n\n[cyan]domicile impact --on 2026-12-01[/]\n\n"
    "[cyan]domicile impact environments/lab --on 2027-01-01 --json[/]\n\n"
    "Exit codes: 0 every tenant may go on, 1 one of them may not, 2 used wrongly.",
)
def impact_command(
    folders: Annotated[
        list[Path] | None,
        typer.Argument(help="Environments' folders; all below environments/ by default.", exists=True, file_okay=False),
    ] = None,
    *,
    on: Annotated[datetime, typer.Option("--on", formats=["%Y-%m-%d"], help="The day of the new law.")],
    root: RootOption = None,
    as_json: JsonOption = False,
) -> None:
    """What the law of a day means for every tenant: places to leave, rules that change, and until when."""
    catalogue, today = _catalogue(), _day(None)
    chosen = folders or sorted(file.parent for file in Path("environments").glob("*/environment.yaml"))
    if not chosen:
        _fail("There is no environment below ./environments: name its folder.", USAGE)
    told = [impacts(folder, catalogue, today, on.date(), root) for folder in chosen]
    if as_json:
        _echo_json({read.name: [one.model_dump(mode="json") for one in found] for read, found in told})
    else:
        _console().print(render.impacts(told, on.date()))
    raise typer.Exit(REFUSED if any(one.unlawful for _, found in told for one in found) else OK)


@app.command(
    "validate",
    epilog="[bold]Examples[/]\n\n[cyan]domicile validate environments/lab[/]\n\n" + EXIT_CODES,
)
def validate_command(
    folder: Annotated[Path, typer.Argument(help="An environment's folder.", exists=True, file_okay=False)],
    root: RootOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold an environment's tenants and attestations against the catalogue, offline; list every fault."""
    catalogue = _catalogue()
    report = validate_environment(folder, catalogue, _day(on), root)
    if as_json:
        _echo_json(render.report_json(report))
    else:
        _console().print(render.report(report))
    raise typer.Exit(REFUSED if report.faults else OK)


def _catalogue() -> Catalogue:
    try:
        return load_catalogue()
    except CatalogueError as error:
        _fail(str(error), REFUSED)


def _known(catalogue: Catalogue, code: str) -> str:
    """The code as the catalogue spells it, or a usage error that names near ones."""
    spelt = code.strip().upper()
    if spelt not in catalogue.jurisdictions:
        near = [f"{one} ({catalogue.jurisdictions[one].name})" for one in catalogue.suggest(code)]
        hint = f"Did you mean {' or '.join(near)}?" if near else "`domicile catalog gaps` lists them all."
        _fail(f"The catalogue has no jurisdiction {code!r}. {hint}", USAGE)
    return spelt


def _environment(
    catalogue: Catalogue, folder: Path | None, production: bool, root: str | None
) -> tuple[bool, tuple[Attestation, ...]]:
    """Whether to decide as production does, and the attestations to count."""
    if folder is None:
        return production, ()
    faults: list[Fault] = []
    environment = read_environment(folder, faults)
    if environment is None or faults:
        _fail("\n".join(str(fault) for fault in faults), REFUSED)
    production = production or environment.production
    try:
        attestations = load_attestations(folder / "attestations", catalogue, root=root, production=production)
    except AttestationError as error:
        _fail(str(error), REFUSED)
    return production, attestations


def _day(on: datetime | None, catalogue: Catalogue | None = None, code: str = "") -> date:
    """The day that was named, or today: where the licence is, if that is known, and else in UTC."""
    if on is not None:
        return on.date()
    now = datetime.now(UTC)
    return catalogue.local_day(code, now) if catalogue else now.date()


def _console() -> Console:
    return Console(highlight=False)


def _echo_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))


def _fail(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(code)
