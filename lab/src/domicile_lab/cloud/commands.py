"""`domicile-lab cloud`: the lab's cloud, up and down."""

from __future__ import annotations

import json
import os
import shlex
from typing import Annotated

import typer
from rich.console import Console

from domicile_lab.cloud import node, process
from domicile_lab.cloud.state import Cloud
from domicile_lab.identity import Identity, identify
from domicile_lab.paths import Paths, checkout
from domicile_lab.shell import Say

app = typer.Typer(no_args_is_help=True, help="A stand-in for AWS that enforces the organisation's policies.")
console = Console()


def _here() -> tuple[Paths, Identity]:
    root = checkout()
    return Paths.of(root), identify(root)


@app.command()
def up() -> None:
    """Start the cloud, unless it runs.

    Example: uv run domicile-lab cloud up
    """
    paths, identity = _here()
    cloud = started(paths, identity)
    console.print(f"The cloud answers on {cloud.endpoint_url}.", highlight=False)
    console.print('Lead this shell to it: eval "$(uv run domicile-lab cloud env)"', highlight=False)


def started(paths: Paths, identity: Identity) -> Cloud:
    """The lab's cloud, running; machines of the lab may ask it whose a token is."""
    return process.start(paths.cloud, identity.cloud_port, identity.cloud_port + 1, identity.gateway)


@app.command()
def down() -> None:
    """End the cloud and its node; what it held is lost, and with it the Pulumi state that describes it.

    Example: uv run domicile-lab cloud down
    """
    paths, identity = _here()
    end(paths, identity, lambda text: console.print(text, highlight=False))


def end(paths: Paths, identity: Identity, say: Say) -> None:
    """End the lab's cloud, and say what was lost."""
    node.end(paths, identity, say)
    if process.stop(paths.cloud):
        say("The lab's cloud has ended. It lived in memory: its accounts and the Pulumi state of them are gone.")


@app.command()
def status(as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show whether the cloud runs, and where it answers.

    Example: uv run domicile-lab cloud status
    """
    paths, _ = _here()
    cloud = process.running(paths.cloud)
    report = {
        "running": cloud is not None,
        "pid": cloud.endpoints.pid if cloud else None,
        "endpoint": cloud.endpoint_url if cloud else None,
        "raw": cloud.raw_url if cloud else None,
    }
    if as_json:
        console.print_json(json.dumps(report))
        return
    for name, value in report.items():
        console.print(f"{name}: {value}", highlight=False)


@app.command()
def env() -> None:
    """Print the variables that lead AWS clients and Pulumi to the lab's cloud.

    Example: eval "$(uv run domicile-lab cloud env)"
    """
    paths, _ = _here()
    cloud = process.running(paths.cloud)
    if cloud is None:
        typer.echo("The lab's cloud does not run: start it with `uv run domicile-lab cloud up`.", err=True)
        raise typer.Exit(1)
    for name, value in cloud.environment(path=os.environ.get("PATH", ""), checkout=paths.root).items():
        typer.echo(f"export {name}={shlex.quote(value)}")
