"""What forbids planning an organisation: every fault at once, each with its rule and its remedy."""

from collections.abc import Iterable
from dataclasses import dataclass

from domicile_infra.plan.errors import PlanError


@dataclass(frozen=True, slots=True)
class PlanFault:
    """One thing that was refused: what and why in `problem`, by which `rule`, and what to do next in `remedy`."""

    problem: str
    rule: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.problem} (rule: {self.rule}). {self.remedy}"


class OrganizationPlanError(PlanError):
    """The organisation cannot be planned. `faults` has every reason, in the order in which they were found."""

    def __init__(self, faults: Iterable[PlanFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
