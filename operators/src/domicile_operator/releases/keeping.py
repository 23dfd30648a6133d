"""What a pass reads of its tenant's release, and what it says of it at its end."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from domicile_catalog.images import image_version

from domicile_operator.annotations import retries
from domicile_operator.cell import Cell
from domicile_operator.clients.kube import Object
from domicile_operator.clients.pods import Told
from domicile_operator.errors import Gone, Refused
from domicile_operator.games import trusted
from domicile_operator.names import APP, Names
from domicile_operator.plan import Plan
from domicile_operator.releases import course
from domicile_operator.releases.course import UNDER_WAY, Release
from domicile_operator.releases.figures import Figures, Harm, total
from domicile_operator.releases.fleet import failure
from domicile_operator.status import Findings
from domicile_operator.world import World


def release_of(tenant: Object, names: Names, world: World) -> Release:
    """Where the tenant stands. Its status says so; where that is lost, or of an operator before this one, what runs
    does. One that was never built has nothing to go on from, and begins with the cell's release, or where that has
    failed with what the one runs that went back from it. Raises Fault."""
    status = tenant.get("status") or {}
    if status.get("children"):
        if told := status.get("release"):
            return course.from_status(told)
        try:
            return Release(_image(world.kube.get("apps/v1", "Deployment", APP, names.namespace)))
        except Gone:
            pass
    failed = failure(world.image, world.kube.standings())
    return Release(failed.release.image if failed and failed.release else world.image)


def follow(tenant: Object, plan: Plan, world: World, told: Sequence[Told], found: Findings, *, kind: str) -> bool:
    """Take the next step, given what the pods tell and how the pass ended, and say where the tenant stands. Gives
    whether it is under way."""
    release, cell = plan.release, plan.cell
    if release.failed is not None and retries(tenant, release.failed.at):
        release = replace(release, failed=None)
    seen = course.Seen(
        world.image,
        world.now(),
        _hindrance(plan.names.tenant, release, cell, world),
        settled=kind == "settled",
        sound=kind in ("settled", "waiting"),
        serving=found.serving,
        stuck=found.stuck,
        figures=_figures(release, told),
        watch=timedelta(seconds=cell.rollouts.watch_seconds),
    )
    after = course.advance(release, seen)
    found.release = course.to_status(after)
    found.conditions.append(course.standing(after, seen))
    return after.phase in UNDER_WAY


def _hindrance(name: str, release: Release, cell: Cell, world: World) -> Harm | None:
    """Why it may not begin with the cell's release: asked of one that could alone, for it takes a slot."""
    failed = release.failed is not None and release.failed.image == world.image
    if release.phase != "Settled" or release.image == world.image or failed:
        return None
    games = trusted(cell.games_manifests, cell.games_keys, image_version(world.image), cell.name)
    if isinstance(games, Refused):
        return Harm(games.code, games.message)
    return world.slots.take(name, world.image, world.kube.standings(), cell.rollouts.at_once)


def _figures(release: Release, told: Sequence[Told]) -> Figures:
    """Of the release's pods; of one that is settled, of all: what it was before an operator gave releases a name."""
    version = image_version(release.image)
    return total(one.figures for one in told if release.phase == "Settled" or one.release == version)


def _image(deployment: Object) -> str:
    image: str = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    return image
