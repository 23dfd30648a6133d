"""Every rule, and what they say of a plan."""

from collections.abc import Iterable, Iterator

from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.resource import Plan, PlannedResource, name_of
from domicile_policies.plan.rule import Finding, Rule, Said
from domicile_policies.plan.rules import (
    delivery,
    encryption,
    exposure,
    identity,
    ingress,
    organisation,
    places,
    state,
    tags,
    transit,
)
from domicile_policies.plan.rules.state import type_of

RULES: tuple[Rule, ...] = (
    *places.RULES,
    *encryption.RULES,
    *delivery.RULES,
    *exposure.RULES,
    *ingress.RULES,
    *transit.RULES,
    *state.RULES,
    *identity.RULES,
    *tags.RULES,
    *organisation.RULES,
)


def check_plan(plan: Plan, facts: PackFacts, rules: Iterable[Rule] = RULES) -> tuple[Finding, ...]:
    """What the rules find in a plan, in the order of its resources and of the rules.

    What a rule finds of a resource that is to be deleted is left out, but for the deletion itself.
    """
    order = {one.urn: place for place, one in enumerate(plan.resources)}
    found = [
        finding
        for rule in rules
        if not (plan.without_inputs and rule.needs_inputs)
        for finding in _findings(rule, plan, facts)
    ]
    return tuple(sorted(found, key=lambda one: order.get(one.urn, len(order))))


def check_resource(rule: Rule, resource: PlannedResource, facts: PackFacts) -> tuple[Finding, ...]:
    """What one rule finds of one resource; nothing where the rule is about the whole plan."""
    said = rule.on_resource(resource, facts) if rule.on_resource else ()
    return tuple(_finding(rule, one, facts) for one in said)


def check_whole(rule: Rule, plan: Plan, facts: PackFacts) -> tuple[Finding, ...]:
    """What one rule finds of the whole plan; nothing where the rule is about one resource at a time."""
    if rule.on_plan is None or (rule.needs_all and plan.changes_only):
        return ()
    return tuple(_finding(rule, one, facts) for one in rule.on_plan(plan, facts))


def _findings(rule: Rule, plan: Plan, facts: PackFacts) -> Iterator[Finding]:
    for resource in plan.remaining:
        yield from check_resource(rule, resource, facts)
    yield from check_whole(rule, plan, facts)


def _finding(rule: Rule, said: Said, facts: PackFacts) -> Finding:
    waived = facts.waived(rule.id, type_of(said.urn), name_of(said.urn))
    return Finding(rule, said.urn, said.text, said.undecided, waived)
