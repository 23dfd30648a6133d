"""A licence's end is told of before it comes: by the condition, by an Event at each threshold, by a gauge."""

from datetime import UTC, datetime, timedelta

import pytest
from domicile_operator import metrics
from domicile_operator.errors import Fault
from domicile_operator.reconcile import reconcile
from operator_testkit.fakes import Fakes
from operator_testkit.samples import CELL, SPEC, tenant
from prometheus_client import REGISTRY

LAST = datetime(2028, 12, 31, 12, tzinfo=UTC)


@pytest.fixture
def fakes() -> Fakes:
    made = Fakes(CELL)
    made.kube.put(tenant())
    return made


def at(fakes: Fakes, days_left: int) -> str:
    """The reason of LicenceValid with so many days left."""
    fakes.clock.now = LAST - timedelta(days=days_left)
    reconcile("acme-gb", fakes.world)
    return str(fakes.condition("LicenceValid")["reason"])


def warnings(fakes: Fakes) -> list[str]:
    return [event["reason"] for event in fakes.kube.events if event["reason"].startswith("LicenceExpiring")]


@pytest.mark.parametrize(
    ("days_left", "reason"),
    [
        (61, "Valid"), (60, "LicenceExpiring60Days"), (31, "LicenceExpiring60Days"), (30, "LicenceExpiring30Days"),
        (8, "LicenceExpiring30Days"), (7, "LicenceExpiring7Days"), (0, "LicenceExpiring7Days"), (-1, "LICENCE_EXPIRED"),
    ],
)  # fmt: skip
def test_the_condition_says_within_how_many_days_a_licence_ends(fakes: Fakes, days_left: int, reason: str) -> None:
    assert at(fakes, days_left) == reason
    assert fakes.condition("LicenceValid")["status"] == ("False" if days_left < 0 else "True")


def test_each_threshold_is_told_once(fakes: Fakes) -> None:
    for days_left in (90, 60, 59, 30, 30, 12, 7, 6, 0):
        at(fakes, days_left)
    assert warnings(fakes) == ["LicenceExpiring60Days", "LicenceExpiring30Days", "LicenceExpiring7Days"]
    for event in fakes.kube.events:
        assert event["involvedObject"]["uid"] == fakes.tenant()["metadata"]["uid"]
    assert "renew it" in next(e for e in fakes.kube.events if e["reason"] == "LicenceExpiring7Days")["message"]


def test_another_change_of_the_status_repeats_no_event(fakes: Fakes) -> None:
    at(fakes, 30)
    fakes.kube.put(tenant(brand="Another Name"))
    at(fakes, 30)
    assert warnings(fakes) == ["LicenceExpiring30Days"]


def test_a_status_that_is_lost_or_not_written_repeats_no_event(fakes: Fakes) -> None:
    at(fakes, 30)
    (first,) = [event for event in fakes.kube.events if event["reason"].startswith("LicenceExpiring")]
    fakes.tenant()["status"] = {}
    at(fakes, 29)
    names = [e["metadata"].get("name") for e in fakes.kube.events if e["reason"].startswith("LicenceExpiring")]
    assert set(names) == {first["metadata"]["name"]}  # the API server takes a name once


def test_a_renewed_licence_is_warned_of_anew(fakes: Fakes) -> None:
    at(fakes, 5)
    fakes.kube.put(tenant(licence=SPEC["licence"] | {"validUntil": "2030-12-31"}))
    assert at(fakes, 5) == "Valid"
    fakes.clock.now = datetime(2030, 12, 28, tzinfo=UTC)
    reconcile("acme-gb", fakes.world)
    names = [e["metadata"].get("name", "") for e in fakes.kube.events if e["reason"].startswith("LicenceExpiring")]
    assert len(names) == len(set(names)) == 2


def test_an_event_that_cannot_be_written_keeps_no_status_back(fakes: Fakes) -> None:
    def refuse(_: object) -> None:
        raise Fault("KUBERNETES_FORBIDDEN", "no")

    fakes.kube.create = refuse  # type: ignore[assignment,method-assign]
    assert at(fakes, 7) == "LicenceExpiring7Days"


def gauge(name: str = "acme-gb") -> float | None:
    return REGISTRY.get_sample_value("domicile_licence_seconds_left", {"tenant": name})


def test_the_gauge_counts_to_the_midnight_after_the_last_day_and_goes_with_the_tenant(fakes: Fakes) -> None:
    at(fakes, 1)
    assert gauge() == 36 * 3600
    at(fakes, -1)
    assert gauge() == -12 * 3600
    metrics.forget("acme-gb")
    assert gauge() is None
    metrics.forget("never-was")


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_calendars_ends_are_days_too(fakes: Fakes, day: str) -> None:
    fakes.kube.put(tenant(licence=SPEC["licence"] | {"validUntil": day}))
    outcome = reconcile("acme-gb", fakes.world)
    assert outcome.code == ("LICENCE_EXPIRED" if day < "2026" else "") and outcome.kind != "fault"
