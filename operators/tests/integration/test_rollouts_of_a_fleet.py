"""Releases come to a fleet on a real API server: to one tenant alone, then to all; a bad one goes back."""

import json
from collections.abc import Iterator

import pytest
from operator_testkit.cell import Cell, Operator
from operator_testkit.fakes import IMAGE
from operator_testkit.fleet import Hands
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, condition, manifest, status, until

pytestmark = pytest.mark.apiserver

FIRST, SECOND = "pilot-gb", "follower-gb"
NEXT, BAD = "registry.test/casino:0.2.0-def5678", "registry.test/casino:0.3.0-bad0000"


@pytest.fixture
def hands(cell: Cell, operator: Operator) -> Iterator[Hands]:
    with Hands(cell) as running:
        for name in (FIRST, SECOND):
            apply(cell, manifest(name))
        cell.cluster.kubectl("label", "casino", FIRST, "domicile.dev/first=true", "--overwrite")
        for name in (FIRST, SECOND):
            until(cell, name, "Ready", "True")
        yield running
        # What the cell had before, for the tests to come.
        running.broken = ""
        release(operator, IMAGE)
        for name in (FIRST, SECOND):
            eventually(lambda name=name: runs(cell, name) == {IMAGE}, 120, f"{name} on {IMAGE}")


def release(operator: Operator, image: str) -> None:
    """As `domicile install` with another image does."""
    operator.stop()
    operator.start(CASINO_IMAGE=image)


def runs(cell: Cell, *tenants: str) -> set[str]:
    """The images that the tenants' Deployments are to run; of all tenants where none is named."""
    found = json.loads(cell.cluster.kubectl("get", "deployments", "-A", "-l", "domicile.dev/tenant", "-o", "json"))
    return {
        one["spec"]["template"]["spec"]["containers"][0]["image"]
        for one in found["items"]
        if not tenants or one["metadata"]["labels"]["domicile.dev/tenant"] in tenants
    }


def test_a_release_comes_to_one_and_then_to_all_and_a_bad_one_stops_at_the_first(
    cell: Cell, operator: Operator, hands: Hands
) -> None:
    release(operator, NEXT)
    eventually(lambda: condition(cell, FIRST, "Release").get("reason") == "Watching", 90, "the first is watched")
    assert runs(cell) == {IMAGE, NEXT} and runs(cell, SECOND) == {IMAGE}
    until(cell, FIRST, "Release", "True", "Current")
    until(cell, SECOND, "Release", "True", "Current", seconds=180)
    assert runs(cell, FIRST, SECOND) == {NEXT} and status(cell, SECOND)["version"] == "0.2.0-def5678"

    hands.broken = BAD
    release(operator, BAD)
    back = until(cell, FIRST, "Release", "False", "RolledBack", seconds=120)
    assert "exceeded its progress deadline" in back["message"] and "kubectl casino rollout retry" in back["message"]
    assert until(cell, SECOND, "Release", "False", "Halted")["message"].count(FIRST) == 2
    assert BAD not in runs(cell) and runs(cell, FIRST, SECOND) == {NEXT}
    assert condition(cell, FIRST, "Ready")["status"] == "True"
    # A process that starts anew reads it off the statuses.
    release(operator, BAD)
    until(cell, SECOND, "Release", "False", "Halted")
    assert BAD not in runs(cell)

    hands.broken = ""
    after = eventually(
        lambda: cell.cluster.kubectl("get", "casino", FIRST, "-o", "jsonpath={.status.release.failed.at}")
    )
    retry = f"casino.domicile.dev/retry-release={after[:4]}-12-31T23:59:59Z"
    cell.cluster.kubectl("annotate", "casino", FIRST, retry)
    until(cell, FIRST, "Release", "True", "Current", seconds=90)
    until(cell, SECOND, "Release", "True", "Current", seconds=180)
    assert runs(cell, FIRST, SECOND) == {BAD}
    assert status(cell, FIRST)["release"].keys() == {"image", "phase", "since"}
