"""`domicile install`: the CRD and the operator into whatever cluster the kubeconfig names."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.console import Console

OPERATOR = "domicile-operator"
NAMESPACE = "domicile-system"
UNSET_OPERATOR, UNSET_CASINO = "domicile-operator:unset", "casino:unset"

console = Console()


class InstallError(RuntimeError):
    """The installation stopped; the message says at what and what to do."""


def with_images(manifests: list[dict[str, Any]], operator_image: str, casino_image: str) -> list[dict[str, Any]]:
    """Put the two images where the manifests leave them unset. Raises InstallError where one has no place."""
    text = json.dumps(manifests)
    for unset, image in ((UNSET_OPERATOR, operator_image), (UNSET_CASINO, casino_image)):
        if unset not in text:
            raise InstallError(f"The manifests have no image `{unset}` to set to {image}.")
        text = text.replace(f'"{unset}"', json.dumps(image))
    found: list[dict[str, Any]] = json.loads(text)
    return found


def install(
    operator_image: Annotated[str, typer.Option(help="The operator's image, with its tag or digest.")],
    casino_image: Annotated[str, typer.Option(help="The casino's image that tenants run, with its tag or digest.")],
    manifests: Annotated[Path, typer.Option(help="The kustomization to install.", exists=True, file_okay=False)] = Path(
        "operators/deploy"
    ),
    timeout: Annotated[int, typer.Option(help="Seconds to wait until the operator runs.")] = 120,
    dry_run: Annotated[bool, typer.Option(help="Print what would be applied, and apply nothing.")] = False,
) -> None:
    """Install or upgrade the CRD and the operator in the cluster of your KUBECONFIG.

    The same for every cluster. It must have the ConfigMap domicile-cell in the namespace domicile-system, which
    the cell's stack or the site's playbook writes.

    [bold]Examples[/bold]

      domicile install --operator-image registry.example/domicile-operator:0.1.0 \\
        --casino-image registry.example/casino:0.1.0

      domicile install --operator-image ... --casino-image ... --dry-run
    """
    try:
        rendered = list(yaml.safe_load_all(_kubectl("kustomize", str(manifests))))
        documents = with_images(rendered, operator_image, casino_image)
        if dry_run:
            typer.echo(yaml.safe_dump_all(documents, sort_keys=False))
            return
        # The kind has to exist before anything that needs it is served.
        crds = [d for d in documents if d["kind"] in ("CustomResourceDefinition", "Namespace")]
        _apply(crds)
        for crd in (d for d in crds if d["kind"] == "CustomResourceDefinition"):
            _kubectl("wait", "--for=condition=Established", f"crd/{crd['metadata']['name']}", "--timeout=30s")
        if not _kubectl(
            "get", "configmap", "domicile-cell", "-n", NAMESPACE, "--ignore-not-found", "-o", "name"
        ).strip():
            raise InstallError(
                f"The cluster has no ConfigMap domicile-cell in {NAMESPACE}: the operator would not know where it is. "
                "The cell's Pulumi stack or `ansible-playbook playbooks/site.yml` writes it."
            )
        _apply([d for d in documents if d not in crds])
        console.print(f"waiting until {OPERATOR} runs (at most {timeout} s)")
        _kubectl("rollout", "status", f"deployment/{OPERATOR}", "-n", NAMESPACE, f"--timeout={timeout}s")
    except InstallError as error:
        console.print(f"[red]Not installed:[/red] {error}", highlight=False)
        raise typer.Exit(1) from None
    console.print(f"{OPERATOR} runs {operator_image}", highlight=False)


def _apply(documents: list[dict[str, Any]]) -> None:
    text = yaml.safe_dump_all(documents)
    answer = _kubectl(
        "apply", "--server-side", "--force-conflicts", "--field-manager=domicile-install", "-f", "-", stdin=text
    )
    console.print(answer.rstrip(), highlight=False)


def _kubectl(*arguments: str, stdin: str | None = None) -> str:
    if not shutil.which("kubectl"):
        raise InstallError("kubectl is not on the PATH (the lab builds one into .lab/bin).")
    done = subprocess.run(["kubectl", *arguments], input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise InstallError(f"kubectl {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout
