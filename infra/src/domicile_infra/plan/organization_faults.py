"""What forbids planning an organisation: every fault at once, each with its rule and its remedy."""

from collections.abc import Iterable
from dataclasses import dataclass

from domicile_catalog import Fault
from domicile_catalog.environment import FILE

from domicile_infra.plan.errors import PlanError


@dataclass(frozen=True, slots=True)
class PlanFault:
    """One thing that was refused: what and why in `problem`, by which `rule`, and what to do next in `remedy`.

    `path` is the field of environment.yaml that it stands in, such as `organization.quotas`; empty where it is none.
    """

    problem: str
    rule: str
    remedy: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.problem} (rule: {self.rule}). {self.remedy}"

    def in_file(self) -> Fault:
        """The same as a fault of environment.yaml, where a line can be found for it."""
        return Fault(FILE, self.path, str(self))


class OrganizationPlanError(PlanError):
    """The organisation cannot be planned. `faults` has every reason, in the order in which they were found."""

    def __init__(self, faults: Iterable[PlanFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))
