"""The commands over a cluster that holds recorded objects: what they print, and their exit codes."""

import json
import re
from datetime import UTC, datetime

import pytest
from domicile_kubectl import options
from domicile_kubectl.main import app
from domicile_kubectl.tenant import Tenant, age
from plugin_testkit import (
    FakeCluster,
    container_waits,
    no_right,
    pod_of,
    set_condition,
    stopped,
    unready,
    waiting,
    warning,
    world,
)
from typer.testing import CliRunner


@pytest.fixture
def on(monkeypatch):
    """Runs a command on a cluster; gives the result."""

    def run(cluster, *arguments, **given):
        monkeypatch.setattr(options, "connect", lambda kubeconfig, context: cluster)
        result = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, arguments, **given)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def test_the_list_is_a_table_with_a_line_for_each_casino(on):
    header, row = on(FakeCluster(world()), "list").stdout.splitlines()
    assert header.split() == [
        "NAME", "JURISDICTION", "PLACE", "STATE", "READY", "REASON", "VERSION", "LICENCE", "AGE",
    ]  # fmt: skip
    assert row.split()[:6] == ["acme-gb", "GB", "eu-west-2", "Live", "True", "Live"]


def test_the_list_for_programs_has_every_column(on):
    objects = world()
    stopped(objects, "LICENCE_EXPIRED", "It ended.", condition="LicenceValid", refused=True)
    objects["tenant"]["spec"]["licence"]["validUntil"] = "2020-02-29"
    found = json.loads(on(FakeCluster(objects), "list", "--json").stdout)
    assert found == json.loads(on(FakeCluster(objects), "list", "-o", "json").stdout)
    (row,) = found
    assert (row["ready"], row["reason"], row["brand"]) == ("False", "LICENCE_EXPIRED", "Acme Casino")
    assert row["licence_days"] < -2000
    assert "ended" in on(FakeCluster(objects), "list").stdout


def test_a_tenant_that_nobody_has_looked_at_is_listed(on):
    objects = world()
    del objects["tenant"]["status"]
    assert "NotLookedAt" in on(FakeCluster(objects), "list", "-o", "wide").stdout


def test_no_casinos_are_said_to_be_none(on):
    cluster = FakeCluster(world())
    cluster.tenants = {}
    result = on(cluster, "list")
    assert (result.exit_code, result.stdout) == (0, "") and "no casino tenants" in result.stderr
    assert json.loads(on(cluster, "list", "--json").stdout) == []


def test_an_explanation_tells_place_licence_rules_law_conditions_and_children(on):
    text = on(FakeCluster(world()), "explain", "acme-gb").stdout
    for word in (
        "lives in eu-west-2, licensed by GB",
        "000-012345-R-000001-001, Acme Gaming Ltd, to 2028-12-31",
        "its own limit slotMaxStakeMinor 200",
        "No change of law that the catalogue knows of ends that.",
        "✔ Secrets  In place.",
        "· Progressing",
        "Deployment  casino, casino-realtime, casino-worker",
        "PostgreSQLDatabase  casino_acme_gb",
    ):
        assert word in text, word


def test_every_child_of_the_status_is_in_the_explanation_once(on):
    objects = world()
    found = json.loads(on(FakeCluster(objects), "explain", "acme-gb", "--json").stdout)
    told = [(kind, name) for part in ("children", "outside") for kind, names in found[part].items() for name in names]
    assert sorted(told) == sorted((one["kind"], one["name"]) for one in objects["tenant"]["status"]["children"])


def test_a_condition_of_a_former_spec_is_marked(on):
    objects = world()
    objects["tenant"]["metadata"]["generation"] = 2
    text = on(FakeCluster(objects), "explain", "acme-gb").stdout
    assert "has not looked at that yet" in text and "of a former spec" in text


def test_a_tenant_of_which_nothing_is_known_yet_is_explained(on):
    objects = world()
    del objects["tenant"]["status"]
    text = on(FakeCluster(objects), "explain", "acme-gb").stdout
    assert "lives in nowhere" in text and "runs nothing yet" in text


