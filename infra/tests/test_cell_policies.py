"""The rules on plans find nothing wrong with a cell, as its program declares it."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from cell_testkit import cell, environment
from cell_testkit.cloud import SOURCE, Cloud, bare, id_of, whole
from domicile_catalog import load_catalogue
from domicile_policies.plan.check import RULES, check_plan
from domicile_policies.plan.facts import PackFacts, facts_of_stack
from domicile_policies.plan.load import read_waivers
from domicile_policies.plan.resource import Operation, Options, Plan, PlannedResource, Provider
from program_testkit import Registered

TODAY = date(2026, 11, 24)
CATALOGUE = load_catalogue()
WAIVERS = Path(__file__).parents[2] / "policies" / "pack" / "waivers.yaml"


def planned(cloud: Cloud) -> Plan:
    """What the engine would hand to the rules."""
    by_urn = {one.urn: one for one in cloud.resources}
    provided = [one for one in cloud.resources if one.custom and not one.type.startswith("pulumi:")]
    return Plan("north-live", tuple(resource(one, by_urn) for one in provided))


def resource(one: Registered, by_urn: dict[str, Registered]) -> PlannedResource:
    urn = one.provider.rpartition("::")[0]
    return PlannedResource(
        urn=one.urn,
        type=one.type,
        name=one.name,
        properties={**one.inputs, "id": id_of(one)},
        options=Options(protect=one.protect, retain_on_delete=one.retain, parent=one.parent, aliases=one.aliases),
        provider=Provider(by_urn[urn].name, urn, by_urn[urn].inputs),
        operation=Operation.CREATE,
    )


def facts(production: bool, **more: str) -> PackFacts:
    one = cell(gitops=SOURCE, **more)
    where = environment(one, production=production)
    return facts_of_stack(where, one.name, CATALOGUE, TODAY, waivers=read_waivers(WAIVERS))


@pytest.mark.parametrize(
    ("built", "about"),
    [(whole, facts(True)), (bare, facts(False, name="a" * 32, backupPlace="eu-west-1"))],
    ids=["production", "elsewhere"],
)
def test_no_rule_finds_anything_in_a_cell_but_what_is_waived(built: Callable[[], Cloud], about: PackFacts) -> None:
    found = check_plan(planned(built()), about)
    assert [one.message for one in found if not one.waived] == []
    assert [one.rule.id for one in found] == ["bucket-encrypted"]


def test_the_rules_are_asked_of_this_very_plan() -> None:
    """A cell in the wrong place is found by many of them: the test above is of rules that look."""
    elsewhere = facts_of_stack(environment(cell(place="eu-north-1")), "north-live", CATALOGUE, TODAY)
    found = check_plan(planned(whole()), elsewhere)
    assert len({one.urn for one in found}) > 100 and len(RULES) > 15
