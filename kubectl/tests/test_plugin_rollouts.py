"""`kubectl casino rollout`: where each casino stands, and another chance for a release that failed."""

import json

import pytest
from domicile_kubectl import options
from domicile_kubectl.clients import waiting
from domicile_kubectl.main import app
from domicile_kubectl.names import RETRY_RELEASE
from domicile_kubectl.rollouts import ORDER, cells, rows
from domicile_kubectl.tenant import instant
from hypothesis import given
from hypothesis import strategies as st
from plugin_testkit import FakeCluster, set_condition, world
from typer.testing import CliRunner

OLD = "registry.test/casino:0.1.0-abc1234"
FAILED = {"image": "registry.test/casino:0.2.0", "reason": "BetsFail", "message": "x", "at": "2026-11-30T23:00:00Z"}


class Operated(FakeCluster):
    """An operator that takes up what is asked for, or sleeps."""

    asleep = False

    def after_patch(self, tenant):
        if not self.asleep and RETRY_RELEASE in tenant["metadata"]["annotations"]:
            tenant["status"]["release"].pop("failed")
            set_condition({"tenant": tenant}, "Release", "Unknown", "Rolling", "From 0.1.0 to 0.2.0: its pods come.")


@pytest.fixture
def objects():
    made = world()
    made["tenant"]["status"]["release"] = {
        "image": OLD, "phase": "Settled", "since": "2026-11-30T23:00:00Z", "failed": FAILED,
    }  # fmt: skip
    set_condition(made, "Release", "False", "RolledBack", "0.1.0-abc1234 runs again: 0.2.0 failed with BetsFail.")
    return made


@pytest.fixture
def on(monkeypatch):
    def run(cluster, *arguments):
        monkeypatch.setattr(options, "connect", lambda kubeconfig, context: cluster)
        monkeypatch.setattr(waiting, "PAUSE", 0.0)
        result = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, ["rollout", *arguments])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def test_the_status_says_what_runs_and_why_not_the_next(on, objects):
    header, row = on(FakeCluster(objects), "status").stdout.splitlines()
    assert header.split() == ["NAME", "RELEASE", "STANDS", "FOR", "FROM", "WHY"]
    assert row.split()[:3] == ["acme-gb", "0.1.0-abc1234", "RolledBack"] and "failed with BetsFail" in row
    assert on(FakeCluster(objects), "status", "acme-gb").stdout.splitlines()[1] == row
    (told,) = json.loads(on(FakeCluster(objects), "status", "--json").stdout)
    assert (told["image"], told["stands"]) == (OLD, "RolledBack")


def test_a_tenant_of_an_operator_before_has_nothing_to_say(on):
    row = on(FakeCluster(world()), "status").stdout.splitlines()[1]
    assert row.split() == ["acme-gb", "-", "NotLookedAt", "-", "-", "-"]


def test_another_chance_is_asked_for_once_and_waited_for(on, objects):
    cluster = Operated(objects)
    result = on(cluster, "retry", "acme-gb")
    assert result.exit_code == 0 and "its pods come" in result.stdout
    (patch,) = cluster.patches
    assert instant(patch["metadata"]["annotations"][RETRY_RELEASE]) > instant(FAILED["at"])
    again = on(cluster, "retry", "acme-gb")
    assert again.exit_code == 2 and "NOTHING_FAILED" in again.stderr


def test_an_operator_that_sleeps_is_said_to(on, objects):
    cluster = Operated(objects)
    cluster.asleep = True
    result = on(cluster, "retry", "acme-gb", "--timeout", "0")
    assert result.exit_code == 1 and "not taken it up" in result.stderr


REASONS = st.lists(st.sampled_from([*ORDER, "Current", "GAMES_MANIFEST_MISSING"]), max_size=6)


@given(REASONS)
def test_what_asks_for_attention_comes_first(reasons):
    made = []
    for at, reason in enumerate(reasons):
        one = world()
        one["tenant"]["metadata"]["name"] = f"t{at}"
        set_condition(one, "Release", "False", reason, "It says.")
        made.append(one["tenant"])
    found = [one.stands for one in rows(made)]
    places = [ORDER.index(one) if one in ORDER else len(ORDER) for one in found]
    assert places == sorted(places) and sorted(found) == sorted(reasons)


@pytest.mark.parametrize(
    ("image", "short"),
    [
        ("registry.test:5000/casino:1.2", "1.2"),
        ("registry.test/casino@sha256:" + "a1" * 32, "sha256:a1a1a1a1a1a1"),
        ("casino", "casino"),
    ],
)
def test_an_image_is_told_by_its_tag_or_the_beginning_of_its_digest(image, short):
    one = world()
    one["tenant"]["status"]["release"] = {"image": image}
    (row,) = rows([one["tenant"]])
    assert cells(row, instant("2026-12-01T00:00:00Z"))[1] == short
