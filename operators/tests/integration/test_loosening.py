"""Who may let a casino do more again, as the API server judges it: no operator runs here."""

import itertools
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from domicile_catalog.acts import Acts, State, acts_of
from operator_testkit.cell import Cell
from operator_testkit.servers import eventually
from operator_testkit.tenants import apply, manifest, refused

pytestmark = pytest.mark.apiserver

TENANTS = "/apis/casino.domicile.dev/v1alpha1/casinotenants"
EDITOR, OFFICER, OFFICER_OF_ONE = "ann", "olga", "oscar"
ASKED: dict[str, dict[str, Any]] = {
    "nothing": {},
    **{state.value: {"state": state.value} for state in State},
    "Suspended, with withdrawals": {"state": "Suspended", "suspension": {"withdrawals": True}},
    "Suspended, without": {"state": "Suspended", "suspension": {"withdrawals": False}},
}


def allowed(asked: dict[str, Any]) -> Acts:
    """By the catalogue's table."""
    leaves = asked.get("suspension", {}).get("withdrawals", False)
    return acts_of(State(asked.get("state", "Live")), withdrawals=leaves)


def role(name: str, verbs: list[str], *names: str) -> dict[str, Any]:
    only = {"resourceNames": list(names)} if names else {}
    rule = {"apiGroups": ["casino.domicile.dev"], "resources": ["casinotenants"], "verbs": verbs, **only}
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [rule],
    }


def bound(user: str, to: str) -> dict[str, Any]:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{user}-{to}"},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": to},
        "subjects": [{"kind": "User", "apiGroup": group, "name": user}],
    }


@pytest.fixture(scope="module")
def people(cell: Cell) -> Iterator[Cell]:
    """Editors of tenants, of whom one is a licence officer and one is for the tenant `loose-two` alone."""
    documents = [
        role("edits-tenants", ["get", "list", "create", "update", "patch", "delete"]),
        role("loosens-one", ["loosen"], "loose-two"),
        bound(EDITOR, "edits-tenants"),
        bound(OFFICER, "casino-licence-officer"),
        bound(OFFICER_OF_ONE, "edits-tenants"),
        bound(OFFICER_OF_ONE, "loosens-one"),
    ]
    cell.cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(documents))
    apply(cell, manifest("loose-one"))
    apply(cell, manifest("loose-two"))
    eventually(
        lambda: "LOOSENING_FORBIDDEN" in written(cell, EDITOR, "loose-one", {"state": "Suspended"}, {}),
        what="the policy",
    )
    yield cell


def call(
    cell: Cell, method: str, path: str, body: dict[str, Any] | None, user: str | None, kind: str = "application/json"
) -> tuple[int, dict[str, Any]]:
    headers = {"Authorization": f"Bearer {cell.cluster.admin_token}", "Content-Type": kind}
    if user:
        headers["Impersonate-User"] = user
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(f"{cell.cluster.url}{path}", data, headers, method=method)
    context = ssl.create_default_context(cafile=str(cell.authority.certificate))
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def written(cell: Cell, user: str, name: str, before: dict[str, Any], after: dict[str, Any]) -> str:
    """What a user is told who writes a spec over another: nothing where it is let in."""
    for asked, by, dry in ((before, None, ""), (after, user, "?dryRun=All")):
        status = 409
        while status == 409:  # an operator may write the status meanwhile
            _, found = call(cell, "GET", f"{TENANTS}/{name}", None, None)
            found["spec"] = {
                key: value for key, value in found["spec"].items() if key not in ("state", "suspension")
            } | asked
            status, answer = call(cell, "PUT", f"{TENANTS}/{name}{dry}", found, by)
    assert by == user and status in (200, 422, 403), answer
    return "" if status == 200 else str(answer["message"])


@pytest.mark.parametrize(("before", "after"), list(itertools.product(ASKED, ASKED)))
def test_going_to_more_acts_takes_the_right_and_going_to_fewer_does_not(people: Cell, before: str, after: str) -> None:
    said = written(people, EDITOR, "loose-one", ASKED[before], ASKED[after])
    more = allowed(ASKED[after]) - allowed(ASKED[before])
    if not more:
        assert said == ""
        return
    assert "LOOSENING_FORBIDDEN" in said and "loosen" in said and "casino-licence-officer" in said and EDITOR in said
    assert all(act in said for act in more)
    assert written(people, OFFICER, "loose-one", ASKED[before], ASKED[after]) == ""


