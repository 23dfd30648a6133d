"""A settled tenant's stores are looked at on rounds; whatever was asked for anew is looked at at once."""

from dataclasses import replace

import pytest
from domicile_operator.reconcile import reconcile
from domicile_operator.rounds import Rounds
from domicile_operator.runtime import PASSES_PER_SECOND, STORES_AFTER, resync_seconds
from domicile_operator.settings import Settings
from domicile_operator.world import World
from operator_testkit.fakes import IMAGE, Fakes
from operator_testkit.samples import CELL, tenant

NAME = "acme-gb"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fakes() -> Fakes:
    return Fakes(CELL)


@pytest.fixture
def world(fakes: Fakes, clock: Clock) -> World:
    """Of a tenant that is settled, and whose stores were looked at just now."""
    world = replace(fakes.world, rounds=Rounds(60, clock))
    fakes.kube.put(tenant(NAME))
    for _ in range(4):
        reconcile(NAME, world)
        fakes.finish_migration()
        fakes.roll_out()
    clock.now += 61
    assert reconcile(NAME, world).kind == "settled"
    return world


def calls(fakes: Fakes, world: World) -> list[str]:
    """What one pass asks of the stores."""
    fakes.switch.calls.clear()
    assert reconcile(NAME, world).kind in ("settled", "waiting")
    return [call for call in fakes.switch.calls if call.startswith(("bao", "sql"))]


def test_a_pass_between_two_rounds_asks_nothing_of_the_stores(fakes: Fakes, world: World, clock: Clock) -> None:
    assert calls(fakes, world) == []
    digest = fakes.tenant(NAME)["status"]["storesDigest"]
    clock.now += 61
    assert calls(fakes, world) != []
    assert calls(fakes, world) == [] and fakes.tenant(NAME)["status"]["storesDigest"] == digest


def test_drift_in_the_stores_is_put_right_by_the_next_round(fakes: Fakes, world: World, clock: Clock) -> None:
    path = next(iter(fakes.bao.documents))
    was = fakes.bao.documents.pop(path)
    calls(fakes, world)
    assert path not in fakes.bao.documents
    clock.now += 61
    calls(fakes, world)
    assert fakes.bao.documents[path] == was
    assert fakes.condition("DriftDetected")["status"] == "True"


def test_an_edit_a_request_or_another_release_is_not_believed_to_be_done(fakes: Fakes, world: World) -> None:
    fakes.kube.put(tenant(NAME, brand="Another"))
    assert calls(fakes, world) != []
    fakes.roll_out()
    assert calls(fakes, world) == []
    made = tenant(NAME, brand="Another")
    made["metadata"]["annotations"] = {"casino.domicile.dev/reconcile-at": "now"}
    fakes.kube.put(made)
    assert calls(fakes, world) != []
    assert calls(fakes, world) == []
    fakes.tenant(NAME)["status"]["storesDigest"] = "of another release"
    assert calls(fakes, world) != []


def test_a_process_that_starts_believes_the_status_until_the_tenants_turn(fakes: Fakes, world: World) -> None:
    clock = Clock()
    later = replace(world, rounds=Rounds(60, clock))
    assert calls(fakes, later) == []
    clock.now += 60
    assert calls(fakes, later) != []


def test_stores_that_were_not_in_place_are_looked_at_in_every_pass(fakes: Fakes, world: World) -> None:
    for condition in fakes.tenant(NAME)["status"]["conditions"]:
        if condition["type"] == "Secrets":
            condition["status"] = "False"
    assert calls(fakes, world) != []


def test_the_more_tenants_the_rarer_each_is_looked_at() -> None:
    settings = Settings(IMAGE)
    few, many = resync_seconds(settings, 100), resync_seconds(settings, 4000)
    assert few == settings.resync_seconds and many == 4000 / PASSES_PER_SECOND
    # Of a fleet that one operator was always enough for, drift in the stores still lives for less than 30 seconds.
    assert few * max(STORES_AFTER, 1.0) < 30
    # A pass that time brings comes after at least four fifths of it, and finds the stores due.
    assert STORES_AFTER < 0.8


def test_a_tenant_that_is_gone_is_forgotten() -> None:
    rounds = Rounds(60, clock := Clock())
    rounds.looked(NAME)
    clock.now += 30
    rounds.forget(NAME)
    assert not rounds._due
