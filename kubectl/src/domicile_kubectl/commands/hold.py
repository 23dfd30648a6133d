"""`kubectl casino pause`, `resume`, `reconcile` and `plan`: what a person asks of the operator by annotations."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from domicile_kubectl import changes, progress
from domicile_kubectl.clients.cluster import Cluster, read_tenant, tenant_path
from domicile_kubectl.clients.waiting import wait
from domicile_kubectl.commands.asking import ask
from domicile_kubectl.options import (
    NOT_YET,
    OK,
    ContextOption,
    JsonOption,
    KubeconfigOption,
    NameArgument,
    TimeoutOption,
    cluster_of,
    console,
    echo_json,
    epilog,
)
from domicile_kubectl.progress import Judge
from domicile_kubectl.render.plan import plan as rendered
from domicile_kubectl.tenant import Tenant

app = typer.Typer(rich_markup_mode="rich")


@app.command("pause", epilog=epilog('pause acme-gb --reason "move of the database, until 14:00"'))
def pause_command(
    name: NameArgument,
    reason: Annotated[
        str, typer.Option("--reason", help="Why: who finds it paused wants to know.", show_default=False)
    ],
    timeout: TimeoutOption = 30,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Have the operator change nothing of a casino: it is served on and looked at, and drift is told and left.

    What a regulator orders (`suspend-licence`) is carried out all the same. Deleting a paused casino waits.
    """
    _ask(cluster_of(kubeconfig, context), name, changes.pause(reason), progress.paused, timeout)


@app.command("resume", epilog=epilog("resume acme-gb"))
def resume_command(
    name: NameArgument,
    timeout: TimeoutOption = 30,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Let the operator go on with a casino that was paused: what had drifted is put right."""
    _ask(cluster_of(kubeconfig, context), name, changes.resume(), progress.resumed, timeout)


@app.command("reconcile", epilog=epilog("reconcile acme-gb", "reconcile acme-gb --timeout 0"))
def reconcile_command(
    name: NameArgument,
    timeout: TimeoutOption = 60,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Have the operator make a pass over a casino at once, and wait until it has. How it ended Ready says."""
    request = changes.request(datetime.now(UTC))
    _ask(cluster_of(kubeconfig, context), name, changes.reconcile(request), progress.handled(request), timeout)


@app.command(
    "plan",
    epilog=epilog(
        "plan acme-gb",
        "plan acme-gb --hold      # then edit the spec: nothing happens",
        "plan acme-gb             # what the edit would do",
        "plan acme-gb --let-go    # let it happen",
        exit_codes="Exit codes: 0 told, 1 there is no plan (yet), 2 it could not be done.",
    ),
)
def plan_command(
    name: NameArgument,
    *,
    hold: Annotated[bool, typer.Option("--hold", help="Go on holding the operator's hand after it was told.")] = False,
    let_go: Annotated[bool, typer.Option("--let-go", help="Let what was planned happen.")] = False,
    timeout: TimeoutOption = 60,
    as_programs: JsonOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Tell what the operator would create, change and delete of a casino, down to fields and SQL statements.

    The operator's hand is held while it looks, and let go afterwards, unless it was held before: then nothing happens
    until --let-go. No values are told, and no secrets.
    """
    if hold and let_go:
        raise typer.BadParameter("--hold and --let-go are opposites: give one of them")
    cluster = cluster_of(kubeconfig, context)
    if let_go:
        cluster.patch(tenant_path(name), changes.let_go())
        typer.echo("The operator goes on: what was planned happens now.")
        raise typer.Exit(OK)
    held = Tenant(read_tenant(cluster, name)).planned
    request = changes.request(datetime.now(UTC))
    cluster.patch(tenant_path(name), changes.plan(request))
    try:
        verdict, tenant = wait(cluster, name, progress.planned(request), timeout)
    finally:
        if not (held or hold):
            cluster.patch(tenant_path(name), changes.let_go())
    found = tenant.status.get("plan") if verdict.done else None
    if found is None:
        ready = tenant.condition("Ready")
        answer = f"{ready.reason}: {ready.message}" if verdict.done and ready else verdict.sentence
        typer.echo(f"There is no plan. {answer}", err=True)
        raise typer.Exit(NOT_YET)
    if as_programs:
        echo_json(found)
    else:
        console().print(rendered(name, found))
        if held or hold:
            console().print(f"Nothing happens until `kubectl casino plan {name} --let-go`.")


def _ask(cluster: Cluster, name: str, patch: changes.Patch, judge: Judge, timeout: int) -> None:
    """Of a tenant that there is."""
    read_tenant(cluster, name)
    ask(cluster, name, patch, judge, timeout)