def test_the_right_can_be_for_one_tenant(people: Cell) -> None:
    suspended = ASKED["Suspended"]
    assert written(people, OFFICER_OF_ONE, "loose-two", suspended, {}) == ""
    assert "LOOSENING_FORBIDDEN" in written(people, OFFICER_OF_ONE, "loose-one", suspended, {})


@pytest.mark.parametrize("options", [(), ("--server-side", "--force-conflicts")], ids=["client-side", "server-side"])
def test_dropping_the_line_is_loosening_too(people: Cell, options: tuple[str, ...]) -> None:
    name = f"dropped-{len(options)}"
    apply(people, manifest(name, state="Suspended"), *options, f"--as={EDITOR}")
    said = refused(people, manifest(name), *options, f"--as={EDITOR}")
    assert "LOOSENING_FORBIDDEN: from Suspended to Live" in said, said
    apply(people, manifest(name, state="Suspended", brand="Another"), *options, f"--as={EDITOR}")
    removed = ["--type=json", "-p", json.dumps([{"op": "remove", "path": "/spec/state"}])]
    said = people.cluster.kubectl("patch", "casino", name, *removed, f"--as={EDITOR}", check=False)
    assert "LOOSENING_FORBIDDEN" in said, said
    apply(people, manifest(name), *options, f"--as={OFFICER}")
    found = json.loads(people.cluster.kubectl("get", "casino", name, "-o", "json"))
    assert found["spec"]["state"] == "Live"


@pytest.mark.parametrize("state", [None, "Live", "ClosedToNewPlayers", "WithdrawOnly"])
def test_what_a_suspension_leaves_is_said_of_a_suspension_alone(people: Cell, state: str | None) -> None:
    asked = {"suspension": {"withdrawals": True}} | ({"state": state} if state else {})
    assert "only while spec.state is Suspended" in refused(people, manifest("left-gb", **asked))
    apply(people, manifest("left-gb", **asked | {"state": "Suspended"}), "--dry-run=server")


def test_nobody_opens_a_casino_by_its_record(people: Cell) -> None:
    kubectl = people.cluster.kubectl
    labels = {"domicile.dev/tenant": "loose-two", "domicile.dev/jurisdiction": "GB", "domicile.dev/place": "eu-west-2"}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "casino-loose-two", "labels": labels}}
    law = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "domicile-law", "namespace": "domicile-system"},
    }
    if not kubectl("get", "configmap", "domicile-law", "-n", "domicile-system", "--ignore-not-found"):
        kubectl(
            "apply",
            "-f",
            "-",
            stdin=yaml.safe_dump(law | {"data": {"cell": "test", "places": "eu-west-2", "served": "GB"}}),
        )
    eventually(lambda: kubectl("apply", "-f", "-", stdin=yaml.safe_dump(namespace)), what="the namespace")
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "create", "patch", "update"]}
    writes = role("writes-configmaps", []) | {"rules": [rule]}
    users = [bound(user, "writes-configmaps") for user in (EDITOR, OFFICER_OF_ONE)]
    kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all([writes, *users]))

    def create(name: str, user: str, where: str = "casino-loose-two") -> str:
        options = ["--from-literal=operation.json={}", "-n", where, "--dry-run=server", f"--as={user}"]
        return kubectl("create", "configmap", name, *options, check=False)

    def let_in(said: str) -> bool:
        # Where an operator has made it meanwhile: policies are asked before that is found.
        return "created" in said or "already exists" in said

    assert "RECORD_NOT_YOURS" in create("casino-operation", EDITOR)
    assert let_in(create("casino-operation", OFFICER_OF_ONE))
    assert let_in(create("casino-other", EDITOR))
    assert let_in(create("casino-operation", EDITOR, "default"))
    assert let_in(create("casino-operation", "system:serviceaccount:domicile-system:domicile-operator"))


def test_who_writes_the_status_or_the_finalizer_of_a_suspended_tenant_loosens_nothing(people: Cell) -> None:
    apply(people, manifest("bound-gb", state="Suspended"))
    path, operator = f"{TENANTS}/bound-gb", "system:serviceaccount:domicile-system:domicile-operator"
    for where, change in (
        (f"{path}/status", {"status": {"state": "Suspended"}}),
        (path, {"metadata": {"finalizers": ["casino.domicile.dev/teardown"]}}),
        (path, {"metadata": {"finalizers": []}}),
    ):
        done, answer = call(people, "PATCH", where, change, operator, "application/merge-patch+json")
        assert done == 200, answer
    done, answer = call(people, "PATCH", path, {"spec": {"state": "Live"}}, operator, "application/merge-patch+json")
    assert done != 200 and "LOOSENING_FORBIDDEN" in answer["message"]
