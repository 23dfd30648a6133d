"""The commands that write: what they write, that they wait for the operator, what they say when it does not come."""

import json

import pytest
from domicile_kubectl import changes, options, progress
from domicile_kubectl.clients import waiting
from domicile_kubectl.errors import PluginError
from domicile_kubectl.main import app
from domicile_kubectl.names import PAUSED, PLAN, REASON_LIMIT, RECONCILE_AT, STATE_REASON
from domicile_kubectl.tenant import Tenant
from hypothesis import given
from hypothesis import strategies as st
from plugin_testkit import FakeCluster, no_right, set_condition, world
from typer.testing import CliRunner

ACTS = {
    "Live": ["deposit", "register", "stake", "withdraw"],
    "ClosedToNewPlayers": ["deposit", "stake", "withdraw"],
    "WithdrawOnly": ["withdraw"],
    "Suspended": [],
}


class Operated(FakeCluster):
    """A cluster whose operator takes up what is asked for; `licence_ended` lets it allow no more than to pay out."""

    licence_ended, asleep, refuses_plan = False, False, False

    def after_patch(self, tenant):
        if self.asleep:
            return
        metadata, status = tenant["metadata"], tenant["status"]
        annotations, objects = metadata.get("annotations", {}), {"tenant": tenant}
        paused, planned = annotations.get(PAUSED), annotations.get(PLAN) == "true"
        reason = "Annotated" if paused else "PlanOnly" if planned else "NotPaused"
        set_condition(objects, "Paused", str(bool(paused) or planned), reason, f"The annotation is set ({paused}).")
        status["lastHandledReconcileAt"] = annotations.get(RECONCILE_AT)
        status.pop("plan", None)
        if planned and not self.refuses_plan:
            status["plan"] = PLANNED | {"observedGeneration": metadata["generation"]}
        if planned:
            return
        state = tenant["spec"].get("state", "Live")
        acts = ACTS[state]
        if state == "Suspended" and tenant["spec"].get("suspension", {}).get("withdrawals"):
            acts = ["withdraw"]
        if self.licence_ended:
            acts, state = [one for one in acts if one == "withdraw"], "WithdrawOnly"
        status.update(
            observedGeneration=metadata["generation"],
            state=state,
            operation={"revision": 2, "acts": acts, "since": "2026-11-30T23:00:00Z"},
        )
        set_condition(objects, "OperationInForce", "True", "InForce", "1 of 1 pods hold to it.")
        for one in status["conditions"]:
            one["observedGeneration"] = metadata["generation"]


PLANNED = {
    "digest": "0123456789abcdef", "create": 1, "update": 1, "delete": 1, "unchanged": 40,
    "changes": [
        {"kind": "ConfigMap", "namespace": "casino-acme-gb", "name": "casino-config", "action": "update",
         "fields": ["data.rules.json"]},
        {"kind": "PostgreSQLRole", "name": "casino_acme_gb_ops", "action": "create", "fields": ["CREATE ROLE [x]"]},
    ],
    "problems": ["OPENBAO_SEALED: OpenBao is sealed."],
}  # fmt: skip


@pytest.fixture
def cluster():
    return Operated(world())


@pytest.fixture
def on(monkeypatch):
    def run(cluster, *arguments, **given):
        monkeypatch.setattr(options, "connect", lambda kubeconfig, context: cluster)
        monkeypatch.setattr(waiting, "PAUSE", 0.0)
        result = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, arguments, **given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def annotations(cluster):
    return cluster.tenants["acme-gb"]["metadata"].get("annotations", {})


def spec(cluster):
    return cluster.tenants["acme-gb"]["spec"]


def test_pausing_writes_the_reason_and_resuming_takes_it_away(on, cluster):
    paused = on(cluster, "pause", "acme-gb", "--reason", "  move of the\ndatabase ")
    assert (paused.exit_code, annotations(cluster)) == (0, {PAUSED: "move of the database"})
    assert "move of the database" in paused.stdout
    assert "paused: move of the database" in on(cluster, "explain", "acme-gb").stdout
    assert "True, paused" in on(cluster, "list").stdout
    resumed = on(cluster, "resume", "acme-gb")
    assert (resumed.exit_code, annotations(cluster)) == (0, {}) and "goes on" in resumed.stdout


@pytest.mark.parametrize("reason", ["false", "TRUE", " ", "x" * (REASON_LIMIT + 1)])
def test_a_reason_that_says_nothing_or_means_something_else_is_refused_before_anything_is_written(on, cluster, reason):
    result = on(cluster, "pause", "acme-gb", "--reason", reason)
    assert (result.exit_code, cluster.patches) == (2, []) and "REASON_UNFIT" in result.stderr


