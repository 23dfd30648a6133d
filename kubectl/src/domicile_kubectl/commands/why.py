"""`kubectl casino why-not-ready`."""

import typer

from domicile_kubectl.cause import as_json, first_cause, is_ready, with_log
from domicile_kubectl.clients.cluster import read_tenant
from domicile_kubectl.clients.sightings import look, read_log
from domicile_kubectl.options import (
    NOT_YET,
    OK,
    ContextOption,
    JsonOption,
    KubeconfigOption,
    NameArgument,
    cluster_of,
    console,
    echo_json,
    epilog,
)
from domicile_kubectl.render.cause import cause
from domicile_kubectl.seen import Seen
from domicile_kubectl.tenant import Tenant

app = typer.Typer(rich_markup_mode="rich")


@app.command(
    "why-not-ready",
    epilog=epilog(
        "why-not-ready acme-gb",
        "why-not-ready acme-gb --json | jq -r .code",
        exit_codes="Exit codes: 0 it is ready, 1 it is not, 2 it could not be told.",
    ),
)
def why_command(
    name: NameArgument,
    as_programs: JsonOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Tell why a casino is not ready: the first cause, what shows it, and what to do.

    It looks at the operator, at what its last pass stopped at, and where that is a child that waits, at the child's
    pods, their Events and the last line of their log. What you may not read is named, and the rest is told without it.
    """
    cluster = cluster_of(kubeconfig, context)
    tenant = Tenant(read_tenant(cluster, name))
    found = first_cause(tenant, Seen() if is_ready(tenant) else look(cluster, name))
    if found.log:
        found = with_log(found, read_log(cluster, found.log))
    if as_programs:
        echo_json(as_json(found))
    else:
        console().print(cause(name, found), soft_wrap=True)
    raise typer.Exit(OK if found.ready else NOT_YET)
