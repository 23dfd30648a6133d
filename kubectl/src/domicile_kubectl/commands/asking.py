"""What every command does that asks something of the operator by an annotation."""

import typer

from domicile_kubectl.changes import Patch
from domicile_kubectl.clients.cluster import Cluster, tenant_path
from domicile_kubectl.clients.waiting import wait
from domicile_kubectl.options import NOT_YET
from domicile_kubectl.progress import Judge


def ask(cluster: Cluster, name: str, patch: Patch, judge: Judge, timeout: int) -> None:
    """Write it, wait until the operator has taken it up, and end the command."""
    cluster.patch(tenant_path(name), patch)
    verdict, _ = wait(cluster, name, judge, timeout)
    if not verdict.done:
        typer.echo(f"It is written, and not taken up in {timeout} s. {verdict.sentence}", err=True)
        typer.echo(f"`kubectl casino why-not-ready {name}` tells whether the operator runs.", err=True)
        raise typer.Exit(NOT_YET)
    typer.echo(f"{name}: {verdict.sentence}")
