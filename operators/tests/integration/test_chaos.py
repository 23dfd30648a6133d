"""Operators that die anywhere, and a fleet under random faults: it ends as if nothing had happened.

The pods are played by the test kit, so no casino runs and no ledger is balanced here: that is the casino's own drills.
"""

import contextlib
import random
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from operator_testkit.cell import Cell, Operator
from operator_testkit.fault_proxy import FaultProxy, Request
from operator_testkit.fleet import Api, Hands, fingerprint, free_lease, meddle, rest, strays
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, manifest

pytestmark = pytest.mark.apiserver

WRITES = 64
"""More than a first build or a deletion makes."""


@pytest.fixture
def alone(cell: Cell, operator: Operator) -> Iterator[None]:
    """Without the operator of the other tests."""
    operator.stop()
    yield
    operator.start()
    eventually(lambda: operator.answers("/readyz") == 200, 40, "the operator of the other tests")


def settled(api: Api, tenant: str) -> bool:
    """Ready, of what its spec says now."""
    found = api.tenants()[tenant]
    ready = next((c for c in found.get("status", {}).get("conditions", []) if c["type"] == "Ready"), {})
    return bool(ready.get("status") == "True" and ready["observedGeneration"] == found["metadata"]["generation"])


class Mortal:
    """An operator that dies when its n-th write of one tenant was carried out, before it hears of that."""

    def __init__(self, cell: Cell, tenant: str) -> None:
        self._cell, self._tenant = cell, tenant
        self.proxy = FaultProxy(cell.cluster, cell.authority)
        self.operator = Operator(cell, "mortal", self.proxy.url)
        self.deaths = 0

    def live(self, write: int, done: Callable[[], bool]) -> bool:
        """From its start to its death, or to when what it is to do is done. Gives whether it is."""
        seen: list[str] = []

        def count(request: Request) -> None:
            if self._tenant in request.path:
                seen.append(request.path)
            if len(seen) == write and self.operator.process:
                self.operator.process.send(signal.SIGKILL)

        self.proxy.faults.after_write = count
        self.operator.start()
        eventually(lambda: len(seen) >= write or done(), 60, f"write {write} of {self._tenant}")
        self.operator.kill()
        free_lease(self._cell)
        self.deaths += len(seen) >= write
        return done()

    def live_on(self) -> None:
        self.proxy.heal()
        self.operator.start()


@pytest.mark.drill
def test_a_tenant_whose_operators_died_after_any_write_is_built_and_goes_as_any_other(
    cell: Cell, alone: None, drill: Any
) -> None:
    dice, api, name = random.Random(drill.seed), Api(cell), "mortal-gb"
    mortal, wanted = Mortal(cell, name), drill.count(8, WRITES)
    # In a soak after each write of a first build: what was made before is there, so the n-th is new to the n-th one.
    moments = sorted(dice.sample(range(2, 34), wanted)) if wanted < 32 else range(1, wanted + 1)
    with Hands(cell), contextlib.ExitStack() as after:
        after.callback(mortal.operator.stop)
        apply(cell, manifest(name, deletionPolicy="Delete"))
        for write in moments:
            if mortal.live(write, lambda: settled(api, name)):
                break
        mortal.live_on()
        apply(cell, manifest("calm-gb"))
        for one in (name, "calm-gb"):
            eventually(lambda one=one: settled(api, one), 60, f"{one} Ready")
        assert fingerprint(api, name) == fingerprint(api, "calm-gb")
        mortal.operator.kill()
        free_lease(cell)
        cell.cluster.kubectl("delete", "casino", name, "--wait=false")
        for write in (1, 2, 3, 2):
            if mortal.live(write, lambda: name not in api.tenants()):
                break
        mortal.live_on()
        eventually(lambda: name not in api.tenants(), 60, "the tenant gone")
        assert not [one for one in strays(cell, api, set(api.tenants()), {name}) if "mortal" in one]
    drill.injected(mortal.deaths)


