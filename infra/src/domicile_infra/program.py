"""The Pulumi program: reads what should exist, plans it, and declares it. Everything that decides is in `plan/`."""

import pulumi
from domicile_catalog.documents import located
from domicile_policies.documents import QuotaError

from domicile_infra.approvals import ask_for_approvals
from domicile_infra.disposable import make_disposable
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.organization import OrganizationPlan, plan_organization
from domicile_infra.plan.organization_faults import OrganizationPlanError
from domicile_infra.settings import Settings, read_settings


def main() -> None:
    """Declare the resources of the selected stack. Raises pulumi.RunError where the environment forbids it."""
    settings = read_settings()
    environment = settings.around.environment
    if environment and environment.disposable:
        make_disposable()
    elif environment:
        ask_for_approvals(environment.approvals, settings.ref.name, settings.on)
    try:
        if settings.ref.cell is None:
            _organization(settings)
        else:
            from domicile_infra.cell_program import declare_cell

            declare_cell(settings)
    except OrganizationPlanError as error:
        lines = "\n".join(f"  {located(fault.in_file(), settings.folder)}" for fault in error.faults)
        raise pulumi.RunError(f"{settings.ref.name} cannot be built, and nothing was changed:\n{lines}") from error
    except (PlanError, QuotaError) as error:
        raise pulumi.RunError(f"{settings.ref.name} cannot be built, and nothing was changed: {error}") from error


def _organization(settings: Settings) -> None:
    from domicile_infra.organization.stack import build_organization

    for name, value in build_organization(planned_organization(settings)).exports.items():
        pulumi.export(name, value)


def planned_organization(settings: Settings) -> OrganizationPlan:
    """The plan of the environment's organisation. Raises PlanError and QuotaError."""
    around, environment = settings.around, settings.around.environment
    assert environment is not None  # read_settings() refuses a folder without one
    return plan_organization(
        environment,
        around.catalogue,
        settings.on,
        attestations=around.attestations,
    )
