"""`kubectl casino explain`."""

from datetime import UTC, datetime

import typer

from domicile_kubectl.clients.cluster import read_tenant
from domicile_kubectl.explanation import as_json, explain
from domicile_kubectl.options import (
    ContextOption,
    JsonOption,
    KubeconfigOption,
    NameArgument,
    cluster_of,
    console,
    echo_json,
    epilog,
)
from domicile_kubectl.render.tree import explanation
from domicile_kubectl.tenant import Tenant

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    "explain",
    epilog=epilog(
        "explain acme-gb", "explain acme-gb --json", exit_codes="Exit codes: 0 told, 2 it could not be told."
    ),
)
def explain_command(
    name: NameArgument,
    as_programs: JsonOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Explain a casino: where it lives and why, its licence, its rules, the law ahead, its conditions, its children.

    What the law of its jurisdiction says in full, and by which source, `domicile explain GB` tells.
    """
    found = explain(Tenant(read_tenant(cluster_of(kubeconfig, context), name)), datetime.now(UTC))
    if as_programs:
        echo_json(as_json(found))
    else:
        console().print(explanation(found))