@given(st.text(min_size=1, max_size=REASON_LIMIT))
def test_every_reason_that_is_taken_pauses(text):
    try:
        patch = changes.pause(text)
    except PluginError:
        return
    tenant = Tenant({"metadata": {"name": "x", **patch["metadata"]}})
    assert tenant.paused


def test_a_pass_is_asked_for_and_its_end_is_told(on, cluster):
    first, second = on(cluster, "reconcile", "acme-gb"), on(cluster, "reconcile", "acme-gb")
    assert first.exit_code == second.exit_code == 0 and "Ready is True, Live" in first.stdout
    asked = [patch["metadata"]["annotations"][RECONCILE_AT] for patch in cluster.patches]
    assert len(set(asked)) == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("pause", "acme-gb", "--reason", "x"),
        ("reconcile", "acme-gb"),
        ("suspend-licence", "acme-gb", "--reason", "x", "--yes"),
        ("reopen", "acme-gb", "--yes"),
        ("plan", "acme-gb"),
    ],
)
def test_an_operator_that_does_not_come_is_told_and_what_was_written_stands(on, cluster, arguments):
    cluster.asleep = True
    result = on(cluster, *arguments, "--timeout", "0")
    assert result.exit_code == 1 and cluster.patches and result.stderr, result.output
    assert "not" in result.stderr


@pytest.mark.parametrize(
    "command", [("pause", "--reason", "x"), ("resume",), ("reconcile",), ("plan",), ("reopen", "-y")]
)
def test_of_a_tenant_that_there_is_not_nothing_is_written(on, cluster, command):
    result = on(cluster, command[0], "acme-uk", *command[1:])
    assert (result.exit_code, cluster.patches) == (2, []) and "NO_SUCH_TENANT" in result.stderr


def test_a_missing_right_to_write_is_named(on, cluster, monkeypatch):
    def refuse(path, body):
        cluster.refused = {"casinotenants/": no_right("patch", "casinotenants", "casino.domicile.dev", "")}
        return cluster.get(path)

    monkeypatch.setattr(cluster, "patch", refuse)
    result = on(cluster, "pause", "acme-gb", "--reason", "x")
    assert result.exit_code == 2
    assert "lacks the right to patch casinotenants.casino.domicile.dev in the whole cluster" in result.stderr


# Plans


def test_a_plan_is_told_as_a_tree_and_the_operator_is_let_go(on, cluster):
    result = on(cluster, "plan", "acme-gb")
    assert result.exit_code == 0, result.output
    lines = [line.strip("│├└─ ") for line in result.stdout.splitlines()]
    assert lines == [
        "acme-gb  1 to create, 1 to update, 1 to delete; 40 unchanged  0123456789abcdef",
        "+ PostgreSQLRole casino_acme_gb_ops",
        "CREATE ROLE [x]",
        "~ ConfigMap casino-acme-gb/casino-config",
        "data.rules.json",
        "and 1 more, which status.plan has no room for",
        "! OPENBAO_SEALED: OpenBao is sealed.",
    ]
    assert PLAN not in annotations(cluster)


def test_a_plan_that_was_held_before_stays_held_until_it_is_let_go(on, cluster):
    assert "--let-go" in on(cluster, "plan", "acme-gb", "--hold").stdout
    assert annotations(cluster)[PLAN] == "true"
    assert json.loads(on(cluster, "plan", "acme-gb", "--json").stdout)["create"] == 1
    assert annotations(cluster)[PLAN] == "true"
    assert "planned: nothing is changed" in on(cluster, "explain", "acme-gb").stdout
    assert on(cluster, "plan", "acme-gb", "--let-go").exit_code == 0
    assert PLAN not in annotations(cluster)
    assert on(cluster, "plan", "acme-gb", "--hold", "--let-go").exit_code == 2


def test_a_refused_tenant_has_no_plan_and_the_refusal_is_told(on, cluster):
    cluster.refuses_plan = True
    set_condition({"tenant": cluster.tenants["acme-gb"]}, "Ready", "False", "LIMIT_LAXER", "Too lax.")
    result = on(cluster, "plan", "acme-gb")
    assert result.exit_code == 1 and "LIMIT_LAXER: Too lax." in result.stderr and PLAN not in annotations(cluster)


