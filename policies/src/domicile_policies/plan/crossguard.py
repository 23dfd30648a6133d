"""The rules as policies of a CrossGuard pack: the edge to `pulumi_policy`.

The engine asks about one resource at a time with its inputs, and once about the whole stack with its outputs. It tells
neither what is going to happen to a resource nor whether it is retained: what needs that is judged of the preview's
JSON.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from domicile_policies.plan.check import RULES, check_resource, check_whole
from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.resource import UNKNOWN, Options, Plan, PlannedResource, Provider
from domicile_policies.plan.rule import UNDECIDED, Enforcement, Finding, Rule

Facts = Callable[[], PackFacts]

_LEVELS = {Enforcement.MANDATORY: EnforcementLevel.MANDATORY, Enforcement.ADVISORY: EnforcementLevel.ADVISORY}
"""What the name of a rule's second policy ends with, which tells what is judged during the update and stops nothing."""


def policies(facts: Facts, rules: Iterable[Rule] = RULES) -> list[Policy]:
    """Two policies for each rule: what it finds, and what it cannot judge yet. `facts` is asked at the first use."""
    found: list[Policy] = []
    for rule in rules:
        for undecided in (False, True):
            found.append(_policy(rule, facts, undecided=undecided))
    return found


def _policy(rule: Rule, facts: Facts, *, undecided: bool) -> Policy:
    name = f"{rule.id}{UNDECIDED}" if undecided else rule.id
    level = EnforcementLevel.ADVISORY if undecided else _LEVELS[rule.enforcement]

    def tell(findings: Iterable[Finding], report: ReportViolation) -> None:
        for finding in findings:
            if finding.waived is None and finding.undecided is undecided:
                report(finding.message, finding.urn)

    def of_resource(args: ResourceValidationArgs, report: ReportViolation) -> None:
        tell(check_resource(rule, planned(args), facts()), report)

    def of_stack(args: StackValidationArgs, report: ReportViolation) -> None:
        known = facts()
        plan = Plan(known.stack, tuple(planned(one) for one in args.resources))
        tell(check_whole(rule, plan, known), report)

    if rule.on_plan is None:
        return ResourceValidationPolicy(
            name=name, description=rule.title, validate=of_resource, enforcement_level=level
        )
    return StackValidationPolicy(name=name, description=rule.title, validate=of_stack, enforcement_level=level)


def planned(args: ResourceValidationArgs | PolicyResource) -> PlannedResource:
    """A resource as the engine tells it, as a value of ours."""
    given, properties = args.provider, plain(args.props)
    depends = args.property_dependencies if isinstance(args, PolicyResource) else {}
    return PlannedResource(
        urn=args.urn,
        type=args.resource_type,
        name=args.name,
        # The engine tells nothing of a resource whose provider waits for something of the same plan: its account, say.
        properties=UNKNOWN if isinstance(args, PolicyResource) and not properties else properties,
        options=Options(protect=bool(args.opts.protect), parent=args.opts.parent, aliases=tuple(args.opts.aliases)),
        provider=Provider(given.name, given.urn, plain(given.props)) if given else None,
        dependencies={key: tuple(one.urn for one in found) for key, found in depends.items()},
    )


def plain(value: Any) -> Any:
    """A value out of the library's proxies, which raise where something is unknown."""
    if isinstance(value, Mapping):
        return {key: _known(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_known(value, place) for place in range(len(value))]
    return value


def _known(holder: Any, key: Any) -> Any:
    try:
        return plain(holder[key])
    except UnknownValueError:
        return UNKNOWN
