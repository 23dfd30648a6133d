"""Where a tenant may live, and why."""

from pathlib import Path
from typing import Annotated, Any

import typer
from domicile_catalog import (
    DataClass,
    Placement,
    Product,
    Question,
    Refusal,
    TenantPlacement,
    TenantRequest,
    explain,
    place,
    place_tenant,
)
from pydantic import ValidationError

from domicile_cli.commands.manifest import explain_manifest, is_a_manifest
from domicile_cli.options import (
    OK,
    REFUSED,
    USAGE,
    EnvironmentOption,
    JsonOption,
    JurisdictionArgument,
    OnOption,
    ProductionOption,
    ProductOption,
    RootOption,
    SerialOption,
    anchor_of,
    console,
    day_of,
    epilog,
    fail,
    known,
    known_ground,
    read_catalogue,
    surroundings_of,
)
from domicile_cli.render import decision as view
from domicile_cli.render.placement import placement
from domicile_cli.render.tenant import file_explanation

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    "explain",
    epilog=epilog(
        "explain GB",
        "explain US-NJ --production",
        "explain environments/lab/tenants/acme-gb.yaml",
        "explain BR --json | jq .decision",
    ),
)
def explain_command(
    subject: Annotated[
        str,
        typer.Argument(
            metavar="JURISDICTION|FILE",
            help="Who licenses the play (GB, US-NJ, DE), or the file of a CasinoTenant.",
            show_default=False,
        ),
    ],
    *,
    production: ProductionOption = False,
    product: ProductOption = None,
    environment: EnvironmentOption = None,
    root: RootOption = None,
    serial: SerialOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Everything the catalogue says of a jurisdiction, or of a tenant: facts, where data may rest, rules, refusals.

    A tenant is decided as the environment does that its file lies in: environments/<name>/tenants/<file>.
    """
    catalogue = read_catalogue()
    if is_a_manifest(subject, catalogue):
        if product:
            fail("A manifest names its products itself: leave --product out.", USAGE)
        told, around = explain_manifest(
            Path(subject),
            catalogue,
            environment=environment,
            production=production,
            anchor=anchor_of(root, serial),
            on=on,
        )
        if as_json:
            typer.echo(told.model_dump_json(indent=2, by_alias=True))
        else:
            console().print(file_explanation(told, around.catalogue))
        raise typer.Exit(OK if told.lawful else REFUSED)
    code = known(catalogue, subject)
    around = surroundings_of(catalogue, environment, production, anchor_of(root, serial))
    explanation = explain(
        around.catalogue,
        code,
        on=day_of(on, catalogue, code),
        production=around.production,
        products=tuple(product or (Product.CASINO,)),
        candidates=around.candidates,
        attestations=around.attestations,
    )
    if isinstance(explanation, Refusal):  # the code was just looked up, so this cannot be
        raise typer.Exit(USAGE)
    if as_json:
        typer.echo(explanation.model_dump_json(indent=2, by_alias=True))
    else:
        console().print(view.explanation(explanation, around.catalogue, around.candidates))
    stopped = isinstance(explanation.decision, Refusal) or explanation.rules is None
    raise typer.Exit(REFUSED if stopped else OK)


@app.command(
    "place",
    epilog=epilog(
        "place GB --candidates eu-west-2,sa-east-1",
        "place BR --production --json",
        "place GB --class wagering --residence DE",
        "place MT --backs-up player_identity",
    ),
)
def place_command(
    jurisdiction: JurisdictionArgument,
    *,
    candidates: Annotated[
        str | None,
        typer.Option(
            help="Places to choose from, separated by commas; by default the environment's, or all that need no naming."
        ),
    ] = None,
    data_class: Annotated[
        DataClass | None, typer.Option("--class", help="Ask for this class of data alone, with copies and reasons.")
    ] = None,
    backs_up: Annotated[
        DataClass | None, typer.Option("--backs-up", help="Ask for a backup of this class; of everything by default.")
    ] = None,
    residence: Annotated[
        str | None,
        typer.Option(
            "--residence", metavar="TERRITORY", help="Where the players of that data live: their law has its say too."
        ),
    ] = None,
    production: ProductionOption = False,
    product: ProductOption = None,
    environment: EnvironmentOption = None,
    root: RootOption = None,
    serial: SerialOption = None,
    on: OnOption = None,
    as_json: JsonOption = False,
) -> None:
    """Choose the place where a tenant, or one class of its data, may lawfully live, or say why there is none."""
    catalogue = read_catalogue()
    code = known(catalogue, jurisdiction)
    products = tuple(product or (Product.CASINO,))
    asked_class = _asked_class(data_class, backs_up, residence, products)
    home = None if residence is None else known_ground(catalogue, residence)
    around = surroundings_of(catalogue, environment, production, anchor_of(root, serial))
    named = around.candidates
    if candidates is not None:
        named = tuple(c.strip() for c in candidates.split(",") if c.strip())
    day = day_of(on, catalogue, code)
    decision: TenantPlacement | Placement | Refusal
    if asked_class is None:
        request = TenantRequest(
            jurisdiction=code,
            products=products,
            candidates=named,
            production=around.production,
            attestations=around.attestations,
            on=day,
        )
        decision = place_tenant(around.catalogue, request)
        shown = view.decision(decision, around.catalogue)
    else:
        question = _question(
            jurisdiction=code,
            product=products[0],
            data_class=asked_class,
            backs_up=backs_up,
            player_residence=home,
            production=around.production,
            on=day,
        )
        decision = place(around.catalogue, question, named, around.attestations)
        shown = placement(decision, question, around.catalogue)
    if as_json:
        typer.echo(decision.model_dump_json(indent=2))
    else:
        console().print(shown)
    raise typer.Exit(REFUSED if isinstance(decision, Refusal) else OK)


def _asked_class(
    data_class: DataClass | None, backs_up: DataClass | None, residence: str | None, products: tuple[Product, ...]
) -> DataClass | None:
    """The one class that is asked for, or None where the whole tenant is; a usage error where neither is clear."""
    asked = data_class or (DataClass.BACKUP if backs_up else None)
    if asked is None and residence is not None:
        classes = ", ".join(DataClass)
        fail(f"--residence says whose data, and not which: add --class with one of {classes}.", USAGE)
    if asked is not None and len(products) > 1:
        fail("One class of data is asked for one product: give --product once, or leave --class out.", USAGE)
    return asked


def _question(**asked: Any) -> Question:
    """The question, or a usage error where what was asked does not go together."""
    try:
        return Question(**asked)
    except ValidationError as error:
        told = "; ".join(
            detail["msg"].removeprefix("Value error, ").replace("backs_up", "--backs-up") for detail in error.errors()
        )
        fail(f"This cannot be asked: {told}.", USAGE)