def test_the_operator_s_hand_is_let_go_whatever_happens_while_it_is_waited_for(on, cluster, monkeypatch):
    def broken(*arguments, **options):
        raise PluginError("CLUSTER_UNREACHABLE", "gone")

    monkeypatch.setattr("domicile_kubectl.commands.hold.wait", broken)
    assert on(cluster, "plan", "acme-gb").exit_code == 2
    assert PLAN not in annotations(cluster)


# What may be done


def test_a_suspension_is_written_with_its_reason_and_waited_for(on, cluster):
    result = on(cluster, "suspend-licence", "acme-gb", "--reason", "order 118", input="Acme Casino\n")
    assert result.exit_code == 0, result.output
    assert (spec(cluster)["state"], "suspension" in spec(cluster)) == ("Suspended", False)
    assert annotations(cluster)[STATE_REASON] == "order 118"
    assert "In force since 2026-11-30T23:00:00Z: Suspended. What may be done: nothing." in result.stdout
    why = on(cluster, "why-not-ready", "acme-gb")
    assert why.exit_code == 0 and "It is Suspended: what may be done there is nothing." in why.stdout
    told = on(cluster, "explain", "acme-gb").stdout
    assert "may be done nothing" in told and "why order 118" in told


def test_withdrawals_are_left_where_the_order_leaves_them(on, cluster):
    result = on(cluster, "suspend-licence", "acme-gb", "--reason", "x", "--withdrawals", "-y")
    assert result.exit_code == 0 and spec(cluster)["suspension"] == {"withdrawals": True}
    assert "What may be done: withdraw." in result.stdout
    stricter = on(cluster, "suspend-licence", "acme-gb", "--reason", "x", "-y")
    assert stricter.exit_code == 0 and "suspension" not in spec(cluster)


@pytest.mark.parametrize("answer", ["acme casino\n", "acme-gb\n", "yes\n", ""])
@pytest.mark.parametrize("command", [("suspend-licence", "--reason", "x"), ("reopen",)])
def test_without_the_brand_s_name_nothing_is_written(on, cluster, command, answer):
    result = on(cluster, command[0], "acme-gb", *command[1:], input=answer)
    assert (result.exit_code, cluster.patches) == (2, []) and "NOT_CONFIRMED" in result.stderr


def test_a_plan_does_not_hold_up_a_suspension(on, cluster):
    on(cluster, "plan", "acme-gb", "--hold")
    assert on(cluster, "suspend-licence", "acme-gb", "--reason", "x", "-y").exit_code == 0
    assert PLAN not in annotations(cluster)


def test_reopening_leaves_nothing_of_the_suspension(on, cluster):
    on(cluster, "suspend-licence", "acme-gb", "--reason", "x", "--withdrawals", "-y")
    result = on(cluster, "reopen", "acme-gb", "--to", "ClosedToNewPlayers", "-y")
    assert result.exit_code == 0 and spec(cluster)["state"] == "ClosedToNewPlayers"
    assert "suspension" not in spec(cluster) and STATE_REASON not in annotations(cluster)
    assert on(cluster, "reopen", "acme-gb", "--to", "Suspended", "-y").exit_code == 2


def test_what_licence_or_law_keep_closed_is_told_when_reopening(on, cluster):
    cluster.licence_ended = True
    result = on(cluster, "reopen", "acme-gb", "-y")
    assert result.exit_code == 1 and "licence or law allow less" in result.stderr
    assert spec(cluster)["state"] == "Live"


def tenant(generation, observed, said, acts=()):
    status, of = said
    condition = {"type": "OperationInForce", "status": status, "reason": "X", "message": "m", "observedGeneration": of}
    return Tenant(
        {
            "metadata": {"name": "x", "generation": generation},
            "status": {
                "observedGeneration": observed,
                "conditions": [condition],
                "operation": {"revision": 1, "acts": list(acts)},
            },
        }
    )


@given(
    st.integers(1, 3),
    st.integers(1, 3),
    st.sampled_from(["True", "False", "Unknown"]),
    st.sets(st.sampled_from(ACTS["Live"])),
)
def test_nothing_is_called_in_force_that_a_former_record_or_a_laxer_one_says(observed, of, status, acts):
    """A True that is left of the state before would tell a regulator of a suspension that does not hold yet."""
    found = progress.in_force(2, {"withdraw"})(tenant(3, observed, (status, of), acts))
    assert found.done is (observed >= 2 and of >= 2 and status == "True" and acts <= {"withdraw"})
    assert found.sentence
