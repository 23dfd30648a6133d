"""Who is watched: the organisation's accounts become members of the security account, region by region."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.organization.component import OrganizationComponent
from domicile_infra.plan.enrolment import FEATURES, Enrols


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """An account in one region: its id, its address, and its own Security Hub there."""

    account_id: pulumi.Input[str]
    email: str
    hub: pulumi.Resource


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolmentArgs:
    """By region: the security account's provider and detector, the administrators, and the members by name."""

    providers: Mapping[str, aws.Provider]
    detectors: Mapping[str, aws.guardduty.Detector]
    guardduty: Mapping[str, pulumi.Resource]
    security_hub: Mapping[str, pulumi.Resource]
    members: Mapping[str, Mapping[str, Member]]


class Enrolment(OrganizationComponent):
    """GuardDuty enrols every account of the organisation; Security Hub those that act in the region, one by one.

    AWS wants the order: the account's own detector and hub, that it is the administrator, then who is enrolled.
    """

    def __init__(self, name: str, args: EnrolmentArgs) -> None:
        super().__init__(name)
        self._args = args
        for region in args.providers:
            self._guardduty(f"{name}/{region}/guardduty", region)
            self._security_hub(f"{name}/{region}/security-hub", region)
        self.register_outputs({})

    def _guardduty(self, name: str, region: str) -> None:
        args, provider = self._args, self._args.providers[region]
        detector_id = args.detectors[region].id
        enrolled = aws.guardduty.OrganizationConfiguration(
            name,
            detector_id=detector_id,
            auto_enable_organization_members=Enrols.ALL,
            opts=self.child(provider, after=[args.guardduty[region]]),
        )
        before: pulumi.Resource = enrolled
        for feature, enrols in FEATURES.items():
            # One after the other: each is a change of the same configuration.
            before = aws.guardduty.OrganizationConfigurationFeature(
                f"{name}/{feature.lower().replace('_', '-')}",
                detector_id=detector_id,
                name=feature,
                auto_enable=enrols,
                opts=self.child(provider, after=[before]),
            )

    def _security_hub(self, name: str, region: str) -> None:
        args, provider = self._args, self._args.providers[region]
        ruled = aws.securityhub.OrganizationConfiguration(
            name,
            # Who joins by itself could not be made a member below: AWS refuses whoever is one already.
            auto_enable=False,
            auto_enable_standards="NONE",
            opts=self.child(provider, after=[args.security_hub[region]]),
        )
        for account, member in args.members[region].items():
            aws.securityhub.Member(
                f"{name}/{account}",
                account_id=member.account_id,
                email=member.email,
                # The address is the account's own; another one here is no reason to let it go.
                opts=pulumi.ResourceOptions.merge(
                    self.child(provider, after=[ruled, member.hub]), pulumi.ResourceOptions(ignore_changes=["email"])
                ),
            )
