"""`kubectl casino suspend-licence` and `reopen` on a real API server: what is written, who may, what is waited for."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from operator_testkit.cell import Cell, Controllers
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, manifest, until

pytestmark = [pytest.mark.apiserver, pytest.mark.usefixtures("operator")]
PROGRAM = Path(sys.executable).parent / "kubectl-casino"


def casino(kubeconfig: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [PROGRAM, *arguments, "--kubeconfig", kubeconfig], capture_output=True, text=True, check=False, timeout=120
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


def test_a_suspension_is_written_at_once_and_takes_a_right_of_its_own_to_lift(cell: Cell) -> None:
    name, kubectl = "order-gb", cell.cluster.kubectl
    kubectl("create", "serviceaccount", "editor", "-n", "default")
    verbs = "--verb=get,list,patch,update"
    kubectl("create", "clusterrole", "editor", verbs, "--resource=casinotenants.casino.domicile.dev")
    kubectl("create", "clusterrolebinding", "editor", "--clusterrole=editor", "--serviceaccount=default:editor")
    editor = cell.cluster.kubeconfig("editor", kubectl("create", "token", "editor", "-n", "default").strip())
    apply(cell, manifest(name))
    controllers = Controllers(cell, name)
    controllers.finish_migration()
    controllers.roll_out()
    until(cell, name, "Ready", "True")

    def tenant() -> dict:
        return json.loads(kubectl("get", "casino", name, "-o", "json"))

    # There are no pods here that could show the record: it is written, taken up, and not said to be in force.
    done = casino(editor, "suspend-licence", name, "--reason", "order 118", "--withdrawals", "--yes", "--timeout", "20")
    assert done.returncode == 1 and "not in force after 20 s" in done.stderr, done
    found = tenant()
    assert (found["spec"]["state"], found["spec"]["suspension"]) == ("Suspended", {"withdrawals": True})
    assert found["metadata"]["annotations"]["casino.domicile.dev/state-reason"] == "order 118"
    assert found["status"]["operation"]["acts"] in (["withdraw"], [])
    refused = casino(editor, "reopen", name, "--yes", "--timeout", "0")
    assert refused.returncode == 2 and "LOOSENING_FORBIDDEN" in refused.stderr, refused
    assert tenant()["spec"]["state"] == "Suspended"
    kubectl("create", "clusterrolebinding", "officer", "--clusterrole=casino-licence-officer",
            "--serviceaccount=default:editor")  # fmt: skip
    eventually(
        lambda: casino(editor, "reopen", name, "--yes", "--timeout", "0").returncode == 1, what="the right to loosen"
    )
    found = tenant()
    assert found["spec"]["state"] == "Live" and "suspension" not in found["spec"]
    assert "casino.domicile.dev/state-reason" not in found["metadata"].get("annotations", {})
