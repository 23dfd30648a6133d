"""Properties of a fleet at rest: who is settled causes no write and no read, whatever its size and whoever starts."""

from dataclasses import replace
from typing import Any

from domicile_operator.clients.viewed import WATCHED, ViewedKube
from domicile_operator.names import API_VERSION, BACKUP_KIND
from domicile_operator.reconcile import reconcile
from domicile_operator.rounds import Rounds
from domicile_operator.view import View
from domicile_operator.world import World
from hypothesis import given, settings
from hypothesis import strategies as st
from operator_testkit.fake_kube import FakeKube
from operator_testkit.fakes import Fakes
from operator_testkit.samples import CELL, tenant

NAME, NAMESPACE = "acme-gb", "casino-acme-gb"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Server:
    """The fake API server, whose answers are JSON."""

    def __init__(self, kube: FakeKube) -> None:
        self._kube = kube

    def apply(self, manifest: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        return plain(self._kube.apply(manifest, dry_run=dry_run))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kube, name)


def plain(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if not key.startswith("_")}


def watch(fakes: Fakes, view: View) -> None:
    """The watches bring everything as it is, and what is no more is gone."""
    for kind in WATCHED:
        found = [plain(one) for (of, _, _), one in fakes.kube.objects.items() if of == kind]
        view.listed(kind, [(fakes.kube.version, found)])


def settled(fakes: Fakes, size: str, **spec: Any) -> tuple[World, View, Clock]:
    view, clock = View(), Clock()
    world = replace(fakes.world, kube=ViewedKube(Server(fakes.kube), view), rounds=Rounds(100, clock))
    fakes.kube.put(tenant(NAME, size=size, domains=["play.example"], **spec))
    for _ in range(6):
        watch(fakes, view)
        reconcile(NAME, world)
        fakes.finish_migration()
        fakes.roll_out()
        for found in (*fakes.kube.find("Job", NAMESPACE), *fakes.kube.find("Deployment", NAMESPACE)):
            fakes.kube.touch(found)
    watch(fakes, view)
    assert reconcile(NAME, world).kind == "settled"
    watch(fakes, view)
    return world, view, clock


@settings(max_examples=5)
@given(size=st.sampled_from(["small", "medium", "large"]), pauses=st.lists(st.floats(0, 90), min_size=1, max_size=6))
def test_a_settled_tenant_asks_for_nothing_between_two_rounds_and_writes_never(size: str, pauses: list[float]) -> None:
    fakes = Fakes(CELL)
    world, _, clock = settled(fakes, size)
    clock.now += 100
    reconcile(NAME, world)  # looks at the stores; the next time is in 100 seconds
    fakes.switch.calls.clear()
    fakes.kube.writes.clear()
    seconds = 0.0
    for pause in pauses:
        seconds += pause
        clock.now += pause
        assert reconcile(NAME, world).kind == "settled"
        stores = [call for call in fakes.switch.calls if call.startswith(("bao ", "sql "))]
        assert stores == fakes.switch.calls and (seconds >= 100 or not stores)
        assert not fakes.kube.writes
    assert not [call for call in fakes.switch.calls if call.startswith(("bao remove", "bao revoke"))]


@given(size=st.sampled_from(["small", "medium", "large"]))
@settings(max_examples=3)
def test_a_process_that_starts_over_a_settled_tenant_asks_and_writes_nothing(size: str) -> None:
    fakes = Fakes(CELL)
    world, _, _ = settled(fakes, size)
    view = View()
    started = replace(world, kube=ViewedKube(Server(fakes.kube), view), rounds=Rounds(100, Clock()))
    watch(fakes, view)
    fakes.switch.calls.clear()
    fakes.kube.writes.clear()
    assert reconcile(NAME, started).kind == "settled"
    assert fakes.switch.calls == [] and fakes.kube.writes == []


def test_a_tenant_whose_backups_are_scheduled_is_at_rest_too() -> None:
    fakes = Fakes(CELL)
    made = {"apiVersion": API_VERSION, "kind": BACKUP_KIND, "metadata": {"name": "by-hand"},
            "spec": {"tenant": NAME, "store": "offsite"}}  # fmt: skip
    fakes.kube.put(made)
    fakes.kube.put(made | {"metadata": {"name": "anothers"}, "spec": {"tenant": "zeus-gb", "store": "offsite"}})
    world, view, _ = settled(fakes, "small", backups={"store": "offsite", "everyHours": 24})
    fakes.switch.calls.clear()
    assert reconcile(NAME, world).kind == "settled"
    assert fakes.switch.calls == []
    assert [one["metadata"]["name"] for one in world.kube.backups(NAME)] == ["by-hand"]
    view.doubt(BACKUP_KIND)
    assert [one["metadata"]["name"] for one in world.kube.backups(NAME)] == ["by-hand"]
    assert fakes.switch.calls == ["list CasinoBackup"]


def test_what_somebody_changed_while_no_process_ran_is_put_right_and_that_alone() -> None:
    fakes = Fakes(CELL)
    world, _, _ = settled(fakes, "small")
    found = fakes.kube.objects["ConfigMap", NAMESPACE, "casino-config"]
    found["data"], found["_intact"] = {"rules.json": "{}"}, False
    fakes.kube.touch(found)
    view = View()
    started = replace(world, kube=ViewedKube(Server(fakes.kube), view), rounds=Rounds(100, Clock()))
    watch(fakes, view)
    fakes.kube.writes.clear()
    assert reconcile(NAME, started).kind == "settled"
    assert [one for one in fakes.kube.writes if not one.startswith("status")] == ["ConfigMap/casino-config"]
    assert fakes.condition("DriftDetected")["status"] == "True"
    assert found["data"] != {"rules.json": "{}"}
