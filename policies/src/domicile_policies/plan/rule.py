"""What a rule on plans is, and what it says."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from domicile_policies.plan.facts import PackFacts
from domicile_policies.plan.resource import Plan, PlannedResource

UNDECIDED = "-undecided"
"""What a rule's name ends with in the pack where it could not be decided yet."""


class Enforcement(StrEnum):
    """Whether a finding stops the update, or is told."""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


@dataclass(frozen=True, slots=True)
class Said:
    """What a rule says of a resource. `undecided` is for what cannot be judged before the update."""

    urn: str
    text: str
    undecided: bool = False


OnResource = Callable[[PlannedResource, PackFacts], Iterator[Said]]
OnPlan = Callable[[Plan, PackFacts], Iterator[Said]]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule: its stable id, what it demands, how strictly, and what to do about a finding.

    It judges one resource at a time, or the whole plan. `needs_all` is for a rule that a plan of changes alone would
    mislead, `needs_inputs` for one that looks at properties.
    """

    id: str
    title: str
    remedy: str
    on_resource: OnResource | None = None
    on_plan: OnPlan | None = None
    enforcement: Enforcement = Enforcement.MANDATORY
    needs_all: bool = False
    needs_inputs: bool = True


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of a resource, by which rule. An undecided one stops nothing: it is judged during the update.

    `waived` is the reason for which it was let through.
    """

    rule: Rule
    urn: str
    text: str
    undecided: bool = False
    waived: str | None = None

    @property
    def stops(self) -> bool:
        """Whether the update may not go on."""
        return self.rule.enforcement is Enforcement.MANDATORY and not self.undecided and self.waived is None

    @property
    def message(self) -> str:
        """What was found, by which rule, and what to do next."""
        if self.undecided:
            return f"{self.text} (rule {self.rule.id}; decided during the update)"
        return f"{self.text} (rule {self.rule.id}). {self.rule.remedy}"


def fault(resource: PlannedResource, text: str) -> Said:
    """The resource breaks the rule."""
    return Said(resource.urn, f"{resource.name}: {text}")


def undecided(resource: PlannedResource, what: str) -> Said:
    """Whether it does depends on a value that is not known yet."""
    return Said(resource.urn, f"{resource.name}: {what} is unknown until up", undecided=True)
