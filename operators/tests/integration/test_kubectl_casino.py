"""`kubectl casino` on a real API server, with the operator at work: what it says is what is so, whoever asks."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from operator_testkit.cell import Cell, Controllers, Operator
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, manifest, until

pytestmark = [pytest.mark.apiserver, pytest.mark.usefixtures("operator")]
PROGRAM = Path(sys.executable).parent / "kubectl-casino"


class Plugin:
    """The program as a user runs it."""

    def __init__(self, kubeconfig: Path) -> None:
        self._kubeconfig = kubeconfig

    def __call__(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [PROGRAM, *arguments, "--kubeconfig", self._kubeconfig],
            input=stdin, capture_output=True, text=True, check=False, timeout=90,
        )  # fmt: skip
        assert "Traceback" not in done.stderr, done.stderr
        return done


@pytest.fixture(scope="module")
def casino(cell: Cell) -> Plugin:
    return Plugin(cell.cluster.kubeconfig("plugin-admin", cell.cluster.admin_token))


@pytest.fixture
def operator_is_seen(cell: Cell, operator: Operator) -> Iterator[None]:
    """The operator runs as a process here; its Deployment is told so, for nothing else would."""
    del operator

    def available(pods: int) -> None:
        status = {"status": {"availableReplicas": pods, "readyReplicas": pods, "replicas": pods}}
        where = ["deployment", "domicile-operator", "-n", "domicile-system", "--subresource=status", "--type=merge"]
        cell.cluster.kubectl("patch", *where, "-p", json.dumps(status))

    available(1)
    yield
    available(0)


@pytest.mark.usefixtures("operator_is_seen")
def test_why_a_casino_is_not_ready_follows_it_through_its_making(cell: Cell, casino: Plugin) -> None:
    name = "why-gb"
    apply(cell, manifest(name))
    controllers = Controllers(cell, name)

    def code() -> str:
        return str(json.loads(casino("why-not-ready", name, "--json").stdout)["code"])

    eventually(lambda: code() == "MIGRATING", what="the migration as the cause")
    controllers.finish_migration()
    eventually(lambda: code() == "ROLLING", what="the rollout as the cause")
    controllers.roll_out()
    until(cell, name, "Ready", "True")
    done = casino("why-not-ready", name)
    assert (done.returncode, done.stdout.startswith(f"{name} is ready")) == (0, True), done
    told = casino("explain", name).stdout
    assert "lives in eu-west-2, licensed by GB" in told and "Deployment  casino, casino-realtime" in told
    (row,) = [one for one in json.loads(casino("list", "--json").stdout) if one["name"] == name]
    assert (row["ready"], row["place"], row["state"]) == ("True", "eu-west-2", "Live")


@pytest.mark.usefixtures("operator_is_seen")
def test_a_refusal_is_told_as_the_answer_that_it_is(cell: Cell, casino: Plugin) -> None:
    apply(cell, manifest("refused-gb", paymentProviders=[{"name": "nobody"}]))
    until(cell, "refused-gb", "Ready", "False", "UNKNOWN_PAYMENT_PROVIDER")
    done = casino("why-not-ready", "refused-gb")
    assert done.returncode == 1 and "UNKNOWN_PAYMENT_PROVIDER" in done.stdout and "This is an answer" in done.stdout


def test_an_operator_without_a_pod_is_the_cause(cell: Cell, casino: Plugin) -> None:
    apply(cell, manifest("lonely-gb", paymentProviders=[{"name": "nobody"}]))
    until(cell, "lonely-gb", "Ready", "False", "UNKNOWN_PAYMENT_PROVIDER")
    assert "OPERATOR_DOWN" in casino("why-not-ready", "lonely-gb").stdout


def test_who_may_only_list_tenants_is_told_what_else_it_takes(cell: Cell) -> None:
    kubectl = cell.cluster.kubectl
    kubectl("create", "serviceaccount", "reader", "-n", "default")
    kubectl("create", "clusterrole", "reader", "--verb=get,list", "--resource=casinotenants.casino.domicile.dev")
    kubectl("create", "clusterrolebinding", "reader", "--clusterrole=reader", "--serviceaccount=default:reader")
    token = kubectl("create", "token", "reader", "-n", "default").strip()
    reader = Plugin(cell.cluster.kubeconfig("reader", token))
    apply(cell, manifest("read-gb", paymentProviders=[{"name": "nobody"}]))
    until(cell, "read-gb", "Ready", "False", "UNKNOWN_PAYMENT_PROVIDER")
    assert reader("list").returncode == reader("explain", "read-gb").returncode == 0
    why = reader("why-not-ready", "read-gb")
    assert why.returncode == 1 and "UNKNOWN_PAYMENT_PROVIDER" in why.stdout
    assert "system:serviceaccount:default:reader lacks the right to get deployments.apps" in why.stdout
    written = reader("pause", "read-gb", "--reason", "x")
    assert written.returncode == 2, written
    assert "lacks the right to patch casinotenants.casino.domicile.dev in the whole cluster" in written.stderr


def test_credentials_and_names_that_do_not_count_are_told(cell: Cell, casino: Plugin) -> None:
    wrong = Plugin(cell.cluster.kubeconfig("wrong", "no-token"))("list")
    assert wrong.returncode == 2 and "UNAUTHENTICATED" in wrong.stderr
    missing = casino("explain", "nobody-gb")
    assert missing.returncode == 2 and "NO_SUCH_TENANT" in missing.stderr
