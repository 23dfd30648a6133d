"""`domicile-lab`: the world in a box. `make up`, `make status`, `make down` and `make clean` call it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from domicile_lab import host, machines, preflight, tools
from domicile_lab.cloud import commands as cloud
from domicile_lab.cloud import node
from domicile_lab.identity import EVERY_MACHINE, Identity, identify
from domicile_lab.paths import Paths, checkout
from domicile_lab.progress import Step, StepsFailed, run_steps
from domicile_lab.shell import CommandError, run
from domicile_lab.up import Up, state_folders, tenant_urls

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="The world in a box: real machines, a real cluster and its stores, on this host.",
    pretty_exceptions_show_locals=False,
)
app.add_typer(cloud.app, name="cloud")
console = Console()


def _here() -> tuple[Paths, Identity]:
    root = checkout()
    return Paths.of(root), identify(root)


def _say(text: str) -> None:
    console.print(f"  {text[:150]}", highlight=False, markup=False)


@contextmanager
def _alone(paths: Paths) -> Iterator[None]:
    """One command changes the lab at a time."""
    paths.state.mkdir(exist_ok=True)
    with (paths.state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            console.print("Another command is changing this lab; it has to end first.", style="red")
            raise typer.Exit(1) from None
        yield


@app.command()
def up() -> None:
    """Bring everything up; run it again at any point, after Ctrl-C too.

    Example: make up
    """
    paths, identity = _here()
    if faults := preflight.problems(paths, identity):
        console.print("The lab cannot come up here:", style="red")
        for fault in faults:
            console.print(f"  - {fault}", highlight=False)
        raise typer.Exit(1)
    with _alone(paths):
        state_folders(paths)
        plan = Up(paths, identity).steps()
        seconds = _run(plan, paths)
    (paths.state / "timings.json").write_text(
        json.dumps({"total_s": round(seconds, 1)} | {s.name: round(s.elapsed, 1) for s in plan}, indent=2)
    )
    _summary(paths, seconds)


def _run(plan: list[Step], paths: Paths) -> float:
    """Run the steps with their progress shown; return the seconds. A failure is explained and ends the program."""
    try:
        return run_steps(plan, console)
    except StepsFailed as failed:
        for name, error in failed.errors.items():
            console.print(f"\n[red]{name} failed.[/]", highlight=False)
            console.print(str(error) or repr(error), markup=False, highlight=False)
        console.print(f"\nLogs: {paths.logs}. Running it again goes on from here.", highlight=False)
        raise typer.Exit(1) from None


def _summary(paths: Paths, seconds: float) -> None:
    console.print(f"\n[green]The lab is up[/] ({seconds:.0f} s).", highlight=False)
    table = Table.grid(padding=(0, 2))
    for name, url in tenant_urls(paths).items():
        table.add_row(name, url)
    table.add_row("cluster", f"export KUBECONFIG={paths.kubeconfig}; PATH={paths.bin}:$PATH kubectl casino list")
    table.add_row("credentials", f"{paths.secrets} (readable by root alone)")
    table.add_row("authority", f"{paths.authorities / 'site.crt'} (let a browser trust it)")
    console.print(table, highlight=False)


@app.command()
def down() -> None:
    """Stop the machines and take back every change to the host; the lab's state is kept, but for the cloud's.

    Example: make down
    """
    paths, identity = _here()
    with _alone(paths):
        _down(paths, identity)
    console.print("The lab is down; its state is kept. `make up` brings it back, `make clean` forgets it.")


def _down(paths: Paths, identity: Identity) -> None:
    cloud.end(paths, identity, _say)
    machines.stop_all(paths, _say)
    host.remove_network(identity)
    host.remove_cgroups(identity, *EVERY_MACHINE)
    host.restore_sysctls(paths)


@app.command()
def clean() -> None:
    """Stop the machines and delete the lab's state; what was built stays in the cache.

    Example: make clean
    """
    paths, identity = _here()
    with _alone(paths):
        _down(paths, identity)
        mounted = [line for line in Path("/proc/mounts").read_text().splitlines() if f" {paths.state}/" in line]
        if mounted:
            raise CommandError(f"Still mounted below {paths.state}: {mounted[0].split()[1]}. Nothing was deleted.")
        shutil.rmtree(paths.state)
    console.print("The lab's state is gone.")


@app.command()
def status(as_json: bool = typer.Option(False, "--json", help="Print one JSON object.")) -> None:
    """Show what runs, where it answers, and what the lab has changed on this host.

    Example: make status
    """
    paths, identity = _here()
    there = machines.laid_out(paths)
    running = {m.name: machines.pid_of(paths, m) for m in there}
    urls = tenant_urls(paths) if running["node1"] and paths.kubeconfig.exists() else {}
    with host.host_record() as record:
        sysctls_before = record.sysctls
    report = {
        "lab": identity.id,
        "network": str(identity.network),
        "machines": {m.name: {"address": identity.address(m), "running": running[m.name] is not None} for m in there},
        "tenants": urls,
        "host_changes": {
            "bridge": identity.bridge if host.bridge_exists(identity) else None,
            "nftables_table": f"ip domicile_{identity.id}" if host.bridge_exists(identity) else None,
            "sysctls_before": sysctls_before,
            "cgroups": sorted({group.name for group in host.cgroups(identity, *EVERY_MACHINE)}),
            "packages": host.PACKAGES,
        },
    }
    if as_json:
        console.print_json(data=report)
        return
    table = Table(title=f"lab {identity.id} on {identity.network}")
    for heading in ("machine", "address", "state", "what it is"):
        table.add_column(heading)
    for m in there:
        state = "[green]running[/]" if running[m.name] else "[dim]stopped[/]"
        table.add_row(m.name, identity.address(m), state, ", ".join(m.groups))
    console.print(table)
    for name, url in urls.items():
        console.print(f"  {name}: {url}", highlight=False)
    if urls:
        deployments = ["get", "deployments", "--all-namespaces", "--selector", "domicile.dev/tenant"]
        for what in (["get", "casinotenants"], deployments):
            console.print(run([*paths.kubectl, *what], check=False), markup=False, highlight=False)


@cloud.app.command("node")
def cloud_node() -> None:
    """Put a real node behind the EKS clusters that are built from now on. Needs the lab (`make up`).

    Example: uv run domicile-lab cloud node
    """
    paths, identity = _here()
    with _alone(paths):
        plan = node.steps(paths, identity, cloud.started(paths, identity))
        _run(plan, paths)
    console.print("EKS clusters that are built from now on answer on the node.", highlight=False)
    console.print(f"Its administrator: export KUBECONFIG={paths.cloud_kubeconfig}", highlight=False)


@app.command()
def logs(tenant: str = typer.Argument(help="Name of the tenant, such as acme-gb."), follow: bool = False) -> None:
    """Print a tenant's casino logs.

    Example: make logs TENANT=acme-gb
    """
    paths, _ = _here()
    command = [*paths.kubectl, "logs", "--namespace", f"casino-{tenant}",
               "--selector", "app.kubernetes.io/name=casino", "--tail", "200", "--prefix"]  # fmt: skip
    os.execv(command[0], [*command, "--follow"] if follow else command)  # noqa: S606 - becomes kubectl


@app.command("tools")
def build_tools() -> None:
    """Build the pinned Go programs into the cache; nothing to do when their pins have not changed.

    Example: make tools
    """
    paths, _ = _here()
    state_folders(paths)
    _run([Step("tools", lambda say: tools.build_all(paths, say))], paths)
    console.print(f"The programs are in {paths.bin}.", highlight=False)


@app.command()
def packages() -> None:
    """Install the Debian packages that the lab and the tests need on this host.

    Example: uv run domicile-lab packages
    """
    paths, _ = _here()
    state_folders(paths)
    host.install_packages(paths, _say)


@app.command()
def ssh(name: str, command: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Open a shell on a machine, or run a command there.

    Example: uv run domicile-lab ssh data1 -- systemctl status postgresql@15-main
    """
    paths, identity = _here()
    chosen = {m.name: m for m in EVERY_MACHINE}.get(name)
    if chosen is None:
        console.print(f"There is no machine {name}; there are {', '.join(m.name for m in EVERY_MACHINE)}.", style="red")
        raise typer.Exit(2)
    argv = machines.ssh_command(paths, identity, chosen)
    os.execvp(argv[0], [*argv, *(command or [])])  # noqa: S606 - becomes ssh


def run_app() -> None:
    try:
        app()
    except CommandError as error:
        console.print(str(error), markup=False, highlight=False)
        sys.exit(1)


if __name__ == "__main__":
    run_app()
