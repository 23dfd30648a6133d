"""Log groups of a cell: closed with its key, kept as long as its telemetry."""

import pulumi
import pulumi_aws as aws
from domicile_catalog import DataClass

from domicile_infra.cell.component import CellComponent
from domicile_infra.plan.cell import CellPlan

KEPT_DAYS = 400
"""How long telemetry is kept, in days: a year, and time to look back at it (one of the terms that CloudWatch has)."""


def make_log_group(
    parent: CellComponent,
    name: str,
    plan: CellPlan,
    path: str,
    key_arn: pulumi.Input[str],
    *,
    data_class: DataClass = DataClass.TELEMETRY,
) -> aws.cloudwatch.LogGroup:
    """A log group of that path. It is made before what writes to it, which else makes one without key and end."""
    return aws.cloudwatch.LogGroup(
        name,
        name=path,
        kms_key_id=key_arn,
        retention_in_days=KEPT_DAYS,
        tags=plan.tags.tags([data_class]),
        opts=parent.child(stateful=data_class is DataClass.AUDIT_LOG),
    )
