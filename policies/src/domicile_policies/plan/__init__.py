"""Rules on what Pulumi is about to build: pure functions of the plan, for the engine's policy pack and for a check.

`check_plan(read_preview(text), facts)` is what `domicile check` does; `crossguard.policies(facts)` is the pack.
"""

from domicile_policies.plan.check import RULES, check_plan
from domicile_policies.plan.facts import PackFacts, UnknownStackError, Waiver, facts_of_stack
from domicile_policies.plan.preview import PreviewError, plan_of_steps, read_preview
from domicile_policies.plan.resource import (
    UNKNOWN,
    Operation,
    Options,
    Plan,
    PlannedResource,
    Provider,
)
from domicile_policies.plan.rule import UNDECIDED, Enforcement, Finding, Rule

__all__ = [
    "RULES",
    "UNDECIDED",
    "UNKNOWN",
    "Enforcement",
    "Finding",
    "Operation",
    "Options",
    "PackFacts",
    "Plan",
    "PlannedResource",
    "PreviewError",
    "Provider",
    "Rule",
    "UnknownStackError",
    "Waiver",
    "check_plan",
    "facts_of_stack",
    "plan_of_steps",
    "read_preview",
]
