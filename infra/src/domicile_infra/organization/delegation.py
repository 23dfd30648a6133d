"""The security account administers what watches the others: GuardDuty, Security Hub, Config, Access Analyzer."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.organization.component import OrganizationComponent


@dataclass(frozen=True, slots=True, kw_only=True)
class DelegationArgs:
    """The security account's id, the services delegated to it, and providers by region.

    `management` are the management account's, which hands over; `security` are the security account's own.
    """

    account_id: pulumi.Input[str]
    services: tuple[str, ...]
    home: str
    management: Mapping[str, aws.Provider]
    security: Mapping[str, aws.Provider]
    tags: Mapping[str, str]


class Delegation(OrganizationComponent):
    """Delegated administrators: once for the organisation, and region by region for the services that ask for it.

    `guardduty` and `security_hub` are those of each region, whom enrolment needs.
    """

    guardduty: dict[str, pulumi.Resource]
    security_hub: dict[str, pulumi.Resource]

    def __init__(self, name: str, args: DelegationArgs, after: Mapping[str, tuple[pulumi.Resource, ...]]) -> None:
        """`after` is what must exist in each region first: the account's own detector, which AWS else makes itself."""
        super().__init__(name)
        delegated = [
            aws.organizations.DelegatedAdministrator(
                f"{name}/{service}",
                account_id=args.account_id,
                service_principal=service,
                opts=self.child(args.management[args.home]),
            )
            for service in args.services
        ]
        self.guardduty, self.security_hub = {}, {}
        for region, provider in args.management.items():
            first = after.get(region, ())
            self.guardduty[region] = aws.guardduty.OrganizationAdminAccount(
                f"{name}/{region}/guardduty",
                admin_account_id=args.account_id,
                opts=self.child(provider, after=first),
            )
            self.security_hub[region] = aws.securityhub.OrganizationAdminAccount(
                f"{name}/{region}/security-hub",
                admin_account_id=args.account_id,
                opts=self.child(provider, after=first),
            )
            aws.accessanalyzer.Analyzer(
                f"{name}/{region}/analyzer",
                analyzer_name="domicile-organization",
                type="ORGANIZATION",
                tags=dict(args.tags),
                opts=self.child(args.security[region], after=[*delegated, *first]),
            )
        self.register_outputs({"accountId": args.account_id})
