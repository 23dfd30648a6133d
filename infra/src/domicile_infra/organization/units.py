"""The organisation itself and its organisational units."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_catalog.environment import ExistingOrganization

from domicile_infra.organization.component import OrganizationComponent
from domicile_infra.plan.existing_organization import check_existing
from domicile_infra.waiting import wait_for


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitsArgs:
    """`units` are names; `policy_types` and `trusted_services` by AWS's names; `existing` is what is read, not made."""

    units: tuple[str, ...]
    policy_types: tuple[str, ...]
    trusted_services: tuple[str, ...]
    existing: ExistingOrganization | None
    tags: Mapping[str, str]


class Units(OrganizationComponent):
    """The organisation with its policy types and trusted services, and its units side by side.

    `top_id` is what they stand below: the root, or the unit of an existing organisation that is given to us.
    """

    organization: aws.organizations.Organization
    organization_id: pulumi.Output[str]
    top_id: pulumi.Output[str]
    unit_ids: dict[str, pulumi.Output[str]]

    def __init__(self, name: str, args: UnitsArgs, provider: aws.Provider) -> None:
        super().__init__(name)
        if args.existing is None:
            self.organization = self._made(name, args, provider)
        else:
            self.organization = self._read(name, args, args.existing, provider)
        self.organization_id = self.organization.id
        given = args.existing.unit if args.existing else None
        self.top_id = self.organization.roots.apply(lambda roots: given or str(roots[0].id))
        self.unit_ids = {
            unit: aws.organizations.OrganizationalUnit(
                f"{name}/{unit}",
                name=unit,
                parent_id=self.top_id,
                tags=dict(args.tags),
                opts=self.kept(provider),
            ).id
            for unit in args.units
        }
        self.register_outputs({"organizationId": self.organization_id, "topId": self.top_id, "unitIds": self.unit_ids})

    def _made(self, name: str, args: UnitsArgs, provider: aws.Provider) -> aws.organizations.Organization:
        return aws.organizations.Organization(
            f"{name}/organization",
            feature_set="ALL",
            aws_service_access_principals=list(args.trusted_services),
            enabled_policy_types=list(args.policy_types),
            opts=self.kept(provider),
        )

    def _read(
        self, name: str, args: UnitsArgs, existing: ExistingOrganization, provider: aws.Provider
    ) -> aws.organizations.Organization:
        """The organisation as it is. Raises PlanError, before anything else is declared, for what it lacks."""
        found = aws.organizations.Organization.get(
            f"{name}/organization", existing.id, opts=pulumi.ResourceOptions(parent=self, provider=provider)
        )
        told = pulumi.Output.all(found.feature_set, found.enabled_policy_types, found.aws_service_access_principals)
        features, types, services = wait_for(told.future())
        check_existing(
            existing.id,
            str(features),
            types or (),
            services or (),
            needed_types=args.policy_types,
            needed_services=args.trusted_services,
        )
        return found
