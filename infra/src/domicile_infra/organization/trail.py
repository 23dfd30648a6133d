"""An organisation trail of one region: it records every account there, and delivers to an archive there."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.organization.component import OrganizationComponent
from domicile_infra.plan.log_archive import ArchivePlan

_Selector = aws.cloudtrail.TrailAdvancedEventSelectorArgs
_Field = aws.cloudtrail.TrailAdvancedEventSelectorFieldSelectorArgs


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailArgs:
    """The archive that it delivers to: its plan, its bucket's name and its key's ARN."""

    plan: ArchivePlan
    bucket: pulumi.Input[str]
    key_arn: pulumi.Input[str]
    tags: Mapping[str, str]


class Trail(OrganizationComponent):
    """The trail. It stands in the management account, which no account of the organisation can reach."""

    arn: pulumi.Output[str]

    def __init__(self, name: str, args: TrailArgs, provider: aws.Provider, after: tuple[pulumi.Resource, ...]) -> None:
        super().__init__(name)
        objects = pulumi.Output.from_input(args.bucket).apply(lambda bucket: f"arn:aws:s3:::{bucket}/")
        trail = aws.cloudtrail.Trail(
            f"{name}/trail",
            name=args.plan.trail,
            s3_bucket_name=args.bucket,
            kms_key_id=args.key_arn,
            is_organization_trail=True,
            is_multi_region_trail=False,
            include_global_service_events=args.plan.global_events,
            enable_log_file_validation=True,
            enable_logging=True,
            advanced_event_selectors=[
                _Selector(
                    name="What is done in every account",
                    field_selectors=[_Field(field="eventCategory", equals=["Management"])],
                ),
                _Selector(
                    # Reads alone: the trail's own writes would be recorded, and those records be writes again.
                    name="Who reads this archive",
                    field_selectors=[
                        _Field(field="eventCategory", equals=["Data"]),
                        _Field(field="resources.type", equals=["AWS::S3::Object"]),
                        _Field(field="readOnly", equals=["true"]),
                        _Field(field="resources.ARN", starts_withs=[objects]),
                    ],
                ),
            ],
            tags=dict(args.tags),
            opts=self.kept(provider, after=after),
        )
        self.arn = trail.arn
        self.register_outputs({"arn": self.arn})
