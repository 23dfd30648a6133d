"""`domicile install`: the CRD, the operator and an environment's attestations into the kubeconfig's cluster."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from domicile_catalog import Fault
from domicile_catalog.documents import parse_mapping
from domicile_catalog.environment import read_environment
from domicile_catalog.images import image_version
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.manifests import (
    ATTESTATIONS,
    CELL,
    GAMES,
    NAMESPACE,
    attestations_config_map,
    games_config_map,
    read_attestations,
    with_images,
)
from rich.console import Console

OPERATOR = "domicile-operator"
CERTIFICATES = "certificates"
"""The folder, below the operator's manifests, of who has tenants' certificates signed."""

console = Console()


class InstallError(RuntimeError):
    """The installation stopped; the message says at what and what to do."""


def install(
    operator_image: Annotated[str, typer.Option(help="The operator's image, with its tag or digest.")],
    casino_image: Annotated[str, typer.Option(help="The casino's image that tenants run, with its tag or digest.")],
    *,
    backup_image: Annotated[str, typer.Option(help="The image that backs casinos up; none for no backups.")] = "",
    manifests: Annotated[Path, typer.Option(help="The kustomization to install.", exists=True, file_okay=False)] = Path(
        "operators/deploy"
    ),
    environment: Annotated[
        Path | None,
        typer.Option(
            "--environment",
            "-e",
            help="Install this environment's attestations too.",
            exists=True,
            file_okay=False,
        ),
    ] = None,
    games_manifest: Annotated[
        Path | None,
        typer.Option(
            help="The signed manifest of the casino image's games (`make manifest`).", exists=True, dir_okay=False
        ),
    ] = None,
    timeout: Annotated[int, typer.Option(help="Seconds to wait until the operator runs.")] = 120,
    dry_run: Annotated[bool, typer.Option(help="Print what would be applied, and apply nothing.")] = False,
) -> None:
    """Install or upgrade the CRD and the operator in the cluster of your KUBECONFIG.

    The same for every cluster. It must have the ConfigMap domicile-cell in the namespace domicile-system, which
    the cell's stack or the site's playbook writes. With an environment, the ConfigMap domicile-attestations there
    becomes what its folder holds; the operator goes by it within a minute or two, and need not be restarted.

    A cell whose description names certificates gets domicile-certificates too.

    With a manifest of the games, the ConfigMap domicile-games has it beside those of former releases. A cell whose
    description names gamesKeys runs no casino image without one.

    [bold]Examples[/bold]

      domicile install --operator-image registry.example/domicile-operator:0.1.0 \\
        --casino-image registry.example/casino:0.1.0

      domicile install --operator-image ... --casino-image ... --environment environments/live

      domicile install --operator-image ... --casino-image ... --games-manifest manifest.json

      domicile install --operator-image ... --casino-image ... --dry-run
    """
    try:
        rendered = list(yaml.safe_load_all(_kubectl("kustomize", str(manifests))))
        further = manifests / CERTIFICATES
        certifying = list(yaml.safe_load_all(_kubectl("kustomize", str(further)))) if further.is_dir() else []
        whole = with_images([*rendered, *certifying], operator_image, casino_image, backup_image)
        documents, certifying = whole[: len(rendered)], whole[len(rendered) :]
        papers = attestations_config_map(read_attestations(environment / "attestations")) if environment else None
        games = (
            games_config_map(casino_image, games_manifest.read_bytes().decode(errors="replace"))
            if games_manifest
            else None
        )
        if dry_run:
            extra = [one for one in (papers, games) if one]
            typer.echo(yaml.safe_dump_all([*documents, *extra], sort_keys=False))
            return
        # The kind has to exist before anything that needs it is served.
        crds = [d for d in documents if d["kind"] in ("CustomResourceDefinition", "Namespace")]
        _apply(crds)
        for crd in (d for d in crds if d["kind"] == "CustomResourceDefinition"):
            _kubectl("wait", "--for=condition=Established", f"crd/{crd['metadata']['name']}", "--timeout=30s")
        cell = _cell()
        if environment and papers:
            _install_attestations(environment, papers, cell)
        _install_games(games, casino_image, cell)
        _apply([d for d in documents if d not in crds])
        if cell.get("certificates"):
            _apply(certifying)
        console.print(f"waiting until {OPERATOR} runs (at most {timeout} s)")
        _kubectl("rollout", "status", f"deployment/{OPERATOR}", "-n", NAMESPACE, f"--timeout={timeout}s")
    except (InstallError, PlanError) as error:
        console.print(f"[red]Not installed:[/red] {error}", highlight=False)
        raise typer.Exit(1) from None
    console.print(f"{OPERATOR} runs {operator_image}", highlight=False)


def _cell() -> dict[str, Any]:
    """The cell's description in the cluster. Raises InstallError where there is none."""
    found = _config_map(CELL)
    if found is None:
        raise InstallError(
            f"The cluster has no ConfigMap {CELL} in {NAMESPACE}: the operator would not know where it is. "
            "The cell's Pulumi stack or `ansible-playbook playbooks/site.yml` writes it."
        )
    return parse_mapping(found.get("cell.yaml", "").encode(), "cell.yaml", [])