class Fleet:
    """Tenants that come, change and go, two operators, and what befalls them. Every fault is one method of `FAULTS`."""

    def __init__(self, cell: Cell, dice: random.Random) -> None:
        self.cell, self.dice, self.api = cell, dice, Api(cell)
        self.proxy = FaultProxy(cell.cluster, cell.authority)
        self.operators = [Operator(cell, "left", self.proxy.url), Operator(cell, "right")]
        self.living: dict[str, int] = {}
        """Each tenant's brand, by its number."""
        self.dropped: set[str] = set()
        self.made = 0
        self.heal: list[Callable[[], object]] = []

    def add(self) -> str:
        self.made += 1
        name = f"chaos{self.made}-gb"
        self.living[name] = 0
        self._write(name)
        return f"add {name}"

    def edit(self) -> str:
        name = self._some()
        self.living[name] += 1
        self._write(name)
        return f"edit {name}"

    def delete(self) -> str:
        if len(self.living) < 3:
            return self.add()
        name = self._some()
        del self.living[name]
        if self._drops(name):
            self.dropped.add(name)
        self.api.ask("DELETE", f"/apis/casino.domicile.dev/v1alpha1/casinotenants/{name}")
        return f"delete {name}"

    def child(self) -> str:
        return meddle(self.api, self._some(), self.dice) or self.edit()

    def kill_operator(self) -> str:
        one = self.dice.choice(self.operators)
        one.kill()
        one.start()
        return "kill an operator"

    def stop_leader(self) -> str:
        one = next((one for one in self.operators if one.leads), self.operators[0])
        one.stop()
        one.start()
        return "stop the leader"

    def restart_api_server(self) -> str:
        self.cell.cluster.kill()
        self.cell.cluster.start()
        return "restart the API server"

    def lose_postgresql(self) -> str:
        self.cell.postgres.stop()
        self.heal.append(self.cell.postgres.start)
        return "PostgreSQL is down"

    def seal_openbao(self) -> str:
        self.cell.bao.sys.seal()
        self.heal.append(self.cell.unseal)
        return "OpenBao is sealed"

    def freeze_openbao(self) -> str:
        self.cell.openbao.process.send(signal.SIGSTOP)
        self.heal.append(lambda: self.cell.openbao.process.send(signal.SIGCONT))
        return "OpenBao is frozen"

    def storm(self) -> str:
        self.proxy.faults.busy = 1
        self.heal.append(self.proxy.heal)
        return "429 for one operator"

    def cut_off(self) -> str:
        self.proxy.faults.cut = True
        self.proxy.reset_watches()
        self.heal.append(self.proxy.heal)
        return "one operator is cut off"

    FAULTS = (
        add, edit, delete, child, child, child, kill_operator, kill_operator, stop_leader, restart_api_server,
        lose_postgresql, seal_openbao, freeze_openbao, storm, cut_off,
    )  # fmt: skip

    def befall(self) -> str:
        fault = self.dice.choice(self.FAULTS)
        if self.heal and (
            fault in (Fleet.lose_postgresql, Fleet.seal_openbao, Fleet.freeze_openbao, Fleet.storm, Fleet.cut_off)
        ):
            fault = Fleet.child  # one of these at a time
        try:
            return fault(self)
        except requests.RequestException as error:
            return f"{fault.__name__} met {type(error).__name__}: the API server is on its way back, or was quicker"

    def recover(self) -> None:
        for mend in self.heal:
            mend()
        self.heal.clear()

    def settled(self) -> bool:
        return all(settled(self.api, name) for name in self.living)

    def _some(self) -> str:
        return self.dice.choice(sorted(self.living))

    def _drops(self, name: str) -> bool:
        return int(name.removeprefix("chaos").removesuffix("-gb")) % 2 == 0

    def _write(self, name: str) -> None:
        policy = "Delete" if self._drops(name) else "Retain"
        apply(self.cell, manifest(name, brand=f"Brand {self.living[name]}", deletionPolicy=policy))


@pytest.mark.drill
def test_a_fleet_under_random_faults_ends_as_if_there_had_been_none(cell: Cell, alone: None, drill: Any) -> None:
    fleet = Fleet(cell, random.Random(drill.seed))
    story: list[str] = []
    with Hands(cell), contextlib.ExitStack() as after:
        for one in fleet.operators:
            one.start()
            after.callback(one.stop)
        after.callback(fleet.recover)
        for _ in range(4):
            fleet.add()
        eventually(fleet.settled, 90, "the fleet is there")
        wanted = drill.count(20, 200)
        for _ in range(wanted):
            story.append(fleet.befall())
            rest(fleet.dice, 1.5)
            if fleet.heal and fleet.dice.random() < 0.5:
                fleet.recover()
        fleet.recover()
        story_told = "\n".join(story)
        apply(cell, manifest("spared-gb", brand="Brand 0"))
        eventually(fleet.settled, 120, f"the fleet is as it should be after\n{story_told}")
        eventually(lambda: settled(fleet.api, "spared-gb"), 60, "a tenant that nothing befell")

        def gone() -> bool:
            left = strays(cell, fleet.api, {*fleet.living, "spared-gb"}, fleet.dropped)
            return not [one for one in left if "chaos" in one]

        eventually(gone, 90, f"nothing is left of tenants that are gone after\n{story_told}")
        time.sleep(15)  # what was spoilt after a tenant was Ready is found by a resync
        expected = fingerprint(fleet.api, "spared-gb")
        for name in fleet.living:
            assert fingerprint(fleet.api, name) == expected, f"{name} after\n{story_told}"
        eventually(lambda: sum(one.leads for one in fleet.operators) == 1, 30, "one of them leads")
    drill.injected(len(story))
