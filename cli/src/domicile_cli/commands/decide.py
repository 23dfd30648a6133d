"""Where a tenant may live, and why."""

from typing import Annotated

import typer
from domicile_catalog import Product, Refusal, TenantRequest, explain, place_tenant

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
    console,
    day_of,
    environment_of,
    epilog,
    known,
    read_catalogue,
)
from domicile_cli.render import decision as view

app = typer.Typer(rich_markup_mode="rich")


@app.command("explain", epilog=epilog("explain GB", "explain US-NJ --production", "explain BR --json | jq .decision"))
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
    catalogue = read_catalogue()
    code = known(catalogue, jurisdiction)
    production, attestations = environment_of(catalogue, environment, production, root)
    explanation = explain(
        catalogue,
        code,
        on=day_of(on, catalogue, code),
        production=production,
        products=tuple(product or (Product.CASINO,)),
        attestations=attestations,
    )
    if isinstance(explanation, Refusal):  # the code was just looked up, so this cannot be
        raise typer.Exit(USAGE)
    if as_json:
        typer.echo(explanation.model_dump_json(indent=2, by_alias=True))
    else:
        console().print(view.explanation(explanation, catalogue))
    raise typer.Exit(REFUSED if isinstance(explanation.decision, Refusal) else OK)


@app.command("place", epilog=epilog("place GB --candidates eu-west-2,sa-east-1", "place BR --production --json"))
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
    catalogue = read_catalogue()
    code = known(catalogue, jurisdiction)
    production, attestations = environment_of(catalogue, environment, production, root)
    named = None if candidates is None else tuple(c.strip() for c in candidates.split(",") if c.strip())
    request = TenantRequest(
        jurisdiction=code,
        products=tuple(product or (Product.CASINO,)),
        candidates=named,
        production=production,
        attestations=attestations,
        on=day_of(on, catalogue, code),
    )
    decision = place_tenant(catalogue, request)
    if as_json:
        typer.echo(decision.model_dump_json(indent=2))
    else:
        console().print(view.decision(decision, catalogue))
    raise typer.Exit(REFUSED if isinstance(decision, Refusal) else OK)