def test_why_a_casino_is_not_ready_goes_from_the_symptom_to_the_cause_to_what_to_do(on):
    objects = world()
    waiting(objects)
    status = unready(objects)
    container_waits(status, "CrashLoopBackOff", exitCode=1)
    pod = pod_of(objects, "casino-7d")["metadata"]["name"]
    objects["events"] = [warning(pod, "BackOff", "Back-off restarting failed container")]
    cluster = FakeCluster(objects, log="starting\nOpenBao does not answer\n")
    result = on(cluster, "why-not-ready", "acme-gb")
    assert result.exit_code == 1
    assert re.search(
        r"not ready.*Ready: Waiting.*0 of 1 pods.*because.*CrashLoopBackOff.*Back-off restarting.*"
        r"its last line: OpenBao does not answer.*do .*kubectl logs -n casino-acme-gb casino-7d\w*-\w+ --previous",
        result.stdout,
        re.DOTALL,
    ), result.stdout
    assert cluster.logs_read == [("casino-acme-gb", pod, "api", True)]


def test_a_casino_that_is_ready_costs_one_question(on):
    cluster = FakeCluster(world())
    cluster.objects = {}
    result = on(cluster, "why-not-ready", "acme-gb")
    assert (result.exit_code, result.stdout.startswith("acme-gb is ready")) == (0, True)


def test_what_may_not_be_read_is_told_and_the_rest_is_told_without_it(on):
    objects = world()
    stopped(objects, "OPENBAO_SEALED", "OpenBao is sealed.", condition="Secrets")
    cluster = FakeCluster(objects)
    cluster.refused = {"/pods": no_right(), "domicile-system/deployments": no_right("get", "deployments", "apps")}
    result = on(cluster, "why-not-ready", "acme-gb")
    assert result.exit_code == 1 and "OPENBAO_SEALED" in result.stdout
    assert "not seen the pods of casino-acme-gb: ada lacks the right to list pods" in result.stdout
    found = json.loads(on(cluster, "why-not-ready", "acme-gb", "--json").stdout)
    assert (found["code"], found["ready"], len(found["unseen"])) == ("OPENBAO_SEALED", False, 3)


@pytest.mark.parametrize("command", ["explain", "why-not-ready"])
def test_a_name_that_there_is_not_is_told_with_those_that_there_are(on, command):
    result = on(FakeCluster(world()), command, "acme-uk")
    assert result.exit_code == 2 and "NO_SUCH_TENANT" in result.stderr and "acme-gb" in result.stderr


def test_every_command_shows_examples_and_its_exit_codes(on):
    def named(*group):
        return re.findall(r"│ ([a-z-]+) {2,}", on(None, *group, "--help").stdout.partition("Commands")[2])

    commands = [one for one in named() if one != "rollout"] + [f"rollout {one}" for one in named("rollout")]
    assert {"list", "explain", "why-not-ready", "rollout status", "rollout retry"} <= set(commands)
    for command in commands:
        text = on(None, *command.split(), "--help").stdout
        assert f"kubectl casino {command}" in text.partition("Examples")[2], command
        assert "Exit codes" in text and "--context" in text and "--kubeconfig" in text, command


def test_brackets_in_what_people_write_are_no_markup(on):
    objects = world()
    objects["tenant"]["spec"]["brand"] = "[red]Acme[/]"
    set_condition(objects, "Placed", "True", "Placed", "[link=x]here[/link]")
    text = on(FakeCluster(objects), "explain", "acme-gb").stdout
    assert "[red]Acme[/]" in text and "[link=x]here[/link]" in text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (119, "119s"), (120, "2m"), (7199, "119m"), (7200, "2h"), (11_000, "3h3m"), (200_000, "2d7h"),
     (86_400 * 30, "30d"), (86_400 * 800, "2y70d"), (-5, "0s")],
)  # fmt: skip
def test_ages_are_written_as_kubectl_does(seconds, text):
    now = datetime(2026, 11, 30, tzinfo=UTC)
    assert age(datetime.fromtimestamp(now.timestamp() - seconds, UTC), now) == text


def test_days_of_a_licence_count_from_today_on():
    tenant = Tenant({"metadata": {"name": "x"}, "spec": {"licence": {"validUntil": "2026-11-30"}}})
    assert tenant.licence_days_left(datetime(2026, 11, 30, 23, 59, tzinfo=UTC)) == 0
    assert tenant.licence_days_left(datetime(2026, 12, 1, tzinfo=UTC)) == -1
    assert Tenant({"metadata": {"name": "x"}}).licence_days_left(datetime(2026, 12, 1, tzinfo=UTC)) is None
