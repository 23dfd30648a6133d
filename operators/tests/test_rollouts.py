"""A release comes to a tenant, pass by pass: with what its pods count, and a fleet beside it."""

from typing import Any

import pytest
from domicile_operator.annotations import RETRY_RELEASE
from domicile_operator.conditions import timestamp
from domicile_operator.names import Names
from domicile_operator.reconcile import decide_on, reconcile
from domicile_operator.releases.course import Failed, Release, to_status
from domicile_operator.releases.figures import Figures
from operator_testkit.fakes import IMAGE, Fakes
from operator_testkit.passes import go_live, run
from operator_testkit.samples import CELL, tenant

NEW = "registry.test/casino:0.2.0"
NAMESPACE = "casino-acme-gb"


@pytest.fixture
def live() -> Fakes:
    fakes = Fakes(CELL)
    fakes.kube.put(tenant())
    go_live(fakes)
    follow(fakes)
    assert release(fakes) == {"image": IMAGE, "phase": "Settled"}
    return fakes


def follow(fakes: Fakes) -> None:
    """A pod of the casino and one of its worker, which hold to the record."""
    revision = fakes.record()["revision"]
    fakes.follow((revision, revision), worker=[(revision, revision)])


def release(fakes: Fakes) -> dict[str, Any]:
    found: dict[str, Any] = fakes.tenant()["status"]["release"]
    return found


def image(fakes: Fakes) -> str:
    found = fakes.kube.objects["Deployment", NAMESPACE, "casino"]
    made: str = found["spec"]["template"]["spec"]["containers"][0]["image"]
    return made


def counting(fakes: Fakes, version: str, bets: int, failed: int = 0) -> None:
    """Each of two pods shows so many."""
    labels = 'method="POST",route="/api/v1/games/{game_id}/spins"'
    fakes.figures = (
        f'casino_release{{release="{version}"}} 1.0\n'
        f'casino_http_requests_total{{{labels},status="200"}} {bets - failed}.0\n'
        f'casino_http_requests_total{{{labels},status="500"}} {failed}.0\n'
        f'casino_http_request_seconds_bucket{{le="0.5",{labels}}} {bets}.0\n'
    )


def rolled_out(fakes: Fakes) -> None:
    """Passes until the new release is in place and watched."""
    fakes.image = NEW
    assert run(fakes) == "settled" and release(fakes)["phase"] == "Rolling" and image(fakes) == IMAGE
    assert run(fakes) == "waiting" and image(fakes) == IMAGE  # its migration comes first
    fakes.finish_migration()
    assert run(fakes) == "waiting" and image(fakes) == NEW
    fakes.roll_out()
    assert run(fakes) == "settled" and release(fakes)["phase"] == "Watching"
    assert fakes.condition("Release")["reason"] == "Watching" and fakes.condition("Ready")["status"] == "True"


def beside(fakes: Fakes, name: str, of: Release) -> None:
    """Another tenant of the cell, as its status says."""
    found = fakes.kube.put(tenant(name))
    found["status"] = {"children": [{"kind": "Namespace", "name": f"casino-{name}"}], "release": to_status(of)}


def test_a_good_release_comes_is_watched_and_stays(live: Fakes) -> None:
    counting(live, "0.1.0-abc1234", 400, failed=20)
    rolled_out(live)
    assert release(live)["before"] == {"bets": 800, "failed": 40, "slow": 0} and release(live)["previous"] == IMAGE
    counting(live, "0.2.0", 300, failed=16)
    live.clock.advance(minutes=4)
    assert run(live) == "settled" and release(live)["phase"] == "Watching"
    live.clock.advance(minutes=2)
    assert run(live) == "settled"
    assert release(live) == {"image": NEW, "phase": "Settled", "since": timestamp(live.clock.now)}
    assert live.condition("Release")["status"] == "True" and live.tenant()["status"]["version"] == "0.2.0"


def test_a_release_whose_bets_fail_goes_back_by_itself_and_to_nobody_else(live: Fakes) -> None:
    counting(live, "0.1.0-abc1234", 400, failed=20)
    rolled_out(live)
    counting(live, "0.2.0", 300, failed=200)
    assert run(live) == "settled"
    assert release(live)["phase"] == "GoingBack" and release(live)["image"] == IMAGE
    assert run(live) == "waiting" and image(live) == NEW  # the migration of what it goes back to is made again
    live.finish_migration()
    assert run(live) == "waiting" and image(live) == IMAGE
    live.roll_out()
    counting(live, "0.1.0-abc1234", 10)
    assert run(live) == "settled" and release(live)["phase"] == "Settled"
    told = live.condition("Release")
    assert (told["status"], told["reason"]) == ("False", "RolledBack") and "400 of 600 bets failed" in told["message"]
    for _ in range(5):
        live.clock.advance(minutes=10)
        assert run(live) == "settled" and image(live) == IMAGE
    assert release(live)["failed"]["reason"] == "BetsFail"


def test_pods_of_the_old_release_are_not_held_against_the_new_one(live: Fakes) -> None:
    counting(live, "0.1.0-abc1234", 400)
    rolled_out(live)
    counting(live, "0.1.0-abc1234", 900, failed=500)  # they are dying
    assert run(live) == "settled" and release(live)["phase"] == "Watching"


