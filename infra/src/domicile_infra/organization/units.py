"""The organisation itself and its organisational units."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.organization.component import OrganizationComponent


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitsArgs:
    """`units` are names; `policy_types` and `trusted_services` by AWS's names; `existing` is an organisation's id."""

    units: tuple[str, ...]
    policy_types: tuple[str, ...]
    trusted_services: tuple[str, ...]
    existing: str | None
    tags: Mapping[str, str]


class Units(OrganizationComponent):
    """The organisation with its policy types and trusted services, and its units side by side below the root."""

    organization: aws.organizations.Organization
    organization_id: pulumi.Output[str]
    root_id: pulumi.Output[str]
    unit_ids: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: UnitsArgs, provider: aws.Provider) -> None:
        super().__init__(name)
        self.organization = aws.organizations.Organization(
            f"{name}/organization",
            feature_set="ALL",
            aws_service_access_principals=list(args.trusted_services),
            enabled_policy_types=list(args.policy_types),
            opts=self.kept(provider, existing_id=args.existing),
        )
        self.organization_id = self.organization.id
        self.root_id = self.organization.roots.apply(lambda roots: str(roots[0].id))
        self.unit_ids = {
            unit: aws.organizations.OrganizationalUnit(
                f"{name}/{unit}",
                name=unit,
                parent_id=self.root_id,
                tags=dict(args.tags),
                opts=self.kept(provider),
            ).id
            for unit in args.units
        }
        self.register_outputs(
            {"organizationId": self.organization_id, "rootId": self.root_id, "unitIds": self.unit_ids}
        )
