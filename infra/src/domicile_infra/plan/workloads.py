"""Which of a cell's manifests go into its cluster, and in which order."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.cell_config import Stores, cell_document
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.manifests import (
    Manifest,
    attestations_config_map,
    cell_config_map,
    games_config_map,
    restarted_by,
    with_images,
)

FIRST = ("Namespace", "CustomResourceDefinition")
"""Kinds without which nothing else can be put into a cluster."""
LAST = ("Deployment", "Job")
"""Kinds whose pods need all the rest."""


@dataclass(frozen=True, slots=True)
class Stages:
    """A cluster's manifests in three turns, each of which needs the one before."""

    first: tuple[Manifest, ...]
    then: tuple[Manifest, ...]
    last: tuple[Manifest, ...]


def stages(plan: CellPlan, manifests: Iterable[Manifest], stores: Stores) -> Stages:
    """The operator's manifests with the cell's images, its description and its attestations.

    Raises PlanError for a cell without an OpenBao, whose environment names no release, or whose release lacks the
    manifest of games that the cell trusts alone.
    """
    if plan.release is None:
        raise PlanError(
            f"The environment {plan.environment} names no release, and {plan.name} would have no operator to run. "
            "Add release (operatorImage, casinoImage) to environment.yaml."
        )
    if plan.games_keys and plan.games_manifest is None:
        raise PlanError(
            f"{plan.name} runs only games that DOMICILE_GAMES_KEYS signed, and the release of {plan.environment} names "
            "no gamesManifest. Add it to environment.yaml's release (docs/games.md)."
        )
    config = cell_config_map(cell_document(plan, stores), plan.ca_pem)
    ready = with_images(manifests, plan.release.operator_image, plan.release.casino_image)
    signed = [games_config_map(plan.release.casino_image, plan.games_manifest)] if plan.games_manifest else []
    everything = [*ready, config, attestations_config_map(plan.attestations), *signed]
    restarted = [restarted_by(one, config) for one in everything]
    return Stages(
        first=tuple(one for one in restarted if one["kind"] in FIRST),
        then=tuple(one for one in restarted if one["kind"] not in (*FIRST, *LAST)),
        last=tuple(one for one in restarted if one["kind"] in LAST),
    )


def token(manifest: Manifest) -> str:
    """Pulumi's type of a Kubernetes object: kubernetes:apps/v1:Deployment, and core/v1 for the group without name."""
    version = str(manifest["apiVersion"])
    return f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest['kind']}"


def logical_name(manifest: Manifest) -> str:
    """The name of an object in its stack: its namespace's, and its own."""
    about: Mapping[str, str] = manifest["metadata"]
    return "/".join(filter(None, (about.get("namespace"), about["name"])))