def _install_attestations(folder: Path, papers: dict[str, Any], cell: dict[str, Any]) -> None:
    """Make the cluster's attestations those of the folder, and say so."""
    faults: list[Fault] = []
    environment = read_environment(folder, faults)
    if environment is None or faults:
        raise InstallError("; ".join(f"{folder}/{fault}" for fault in faults))
    if cell.get("environment") != environment.name:
        raise InstallError(
            f"{folder} is the environment {environment.name}, and the cluster's cell is of {cell.get('environment')}: "
            "name the folder of that one."
        )
    # A writer of its own, the same as the playbook's: a key that it leaves out is then nobody's, and goes.
    _apply([papers], writer=ATTESTATIONS)
    left = sorted(set(_config_map(ATTESTATIONS) or {}) - set(papers["data"]))
    if left:
        raise InstallError(
            f"The ConfigMap {ATTESTATIONS} still holds {', '.join(left)}, which something else wrote. "
            f"`kubectl delete configmap {ATTESTATIONS} -n {NAMESPACE}`, and install again."
        )
    names = ", ".join(name for name in papers["data"] if name.endswith(".yaml")) or "none"
    console.print(f"attestations of {environment.name}: {names}", highlight=False, markup=False)


def _install_games(games: dict[str, Any] | None, casino_image: str, cell: dict[str, Any]) -> None:
    """Put the manifest of the image's games beside those of other releases. Raises InstallError where one is missing
    that the cell asks for."""
    version = image_version(casino_image)
    if games is None:
        if cell.get("gamesKeys") and f"{version}.json" not in (_config_map(GAMES) or {}):
            raise InstallError(
                f"The cell {cell.get('name')} runs only games that its gamesKeys signed: name the manifest of "
                f"{casino_image} with --games-manifest (docs/games.md)."
            )
        return
    # A writer for each version: what the operator of the release before reads stays until that is gone.
    _apply([games], writer=f"{GAMES}-{hashlib.sha256(version.encode()).hexdigest()[:12]}")
    if not cell.get("gamesKeys"):
        console.print(
            f"[yellow]The cell {cell.get('name')} names no gamesKeys: nobody verifies the manifest.[/yellow]",
            highlight=False,
        )


def _config_map(name: str) -> dict[str, str] | None:
    """What a ConfigMap of our namespace holds, or None where there is no such."""
    found = _kubectl("get", "configmap", name, "-n", NAMESPACE, "--ignore-not-found", "-o", "json").strip()
    return json.loads(found).get("data") or {} if found else None


def _apply(documents: list[dict[str, Any]], writer: str = "domicile-install") -> None:
    text = yaml.safe_dump_all(documents)
    answer = _kubectl("apply", "--server-side", "--force-conflicts", f"--field-manager={writer}", "-f", "-", stdin=text)
    console.print(answer.rstrip(), highlight=False)


def _kubectl(*arguments: str, stdin: str | None = None) -> str:
    if not shutil.which("kubectl"):
        raise InstallError("kubectl is not on the PATH (the lab builds one into .lab/bin).")
    done = subprocess.run(["kubectl", *arguments], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InstallError(f"kubectl {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
