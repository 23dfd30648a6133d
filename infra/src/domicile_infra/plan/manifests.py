"""The operator's manifests, as a list in the order in which a cluster can take them.

`read_manifests` and `read_attestations` read files; everything else is a function of values.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import yaml
from domicile_catalog.images import image_version

from domicile_infra.plan.errors import PlanError

Manifest = dict[str, Any]

NAMESPACE = "domicile-system"
CELL, ATTESTATIONS, GAMES = "domicile-cell", "domicile-attestations", "domicile-games"
UNSET_OPERATOR, UNSET_CASINO = "domicile-operator:unset", "casino:unset"
UNSET_BACKUP = "casino-backup:unset"
MOST_BYTES = 900_000
"""A ConfigMap holds a mebibyte, names and all."""
CELL_DIGEST = "domicile.dev/cell-digest"
"""The annotation of the pods that changes with the cell's description, which they read at their start."""


UNAWAITED = "pulumi.com/skipAwait"
"""The annotation by which Pulumi's Kubernetes provider does not wait until an object is ready."""


def read_manifests(folder: Path) -> list[Manifest]:
    """The documents of a folder's kustomization.yaml, which may list files and do nothing else.

    Raises PlanError for a file that cannot be read, and for a kustomization that does more.
    """
    kustomization = _read(folder / "kustomization.yaml")
    if len(kustomization) != 1 or set(kustomization[0]) - {"apiVersion", "kind", "resources"}:
        raise PlanError(
            f"{folder}/kustomization.yaml does more than list resources, and only those are read here: write it out in "
            "the files, or install with kubectl."
        )
    return [one for name in kustomization[0].get("resources", ()) for one in _read(folder / name)]


def read_attestations(folder: Path) -> dict[str, str]:
    """An environment's attestations and their signatures by file name, byte for byte; none where there is no folder.

    Raises PlanError.
    """
    found: dict[str, str] = {}
    for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.sig")]):
        try:
            found[file.name] = file.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise PlanError(f"{file} cannot be read: {error}. Attestations are text in UTF-8.") from None
    return found


def _read(file: Path) -> list[Manifest]:
    try:
        return [one for one in yaml.safe_load_all(file.read_text()) if one is not None]
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise PlanError(f"{file} cannot be read: {error}") from None


def with_images(
    manifests: Iterable[Manifest], operator_image: str, casino_image: str, backup_image: str = ""
) -> list[Manifest]:
    """The manifests with the images where they leave them unset. Raises PlanError where one of the first two has no
    place; without a `backup_image` nobody is backed up."""
    text = json.dumps(list(manifests)).replace(f'"{UNSET_BACKUP}"', json.dumps(backup_image))
    for unset, image in ((UNSET_OPERATOR, operator_image), (UNSET_CASINO, casino_image)):
        if f'"{unset}"' not in text:
            raise PlanError(f"The manifests have no image `{unset}` to set to {image}.")
        text = text.replace(f'"{unset}"', json.dumps(image))
    found: list[Manifest] = json.loads(text)
    return found


def cell_config_map(content: Mapping[str, Any], ca_pem: str) -> Manifest:
    """The ConfigMap that tells the operator where it is, and by whose CA its stores are signed."""
    text = yaml.safe_dump(dict(content), sort_keys=False)
    return _config_map(CELL, {"cell.yaml": text, "ca.crt": ca_pem})


def attestations_config_map(files: Mapping[str, str]) -> Manifest:
    """The ConfigMap of an environment's attestations: a key for each file, and the signatures among them.

    It is empty where there are none, so that the last one can be withdrawn. Raises PlanError where it would not fit.
    """
    for name in files:
        if not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", name):
            raise PlanError(f"{name}: a ConfigMap takes letters, digits, `-`, `_` and `.` in a name. Rename it.")
    size = sum(len(text.encode()) for text in files.values())
    if size > MOST_BYTES:
        raise PlanError(
            f"The attestations are {size} bytes, and a ConfigMap takes {MOST_BYTES}: remove those that have expired."
        )
    return _config_map(ATTESTATIONS, dict(sorted(files.items())))


def games_config_map(casino_image: str, text: str) -> Manifest:
    """The ConfigMap of the games' signed manifest: a key for the version of the casino's image that it is of, so that
    an operator of the release before still finds its own. Raises PlanError for what is no manifest."""
    try:
        envelope = json.loads(text)
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict) or set(envelope) != {"manifest", "signature"}:
        raise PlanError("The manifest of the games is none: `make manifest` writes one, signed (docs/games.md).")
    return _config_map(GAMES, {f"{image_version(casino_image)}.json": text})


def _config_map(name: str, data: dict[str, str]) -> Manifest:
    about = {"name": name, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": data}


def restarted_by(manifest: Manifest, config: Manifest) -> Manifest:
    """A Deployment or Job whose pods are made anew whenever the ConfigMap's content is another; others as they are.

    The program does not wait until they run: their image may be pushed to the registry that it has just made, and
    the OpenBao that they wait for may come from the GitOps source.
    """
    if manifest["kind"] not in ("Deployment", "Job"):
        return manifest
    digest = hashlib.sha256(json.dumps(config["data"], sort_keys=True).encode()).hexdigest()[:16]
    changed = deepcopy(manifest)
    _annotate(changed["metadata"], UNAWAITED, "true")
    _annotate(changed["spec"]["template"].setdefault("metadata", {}), CELL_DIGEST, digest)
    return changed


def _annotate(metadata: dict[str, Any], name: str, value: str) -> None:
    metadata["annotations"] = {**metadata.get("annotations", {}), name: value}


def gitops_manifests(cell: str, url: str, branch: str, path: str, variables: Mapping[str, str]) -> list[Manifest]:
    """The source that the cluster syncs from, for Flux, which must run there already (`flux install`).

    `variables` are what the files of that path may use as ${NAME}: what this program knows and they cannot. Nothing
    that is deleted from the repository takes a tenant with it: pruning is off.
    """
    about = {"name": f"{cell}-tenants", "namespace": "flux-system"}
    known = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": about, "data": dict(sorted(variables.items()))}
    source = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": dict(about),
        "spec": {"interval": "1m", "url": url, "ref": {"branch": branch}},
    }
    sync = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": dict(about),
        "spec": {
            "interval": "10m",
            "path": f"./{path.removeprefix('./')}",
            "prune": False,
            "wait": True,
            "timeout": "5m",
            "sourceRef": {"kind": "GitRepository", "name": about["name"]},
            "postBuild": {"substituteFrom": [{"kind": "ConfigMap", "name": about["name"]}]},
        },
    }
    return [known, source, sync]
