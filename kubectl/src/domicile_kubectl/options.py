"""What the commands share: their options, and how they end."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from domicile_kubectl.clients.cluster import Cluster, connect, read_tenants
from domicile_kubectl.errors import PluginError

OK, NOT_YET, ERROR = 0, 1, 2


def epilog(*examples: str, exit_codes: str = "Exit codes: 0 done, 1 not in time, 2 it could not be done.") -> str:
    """What stands below a command's help."""
    lines = [f"[cyan]kubectl casino {example}[/]" for example in examples]
    return "\n\n".join(["[bold]Examples[/]", *lines, exit_codes])


def complete_names(given: dict[str, str]) -> list[str]:
    """The tenants' names, for completion; none where the cluster does not tell."""
    kubeconfig = given.get("kubeconfig")
    try:
        found = read_tenants(connect(Path(kubeconfig) if kubeconfig else None, given.get("context")))
    except PluginError:
        return []
    return [str(one["metadata"]["name"]) for one in found]


NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The tenant.", show_default=False)]
ContextOption = Annotated[str | None, typer.Option("--context", help="The kubeconfig's context.", show_default=False)]
KubeconfigOption = Annotated[
    Path | None, typer.Option("--kubeconfig", help="The kubeconfig; $KUBECONFIG by default.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
TimeoutOption = Annotated[int, typer.Option("--timeout", min=0, help="Seconds to wait; 0 does not wait.")]


def cluster_of(kubeconfig: Path | None, context: str | None) -> Cluster:
    """The cluster that the options name."""
    return connect(kubeconfig, context)


def console() -> Console:
    """Where answers for people go. Brackets are what somebody wrote, and no markup."""
    return Console(highlight=False, markup=False)


def echo_json(value: Any) -> None:
    """Print a value for programs."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