@pytest.mark.parametrize("later", [1, 200])
def test_a_migration_that_fails_leaves_the_old_release(live: Fakes, later: int) -> None:
    live.image = NEW
    run(live)
    run(live)
    live.finish_migration(failed=True)
    assert run(live) == "fault MIGRATION_FAILED"
    assert release(live)["failed"]["reason"] == "MigrationFailed" and image(live) == IMAGE
    live.clock.advance(minutes=later)
    run(live)
    live.finish_migration()
    assert run(live) == "settled" and release(live)["phase"] == "Settled"
    assert live.condition("Ready")["status"] == "True"


def test_a_deployment_without_progress_goes_back(live: Fakes) -> None:
    live.image = NEW
    run(live)
    run(live)
    live.finish_migration()
    run(live)
    found = live.kube.objects["Deployment", NAMESPACE, "casino"]
    found["status"] |= {"observedGeneration": found["metadata"]["generation"], "updatedReplicas": 0}
    found["status"]["conditions"] = [{"type": "Progressing", "status": "False", "message": "exceeded its deadline"}]
    assert run(live) == "waiting"
    assert release(live)["failed"]["reason"] == "NotInPlace" and "exceeded" in release(live)["failed"]["message"]


def test_who_asks_for_another_chance_gets_one(live: Fakes) -> None:
    failed = Failed(NEW, "BetsFail", "x", timestamp(live.clock.now))
    live.tenant()["status"]["release"] = to_status(Release(IMAGE, failed=failed))
    live.image = NEW
    run(live)
    assert release(live)["phase"] == "Settled"
    asked = live.tenant()["metadata"].setdefault("annotations", {})
    for nothing in ("2020-01-01T00:00:00Z", "true", "2099-01-01", ""):  # of a failure before, or no time
        asked[RETRY_RELEASE] = nothing
        run(live)
        assert release(live)["phase"] == "Settled"
    live.clock.advance(minutes=1)
    asked[RETRY_RELEASE] = timestamp(live.clock.now)
    run(live)
    assert release(live)["phase"] == "Rolling"


def test_a_tenant_waits_for_its_turn_and_says_for_whom(live: Fakes) -> None:
    beside(live, "zeus-gb", Release(NEW, "Watching", IMAGE, before=Figures()))
    live.image = NEW
    assert run(live) == "settled"
    told = live.condition("Release")
    assert (told["reason"], image(live)) == ("Waits", IMAGE) and "zeus-gb under way" in told["message"]
    beside(live, "zeus-gb", Release(NEW))
    run(live)
    assert release(live)["phase"] == "Rolling"


def test_what_failed_elsewhere_comes_to_nobody_and_a_new_tenant_begins_with_what_was_before(
    live: Fakes,
) -> None:
    beside(live, "zeus-gb", Release(IMAGE, failed=Failed(NEW, "LedgerBroken", "x", "2026-01-01T00:00:00Z")))
    live.image = NEW
    run(live)
    told = live.condition("Release")
    assert told["reason"] == "Halted" and "zeus-gb" in told["message"] and "LedgerBroken" in told["message"]
    fresh = Fakes(CELL)
    beside(fresh, "zeus-gb", Release(IMAGE, failed=Failed(NEW, "LedgerBroken", "x", "2026-01-01T00:00:00Z")))
    fresh.image = NEW
    fresh.kube.put(tenant())
    go_live(fresh)
    assert image(fresh) == IMAGE


def test_a_tenant_that_was_never_built_has_no_release_to_wait_for() -> None:
    fakes = Fakes(CELL)
    fakes.kube.put(tenant())
    run(fakes)
    fakes.image = NEW
    go_live(fakes)
    assert image(fakes) == NEW and release(fakes) == {"image": NEW, "phase": "Settled"}


def test_without_a_status_what_runs_is_the_release(live: Fakes) -> None:
    del live.tenant()["status"]["release"]
    live.image = NEW
    run(live)
    assert release(live) == {"image": IMAGE, "phase": "Settled"}
    run(live)
    assert (release(live)["previous"], release(live)["phase"]) == (IMAGE, "Rolling")


def test_a_release_without_its_signed_manifest_begins_nowhere(live: Fakes) -> None:
    live.cell = CELL.model_copy(update={"games_keys": ("A" * 43 + "=",)})
    live.image = NEW
    run(live)
    assert release(live)["image"] == IMAGE


def test_a_paused_tenant_neither_begins_nor_goes_on(live: Fakes) -> None:
    live.tenant()["metadata"].setdefault("annotations", {})["casino.domicile.dev/paused"] = "true"
    live.image = NEW
    assert run(live) == "held" and release(live)["phase"] == "Settled"


def test_what_is_under_way_is_looked_at_soon(live: Fakes) -> None:
    live.image = NEW
    assert reconcile("acme-gb", live.world).behind
    rests = Fakes(CELL)
    rests.kube.put(tenant())
    go_live(rests)
    follow(rests)
    assert not reconcile("acme-gb", rests.world).behind


def test_a_slot_is_held_until_the_tenants_next_pass_whoever_else_decides_meanwhile(live: Fakes) -> None:
    """Backups decide on a tenant beside its own pass; and who was deleted after it had begun leaves its slot."""
    live.image = NEW
    beside(live, "zeus-gb", Release(IMAGE))
    world = live.world
    assert world.slots.take("acme-gb", NEW, world.kube.standings(), 1) is None
    decide_on(live.tenant(), Names("acme-gb"), world)
    busy = world.slots.take("zeus-gb", NEW, world.kube.standings(), 1)
    assert busy is not None and "acme-gb under way" in busy.message
    del live.kube.objects["CasinoTenant", "", "acme-gb"]
    assert reconcile("acme-gb", world).kind == "gone"
    assert world.slots.take("zeus-gb", NEW, world.kube.standings(), 1) is None
