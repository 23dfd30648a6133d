"""`kubectl casino pause`, `plan` and `reconcile` on a real API server, with the operator that answers them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from operator_testkit.cell import Cell, Controllers
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, condition, manifest, status, until

pytestmark = [pytest.mark.apiserver, pytest.mark.usefixtures("operator")]
PROGRAM = Path(sys.executable).parent / "kubectl-casino"


@pytest.fixture(scope="module")
def held(cell: Cell) -> str:
    """A tenant that serves."""
    name = "held-gb"
    apply(cell, manifest(name))
    controllers = Controllers(cell, name)
    controllers.finish_migration()
    controllers.roll_out()
    until(cell, name, "Ready", "True")
    return name


def casino(cell: Cell, *arguments: str) -> subprocess.CompletedProcess[str]:
    kubeconfig = cell.cluster.kubeconfig("plugin-admin", cell.cluster.admin_token)
    done = subprocess.run(
        [PROGRAM, *arguments, "--kubeconfig", kubeconfig], capture_output=True, text=True, check=False, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def rules(cell: Cell, name: str) -> str:
    config = json.loads(cell.cluster.kubectl("get", "configmap", "casino-config", "-n", f"casino-{name}", "-o", "json"))
    return str(config["data"]["rules.json"])


def test_a_paused_casino_is_left_alone_until_it_is_resumed(cell: Cell, held: str) -> None:
    done = casino(cell, "pause", held, "--reason", "a drill")
    assert done.returncode == 0 and "a drill" in done.stdout, done
    assert condition(cell, held, "Paused")["status"] == "True"
    before = rules(cell, held)
    apply(cell, manifest(held, limits={"slotMaxStakeMinor": 100}))
    assert casino(cell, "reconcile", held).returncode == 0
    assert rules(cell, held) == before
    why = casino(cell, "why-not-ready", held)
    assert "paused" in why.stdout and "a drill" in why.stdout, why
    assert casino(cell, "resume", held).returncode == 0
    eventually(lambda: rules(cell, held) != before, what="the rules of the new limit")
    apply(cell, manifest(held))
    eventually(lambda: rules(cell, held) == before, what="the rules of before")


def test_a_plan_tells_what_an_edit_would_do_and_lets_it_happen_when_asked(cell: Cell, held: str) -> None:
    nothing = casino(cell, "plan", held)
    assert nothing.returncode == 0 and "nothing would change" in nothing.stdout, nothing
    assert casino(cell, "plan", held, "--hold").returncode == 0
    before = rules(cell, held)
    apply(cell, manifest(held, limits={"slotMaxStakeMinor": 100}))
    told = casino(cell, "plan", held)
    assert told.returncode == 0 and "~ ConfigMap" in told.stdout and "to update" in told.stdout, told
    assert rules(cell, held) == before
    assert casino(cell, "plan", held, "--let-go").returncode == 0
    eventually(lambda: rules(cell, held) != before, what="the rules of the new limit")
    apply(cell, manifest(held))


def test_a_pass_is_made_when_it_is_asked_for(cell: Cell, held: str) -> None:
    done = casino(cell, "reconcile", held)
    assert done.returncode == 0 and "A pass was made." in done.stdout, done
    asked = json.loads(cell.cluster.kubectl("get", "casino", held, "-o", "json"))["metadata"]["annotations"]
    assert status(cell, held)["lastHandledReconcileAt"] == asked["casino.domicile.dev/reconcile-at"]
