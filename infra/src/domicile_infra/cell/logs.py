"""Log groups of a cell: closed with its key, kept as long as what they hold."""

import pulumi
import pulumi_aws as aws
from domicile_catalog import DataClass

from domicile_infra.cell.component import CellComponent
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.retention import TELEMETRY_DAYS, log_days


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
    audit = data_class is DataClass.AUDIT_LOG
    return aws.cloudwatch.LogGroup(
        name,
        name=path,
        kms_key_id=key_arn,
        retention_in_days=log_days(plan.retention_years) if audit else TELEMETRY_DAYS,
        tags=plan.tags.tags([data_class]),
        opts=parent.child(stateful=True),
    )
