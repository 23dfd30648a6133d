"""`kubectl casino suspend-licence` and `reopen`: what may be done in a casino, and since when that binds."""

from enum import StrEnum
from typing import Annotated

import typer

from domicile_kubectl import changes, progress
from domicile_kubectl.clients.cluster import Cluster, read_tenant, tenant_path
from domicile_kubectl.clients.waiting import wait
from domicile_kubectl.errors import PluginError
from domicile_kubectl.options import (
    NOT_YET,
    ContextOption,
    KubeconfigOption,
    NameArgument,
    TimeoutOption,
    cluster_of,
    epilog,
)
from domicile_kubectl.tenant import Tenant

app = typer.Typer(rich_markup_mode="rich")

YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for the brand's name.")]


class State(StrEnum):
    """What a casino may be reopened to."""

    LIVE = "Live"
    CLOSED_TO_NEW_PLAYERS = "ClosedToNewPlayers"
    WITHDRAW_ONLY = "WithdrawOnly"


@app.command(
    "suspend-licence",
    epilog=epilog(
        'suspend-licence acme-gb --reason "order UKGC 2026/118"',
        'suspend-licence acme-gb --reason "order UKGC 2026/118" --withdrawals',
        exit_codes="Exit codes: 0 in force, 1 written and not in force yet, 2 it could not be done.",
    ),
)
def suspend_command(
    name: NameArgument,
    *,
    reason: Annotated[str, typer.Option("--reason", help="By whose order, or why.", show_default=False)],
    withdrawals: Annotated[bool, typer.Option("--withdrawals", help="Players are paid out all the same.")] = False,
    yes: YesOption = False,
    timeout: TimeoutOption = 300,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Stop play in a casino, and wait until it holds: no registration, no deposit, no stake, and no withdrawal.

    It holds when every pod shows the new record and no transaction of before runs any more: OperationInForce is True,
    and since when is told, for the regulator. The kubelet takes up to two minutes to bring the record. What was begun
    is brought to its end. The reason is kept as an annotation.

    Where a GitOps controller keeps the tenant, write spec.state there too, or it is put back.
    """
    cluster, patch = cluster_of(kubeconfig, context), changes.suspend(reason, withdrawals)
    _confirm(cluster, name, "suspend", yes)
    _write(cluster, name, patch, {"withdraw"} if withdrawals else set(), timeout)


@app.command(
    "reopen",
    epilog=epilog(
        "reopen acme-gb",
        "reopen acme-gb --to WithdrawOnly",
        exit_codes="Exit codes: 0 in force, 1 written and not (all) in force, 2 it could not be done.",
    ),
)
def reopen_command(
    name: NameArgument,
    *,
    to: Annotated[State, typer.Option("--to", help="What may be done from then on.")] = State.LIVE,
    yes: YesOption = False,
    timeout: TimeoutOption = 300,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Let a casino do more again, and wait until it holds. That takes the right `loosen` (casino-licence-officer).

    Licence and law still bind: what they do not allow stays closed, and that is told.

    Where a GitOps controller keeps the tenant, write spec.state there too, or it is put back.
    """
    cluster = cluster_of(kubeconfig, context)
    _confirm(cluster, name, "reopen", yes)
    tenant = _write(cluster, name, changes.reopen(to.value), None, timeout)
    if tenant.status.get("state") != to.value:
        said = tenant.condition("OperationInForce")
        typer.echo(f"spec.state is {to.value}, and licence or law allow less. {said.message if said else ''}", err=True)
        raise typer.Exit(NOT_YET)


def _confirm(cluster: Cluster, name: str, verb: str, yes: bool) -> None:
    tenant = Tenant(read_tenant(cluster, name))
    if yes:
        return
    question = f"{tenant.brand} ({tenant.jurisdiction}, {tenant.place or 'nowhere yet'}). To {verb} it, type its brand"
    try:
        written = typer.prompt(question, err=True)
    except typer.Abort:
        raise PluginError("NOT_CONFIRMED", "Nothing was changed: nobody answered. --yes asks nothing.") from None
    if " ".join(str(written).split()) != " ".join(tenant.brand.split()):
        raise PluginError("NOT_CONFIRMED", f"Nothing was changed: the brand of {name} is {tenant.brand!r}.")


def _write(cluster: Cluster, name: str, patch: changes.Patch, allowed: set[str] | None, timeout: int) -> Tenant:
    """Write it and wait until it binds; the tenant as it then is. A command that waited in vain ends here."""
    written = Tenant(cluster.patch(tenant_path(name), patch))
    verdict, tenant = wait(cluster, name, progress.in_force(written.generation, allowed), timeout)
    if not verdict.done:
        typer.echo(f"spec.state is written, and not in force after {timeout} s. {verdict.sentence}", err=True)
        typer.echo(f"`kubectl wait casino {name} --for=condition=OperationInForce` goes on waiting.", err=True)
        raise typer.Exit(NOT_YET)
    typer.echo(f"{name}: {verdict.sentence}")
    return tenant
