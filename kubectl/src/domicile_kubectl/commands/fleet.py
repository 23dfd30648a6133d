"""`kubectl casino list`."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from domicile_kubectl.clients.cluster import read_tenants
from domicile_kubectl.listing import as_json, rows
from domicile_kubectl.options import ContextOption, JsonOption, KubeconfigOption, cluster_of, console, echo_json, epilog
from domicile_kubectl.render.table import print_table

app = typer.Typer(rich_markup_mode="rich")


class Output(StrEnum):
    """As kubectl's -o."""

    WIDE = "wide"
    JSON = "json"


@app.command(
    "list",
    epilog=epilog(
        "list",
        "list -o wide --context gb-prod",
        "list --json | jq -r '.\\[] | select(.licence_days < 60) | .name'",
        exit_codes="Exit codes: 0 told, 2 it could not be told.",
    ),
)
def list_command(
    output: Annotated[
        Output | None, typer.Option("--output", "-o", help="wide: also brand, address, rules and the law ahead.")
    ] = None,
    as_programs: JsonOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """List the casinos: where each lives, its state, whether it is ready and why not, its version, its licence.

    LICENCE counts the whole days of play that are left after today, by UTC. `kubectl get casino -w` watches.
    """
    found = rows(read_tenants(cluster_of(kubeconfig, context)), datetime.now(UTC))
    if as_programs or output is Output.JSON:
        echo_json(as_json(found))
    elif found:
        print_table(console(), found, output is Output.WIDE)
    else:
        typer.echo("There are no casino tenants in this cluster.", err=True)
