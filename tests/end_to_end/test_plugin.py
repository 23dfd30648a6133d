"""`kubectl casino` as `make up` installs it, on the lab's cluster: found by kubectl, and true."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.end_to_end import lab


def kubectl(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run kubectl as a user would, who has the lab's programs on the PATH."""
    path = f"{lab.PATHS.bin}:{os.environ['PATH']}"
    return subprocess.run(
        ["kubectl", *arguments],
        env={**os.environ, "PATH": path, "KUBECONFIG": str(lab.PATHS.kubeconfig), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=330,  # a suspension is waited for
    )


def casino(*arguments: str) -> subprocess.CompletedProcess[str]:
    return kubectl("casino", *arguments)


def test_kubectl_finds_the_plugin_and_it_lists_the_casinos() -> None:
    header, *rows = casino("list").stdout.splitlines()
    assert header.split()[:5] == ["NAME", "JURISDICTION", "PLACE", "STATE", "READY"]
    told = {row.split()[0]: row.split()[1:5] for row in rows}
    assert told["acme-gb"] == ["GB", "eu-west-2", "Live", "True"]
    assert told["acme-br"] == ["BR", "sa-east-1", "Live", "True"]


def test_the_list_is_what_the_api_server_says() -> None:
    found = {row["name"]: row for row in json.loads(casino("list", "--json").stdout)}
    tenants = json.loads(lab.kubectl("get", "casinotenants", "-o", "json"))["items"]
    assert set(found) == {one["metadata"]["name"] for one in tenants}
    for one in tenants:
        row, status = found[one["metadata"]["name"]], one.get("status", {})
        assert row["rules"] == status.get("rules", {}).get("digest", "")
        assert row["version"] == status.get("version", "")


def test_an_explanation_names_place_rules_and_every_kind_of_child() -> None:
    done = casino("explain", "acme-gb")
    assert done.returncode == 0, done.stderr
    found = lab.get("casinotenant", "acme-gb")
    assert found
    status = found["status"]
    assert f"lives in {status['place']}, licensed by GB" in done.stdout
    assert status["rules"]["digest"][:12] in done.stdout
    for kind in {child["kind"] for child in status["children"]}:
        assert f"{kind}  " in done.stdout, kind
    for condition in status["conditions"]:
        assert f"{condition['type']}  " in done.stdout, condition


def test_a_healthy_casino_is_said_to_be_ready() -> None:
    done = casino("why-not-ready", "acme-gb")
    assert (done.returncode, done.stdout.startswith("acme-gb is ready")) == (0, True), done


def test_a_refused_casino_is_told_with_the_answer_and_what_to_do() -> None:
    name = "e2e-why"
    lab.delete(name)
    lab.apply(lab.tenant_manifest(name, paymentProviders=[{"name": "nobody"}]))
    try:
        lab.wait_for(lambda: lab.condition(name), 20, "a Ready condition")
        done = casino("why-not-ready", name)
        assert done.returncode == 1, done
        assert "UNKNOWN_PAYMENT_PROVIDER" in done.stdout and "nobody" in done.stdout
        assert "This is an answer" in done.stdout
    finally:
        lab.delete(name)


def test_without_an_operator_a_changed_spec_waits_for_it_and_that_is_told(spare: str) -> None:
    operator = ["deployment/domicile-operator", "-n", "domicile-system"]
    lab.kubectl("scale", *operator, "--replicas=0")
    try:
        lab.kubectl("wait", "pod", "-n", "domicile-system", "-l", "app.kubernetes.io/name=domicile-operator",
                    "--for=delete", "--timeout=60s")  # fmt: skip
        assert json.loads(casino("why-not-ready", spare, "--json").stdout)["ready"]
        lab.apply(lab.tenant_manifest(spare, brand="Another name"))
        done = casino("why-not-ready", spare)
        assert done.returncode == 1 and "OPERATOR_DOWN" in done.stdout and "scaled to no pod" in done.stdout, done
    finally:
        lab.apply(lab.tenant_manifest(spare))
        lab.kubectl("scale", *operator, "--replicas=1")
        lab.kubectl("rollout", "status", *operator, "--timeout=120s")
    lab.wait_for(lambda: lab.is_ready(spare), 60, f"{spare} Ready again")


@pytest.mark.parametrize("arguments", [("list",), ("explain", "acme-gb"), ("why-not-ready", "acme-gb")])
def test_a_missing_right_is_named_and_nothing_breaks(arguments: tuple[str, ...], tmp_path: Path) -> None:
    token = lab.kubectl("create", "token", "default", "-n", "default").strip()
    config = json.loads(lab.kubectl("config", "view", "--raw", "-o", "json"))
    config["users"] = [{"name": entry["name"], "user": {"token": token}} for entry in config["users"]]
    nobody = tmp_path / "kubeconfig"
    nobody.touch(mode=0o600)
    nobody.write_text(json.dumps(config))
    done = casino(*arguments, "--kubeconfig", str(nobody))
    assert done.returncode == 2 and "Traceback" not in done.stderr, done
    assert "system:serviceaccount:default:default lacks the right to" in done.stderr, done


def test_names_are_completed_by_kubectl() -> None:
    done = kubectl("__complete", "casino", "why-not-ready", "acme-g")
    assert "acme-gb" in done.stdout.splitlines(), done


def test_a_paused_casino_is_left_alone_and_put_right_when_it_is_resumed(spare: str) -> None:
    where = ["service", "casino-realtime", "-n", f"casino-{spare}"]
    assert casino("pause", spare, "--reason", "a drill").returncode == 0
    lab.kubectl("delete", *where)
    assert casino("reconcile", spare).returncode == 0
    assert lab.get("service", "casino-realtime", f"casino-{spare}") is None
    planned = casino("plan", spare)
    assert "+ Service" in planned.stdout and "casino-realtime" in planned.stdout, planned
    assert casino("resume", spare).returncode == 0
    lab.wait_for(lambda: lab.get("service", "casino-realtime", f"casino-{spare}"), 60, "the Service again")


def test_a_suspended_licence_stops_play_by_the_time_that_the_command_ends(spare: str) -> None:
    """The kubelet takes up to two minutes to bring the record."""
    player = lab.new_player(lab.url(spare), deposit_minor=5_000)
    assert player.spin(100).status_code == 200
    done = casino("suspend-licence", spare, "--reason", "a drill", "--yes")
    assert done.returncode == 0 and "In force since" in done.stdout, done
    assert player.spin(100).status_code == 403
    assert player.deposit(500).status_code == 403
    reopened = casino("reopen", spare, "--yes")
    assert reopened.returncode == 0 and "stake" in reopened.stdout, reopened
    lab.wait_for(lambda: player.spin(100).status_code == 200, 150, "play again", every=3)
