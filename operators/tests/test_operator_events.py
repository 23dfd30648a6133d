"""Events: told of transitions alone, and never without bound."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from domicile_operator import events
from domicile_operator.conditions import BAD_WHEN_TRUE, TYPES, Condition, merge
from domicile_operator.errors import Fault
from domicile_operator.events import BURST, NOTE_LIMIT, REFILL_SECONDS, UNTOLD, Budget, Event, transitions
from domicile_operator.recorder import write_status
from domicile_operator.status import Findings
from hypothesis import given
from hypothesis import strategies as st
from operator_testkit.fakes import Fakes
from operator_testkit.samples import CELL, tenant

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
FOUND = st.builds(
    Condition,
    st.sampled_from(TYPES),
    st.sampled_from(["True", "False", "Unknown"]),
    st.sampled_from(["Live", "LICENCE_EXPIRED", "OPENBAO_SEALED"]),
    st.text(max_size=3),
)


def told(*found: Condition) -> list[dict[str, Any]]:
    return merge([], found, 1, NOON)


@given(st.lists(FOUND))
def test_what_did_not_turn_is_not_told(found: list[Condition]) -> None:
    once = told(*found)
    again = [condition | {"message": "the same in other words", "observedGeneration": 2} for condition in once]
    assert transitions(once, again) == []


@given(st.lists(FOUND), st.lists(FOUND))
def test_whatever_turned_bad_is_told_once(before: list[Condition], found: list[Condition]) -> None:
    old = told(*before)
    new = merge(old, found, 2, NOON)
    reasons = [event.reason for event in transitions(old, new)]
    assert len(set(reasons)) == len(reasons)
    known = {entry["type"]: entry["status"] for entry in old}
    for entry in new:
        bad = "True" if entry["type"] in BAD_WHEN_TRUE else "False"
        turned = known.get(entry["type"], bad) != bad and entry["status"] == bad
        if turned and entry["type"] not in UNTOLD:
            assert entry["reason"] in reasons


@given(st.lists(FOUND), st.lists(FOUND))
def test_what_cannot_be_seen_is_no_news_but_of_readiness(before: list[Condition], found: list[Condition]) -> None:
    hidden = [Condition(one.type, "Unknown", one.reason) for one in found if one.type != "Ready"]
    old = told(*before)
    assert transitions(old, merge(old, hidden, 2, NOON)) == []


@pytest.mark.parametrize(
    ("was", "now", "event"),
    [
        (None, ("Ready", "False", "Progressing"), Event("Normal", "Progressing", "said")),
        (None, ("Ready", "False", "LICENCE_EXPIRED"), Event("Warning", "LICENCE_EXPIRED", "said")),
        (("Ready", "False", "Progressing"), ("Ready", "True", "Live"), Event("Normal", "Live", "said")),
        (("Secrets", "True", "InPlace"), ("Secrets", "False", "OPENBAO_SEALED"),
         Event("Warning", "OPENBAO_SEALED", "Secrets: said")),
        (("Secrets", "False", "OPENBAO_SEALED"), ("Secrets", "True", "InPlace"),
         Event("Normal", "SecretsInPlace", "Secrets: said")),
        (None, ("Secrets", "True", "InPlace"), None),
        (None, ("GamesVerified", "False", "NoKey"), None),
        (None, ("Paused", "False", "NotPaused"), None),
        (None, ("Paused", "True", "Annotated"), Event("Warning", "Annotated", "Paused: said")),
        (("Paused", "True", "Annotated"), ("Paused", "False", "NotPaused"),
         Event("Normal", "NoLongerPaused", "Paused: said")),
        (("Degraded", "True", "OPENBAO_SEALED"), ("Degraded", "False", "AsItShouldBe"),
         Event("Normal", "NoLongerDegraded", "Degraded: said")),
        (("Degraded", "True", "OPENBAO_SEALED"), ("Degraded", "False", "NotReady"), None),
        (("RulesInForce", "True", "InForce"), ("RulesInForce", "Unknown", "NotSeen"), None),
        (("RulesInForce", "Unknown", "NotSeen"), ("RulesInForce", "True", "InForce"), None),
        (("RulesInForce", "Unknown", "NotSeen"), ("RulesInForce", "False", "OtherRules"),
         Event("Warning", "OtherRules", "RulesInForce: said")),
        (("Progressing", "True", "Waiting"), ("Progressing", "False", "Settled"), None),
    ],
)  # fmt: skip
def test_what_is_told_of_a_turn(
    was: tuple[str, Any, str] | None, now: tuple[str, Any, str], event: Event | None
) -> None:
    before = told(Condition(*was, "before")) if was else []
    assert transitions(before, told(Condition(*now, "said"))) == ([event] if event else [])


def test_a_fault_that_readiness_tells_is_told_once() -> None:
    found = told(Condition("Ready", "False", "OPENBAO_SEALED"), Condition("Secrets", "False", "OPENBAO_SEALED"))
    before = told(Condition("Ready", "True", "Live"), Condition("Secrets", "True", "InPlace"))
    assert [event.reason for event in transitions(before, found)] == ["OPENBAO_SEALED"]


def test_an_event_names_its_tenant_and_fits() -> None:
    owner = tenant() | {"metadata": {"name": "acme-gb", "uid": "u"}}
    made = events.manifest(owner, Event("Warning", "LICENCE_EXPIRED", "x" * 5000), NOON)
    assert (made["type"], made["reason"], len(made["message"])) == ("Warning", "LICENCE_EXPIRED", NOTE_LIMIT)
    assert made["involvedObject"]["uid"] == "u" and made["metadata"]["namespace"] == "default"


def test_a_fault_that_comes_and_goes_is_told_a_bounded_number_of_times_and_another_tenants_is_not_held_back() -> None:
    budget = Budget()
    assert [budget.take("flaps-gb", NOON) for _ in range(BURST + 5)] == [True] * BURST + [False] * 5
    assert budget.take("calm-gb", NOON)
    later = NOON + timedelta(seconds=REFILL_SECONDS)
    assert [budget.take("flaps-gb", later) for _ in range(2)] == [True, False]
    budget.forget("flaps-gb")
    assert budget.take("flaps-gb", later)


def test_a_pass_may_tell_of_what_no_condition_says_and_a_lost_event_costs_no_status() -> None:
    fakes = Fakes(CELL)
    fakes.kube.put(tenant())
    found = Findings(state="Live", events=[Event("Normal", "LicenceEnding", "It ends in 30 days.")])
    write_status(fakes.tenant(), found, fakes.world)
    assert [event["reason"] for event in fakes.kube.events] == ["LicenceEnding"]
    fakes.kube.create = lambda _: (_ for _ in ()).throw(Fault("KUBERNETES_FORBIDDEN", "no"))  # type: ignore[method-assign]
    found.conditions.append(Condition("Ready", "True", "Live"))
    write_status(fakes.tenant(), found, fakes.world)
    assert fakes.condition("Ready")["status"] == "True"
