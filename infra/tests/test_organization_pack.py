"""The rules on plans find nothing in the organisation's own stack that nobody has answered for."""

from pathlib import Path

from domicile_policies.plan.check import RULES, check_plan
from domicile_policies.plan.facts import PackFacts, facts_of_stack
from domicile_policies.plan.load import read_waivers
from domicile_policies.plan.resource import Operation, Options, Plan, PlannedResource, Provider
from organization_testkit import ENGINEER, ON, catalogue, environment, plan
from organization_testkit.recorder import EVERYTHING, FULL, World, build, full_world

WAIVERS = Path(__file__).parents[2] / "policies" / "pack" / "waivers.yaml"


def facts(waivers=()) -> PackFacts:
    return facts_of_stack(environment(**EVERYTHING), FULL.stack, catalogue(), ON, waivers=waivers)


def planned(world: World) -> Plan:
    """What was registered, as the rules see it in an update."""
    found = []
    for one in world.resources.values():
        provider = world.by_urn.get(one.provider_urn or "")
        made_by = Provider(provider.name, provider.urn, provider.inputs) if provider else None
        dependencies = {key: tuple(urns) for key, urns in one.properties_from.items()}
        options = Options(one.protect, one.retain, one.parent, one.aliases)
        found.append(
            PlannedResource(one.urn, one.type, one.name, one.inputs, options, made_by, Operation.CREATE, dependencies)
        )
    return Plan(FULL.stack, tuple(found))


def test_the_rules_find_nothing_that_stops_the_stack():
    found = check_plan(planned(full_world()), facts(read_waivers(WAIVERS)))
    assert [f"{one.message} [{one.urn}]" for one in found if one.stops] == []


def test_what_is_waived_would_stop_it_otherwise_so_the_rules_do_look():
    stopped = {
        (one.rule.id, one.urn.rpartition("::")[2]) for one in check_plan(planned(full_world()), facts()) if one.stops
    }
    assert ("iam-no-admin", "gb-test/roles/domicile-break-glass/AdministratorAccess") in stopped
    assert {rule for rule, _ in stopped} <= {rule.id for rule in RULES}


def test_permission_sets_are_judged_too():
    groups = {"platform": "group-p", "compliance": "group-c"}
    center = {"instanceArn": "arn:aws:sso:::instance/ssoins-1", "groups": groups}
    organization = {"identityCenter": center, "principals": {"breakGlass": [ENGINEER]}}
    world = build(plan(organization=organization))
    found = check_plan(planned(world), facts(read_waivers(WAIVERS)))
    assert [f"{one.message} [{one.urn}]" for one in found if one.stops] == []
