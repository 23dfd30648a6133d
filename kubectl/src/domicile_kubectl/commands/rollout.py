"""`kubectl casino rollout`: how releases of the casino come to the fleet."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from domicile_kubectl import changes, progress
from domicile_kubectl.clients.cluster import read_tenant, read_tenants
from domicile_kubectl.commands.asking import ask
from domicile_kubectl.errors import PluginError
from domicile_kubectl.listing import as_json
from domicile_kubectl.options import (
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
from domicile_kubectl.render.table import print_lines
from domicile_kubectl.rollouts import HEADINGS, cells, rows
from domicile_kubectl.tenant import Tenant

app = typer.Typer(name="rollout", help="How releases of the casino come to the fleet.", rich_markup_mode="rich")


@app.command(
    "status",
    epilog=epilog(
        "rollout status",
        "rollout status acme-gb",
        "rollout status --json | jq -r '.\\[].stands' | sort | uniq -c",
        exit_codes="Exit codes: 0 told, 2 it could not be told.",
    ),
)
def status_command(
    name: Annotated[str | None, typer.Argument(help="One tenant's name; all without it.", show_default=False)] = None,
    as_programs: JsonOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Tell which release each casino runs, and where it stands on the way to the cell's.

    Current: it runs the cell's release. Rolling: it comes to be in place. Watching: its bets are held against those of
    before. GoingBack, RolledBack: it did worse. Waits: others first. Halted: it failed elsewhere and goes to nobody.
    """
    cluster = cluster_of(kubeconfig, context)
    found = rows([read_tenant(cluster, name)] if name else read_tenants(cluster))
    if as_programs:
        echo_json(as_json(found))
    else:
        now = datetime.now(UTC)
        print_lines(console(), HEADINGS, [(cells(row, now), "") for row in found])


@app.command("retry", epilog=epilog("rollout retry acme-gb"))
def retry_command(
    name: NameArgument,
    timeout: TimeoutOption = 60,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Give a release that a casino went back from another chance: there, and then with the others that wait for it.

    For trouble that was not the release's. A release that mends it is installed instead: `domicile install`.
    """
    cluster = cluster_of(kubeconfig, context)
    if "failed" not in (Tenant(read_tenant(cluster, name)).status.get("release") or {}):
        raise PluginError("NOTHING_FAILED", f"{name} went back from no release: there is nothing to try again.")
    request = changes.request(datetime.now(UTC))
    ask(cluster, name, changes.retry(request), progress.tried_again, timeout)
