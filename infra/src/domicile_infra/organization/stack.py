"""The stack `organization`: its components in the order in which they depend on each other."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws
from domicile_catalog import DataClass
from domicile_policies.names import BREAK_GLASS_ROLE, SECURITY, TAG_KEYS

from domicile_infra.organization.account import Account, AccountArgs
from domicile_infra.organization.alarm import RoleAlarm, RoleAlarmArgs
from domicile_infra.organization.baseline import Baseline, BaselineArgs
from domicile_infra.organization.costs import Costs, CostsArgs
from domicile_infra.organization.delegation import Delegation, DelegationArgs
from domicile_infra.organization.enrolment import Enrolment, EnrolmentArgs, Member
from domicile_infra.organization.identity_center import IdentityCenter, IdentityCenterArgs
from domicile_infra.organization.log_archive import LogArchive, LogArchiveArgs
from domicile_infra.organization.policies import Policies, PoliciesArgs
from domicile_infra.organization.providers import Providers
from domicile_infra.organization.roles import Roles, RolesArgs
from domicile_infra.organization.trail import Trail, TrailArgs
from domicile_infra.organization.units import Units, UnitsArgs
from domicile_infra.plan.organization import OrganizationPlan
from domicile_infra.plan.organization_outputs import OUTPUT, SCHEMA


@dataclass(frozen=True, slots=True)
class OrganizationStack:
    """What was built, by the plan's names, and what the other stacks are told of it (`plan.organization_outputs`)."""

    units: Units
    accounts: Mapping[str, Account]
    archives: Mapping[str, LogArchive]
    roles: Mapping[str, Roles]
    providers: Providers
    exports: Mapping[str, Any]


def build_organization(plan: OrganizationPlan) -> OrganizationStack:
    """Declare every resource of the plan. The caller exports `exports`."""
    return _Builder(plan).build()


class _Builder:
    def __init__(self, plan: OrganizationPlan) -> None:
        self.plan = plan
        self.providers = Providers(plan.management_account)
        self.tags = plan.tags.tags()
        self.key_tags = plan.tags.tags([DataClass.KEYS])
        self.log_tags = plan.tags.tags([DataClass.AUDIT_LOG])

    def build(self) -> OrganizationStack:
        plan, management = self.plan, self.providers.management(self.plan.home)
        units = Units(
            "organization",
            UnitsArgs(
                units=plan.units,
                policy_types=plan.documents.types(),
                trusted_services=plan.choices.facts.trusted_services,
                existing=plan.choices.existing,
                tags=self.tags,
            ),
            management,
        )
        self.organization_id = units.organization_id
        policies = Policies(
            "policies",
            PoliciesArgs(documents=plan.documents, root_id=units.top_id, unit_ids=units.unit_ids, tags=self.tags),
            management,
            after=(units.organization,),
        )
        accounts = self._accounts(units, policies, management)
        account_ids = {name: account.account_id for name, account in accounts.items()}
        baselines = {name: self._baseline(name, account_ids[name]) for name in accounts}
        opted_in = self._opt_in(management)
        archives = self._archives(account_ids, units, opted_in)
        roles = self._roles(archives, account_ids)
        self._alarms(account_ids)
        delegation = self._delegation(account_ids[SECURITY], baselines[SECURITY], units, opted_in)
        self._enrolment(account_ids, baselines, delegation)
        self._people(account_ids, management)
        self._costs(account_ids)
        exports = self._exports(account_ids, roles, archives)
        return OrganizationStack(units, accounts, archives, roles, self.providers, exports)

    def _accounts(self, units: Units, policies: Policies, management: aws.Provider) -> dict[str, Account]:
        made: dict[str, Account] = {}
        for one in self.plan.accounts:
            own = self.plan.documents.accounts.get(one.name, ())
            before = (made[one.after].made,) if one.after else ()
            made[one.name] = Account(
                one.name,
                AccountArgs(
                    plan=one,
                    unit_id=units.unit_ids[one.unit],
                    policy_ids={document.name: policies.policy_ids[document.name] for document in own},
                    opt_in=self.plan.opt_in.get(one.name, ()),
                    contacts=self.plan.choices.contacts,
                    tags=self.tags,
                ),
                management,
                after=(*policies.attachments[one.unit], *before),
            )
            self.providers.knows(one.name, made[one.name].account_id, made[one.name].ready)
        return made

    def _baseline(self, name: str, account_id: pulumi.Output[str]) -> Baseline:
        account = self.plan.account(name)
        return Baseline(
            f"{name}/baseline",
            BaselineArgs(
                plan=account,
                account_id=account_id,
                organization_id=self.organization_id,
                providers={
                    region: self.providers.account(name, region) for region in (*account.regions, *account.watches)
                },
                block_public_access=not self.plan.public_access_is_blocked_above(account),
                tags=self.tags,
                key_tags=self.key_tags,
            ),
        )

    def _opt_in(self, management: aws.Provider) -> tuple[pulumi.Resource, ...]:
        """The management account's own regions: a trail of a region stands in it."""
        return tuple(
            aws.account.Region(
                f"management/opt-in/{region}",
                region_name=region,
                enabled=True,
                opts=pulumi.ResourceOptions(provider=management, protect=True, retain_on_delete=True),
            )
            for region in self.plan.opt_in.get(None, ())
        )

    def _archives(
        self, account_ids: Mapping[str, pulumi.Output[str]], units: Units, opted_in: tuple[pulumi.Resource, ...]
    ) -> dict[str, LogArchive]:
        archives = {}
        for one in self.plan.archives:
            archive = LogArchive(
                f"{one.account}/logs/{one.region}",
                LogArchiveArgs(
                    plan=one,
                    environment=self.plan.environment,
                    account_id=account_ids[one.account],
                    organization_id=self.organization_id,
                    management_account=self.plan.management_account,
                    tags=self.log_tags,
                    key_tags=self.key_tags,
                ),
                self.providers.account(one.account, one.region),
            )
            Trail(
                f"trails/{one.name}",
                TrailArgs(plan=one, bucket=archive.bucket, key_arn=archive.key_arn, tags=self.log_tags),
                self.providers.management(one.region),
                after=(units.organization, *archive.ready, *opted_in),
            )
            archives[one.name] = archive
        return archives

    def _roles(
        self, archives: Mapping[str, LogArchive], account_ids: Mapping[str, pulumi.Output[str]]
    ) -> dict[str, Roles]:
        return {
            account.name: Roles(
                f"{account.name}/roles",
                RolesArgs(
                    roles=self.plan.roles[account.name],
                    organization_id=self.organization_id,
                    buckets={name: archive.bucket for name, archive in archives.items()},
                    key_arns={name: archive.key_arn for name, archive in archives.items()},
                    account_ids=account_ids,
                    tags=self.tags,
                ),
                self.providers.account(account.name, account.regions[0]),
            )
            for account in self.plan.accounts
        }

    def _alarms(self, account_ids: Mapping[str, pulumi.Output[str]]) -> None:
        for account in self.plan.accounts:
            for role in self.plan.roles[account.name]:
                if role.name == BREAK_GLASS_ROLE:
                    RoleAlarm(
                        f"{account.name}/break-glass",
                        RoleAlarmArgs(
                            role=role.name,
                            account_id=account_ids[account.name],
                            organization_id=self.organization_id,
                            notify=self.plan.owner,
                            providers={
                                region: self.providers.account(account.name, region) for region in account.regions
                            },
                            tags=self.tags,
                            key_tags=self.key_tags,
                        ),
                    )

    def _delegation(
        self,
        account_id: pulumi.Output[str],
        baseline: Baseline,
        units: Units,
        opted_in: tuple[pulumi.Resource, ...],
    ) -> Delegation:
        regions = self.plan.regions
        return Delegation(
            "delegation",
            DelegationArgs(
                account_id=account_id,
                services=self.plan.choices.facts.delegated_services,
                home=self.plan.home,
                management={region: self.providers.management(region) for region in regions},
                security={region: self.providers.account(SECURITY, region) for region in regions},
                tags=self.tags,
            ),
            after={
                region: (units.organization, baseline.detectors[region], baseline.hubs[region], *opted_in)
                for region in regions
            },
        )

    def _enrolment(
        self, account_ids: Mapping[str, pulumi.Output[str]], baselines: Mapping[str, Baseline], delegation: Delegation
    ) -> None:
        regions = self.plan.regions
        Enrolment(
            "enrolment",
            EnrolmentArgs(
                providers={region: self.providers.account(SECURITY, region) for region in regions},
                detectors=baselines[SECURITY].detectors,
                guardduty=delegation.guardduty,
                security_hub=delegation.security_hub,
                members={
                    region: {
                        one.name: Member(
                            account_id=account_ids[one.name], email=one.email, hub=baselines[one.name].hubs[region]
                        )
                        for one in self.plan.accounts
                        if one.name != SECURITY and region in one.regions
                    }
                    for region in regions
                },
            ),
        )

    def _people(self, account_ids: Mapping[str, pulumi.Output[str]], management: aws.Provider) -> None:
        center = self.plan.identity_center
        if center is not None and self.plan.permission_sets:
            IdentityCenter(
                "identity-center",
                IdentityCenterArgs(
                    instance_arn=center.instance_arn,
                    permission_sets=self.plan.permission_sets,
                    account_ids=account_ids,
                    tags=self.tags,
                ),
                management,
            )

    def _costs(self, account_ids: Mapping[str, pulumi.Output[str]]) -> None:
        Costs(
            "costs",
            CostsArgs(
                budget=self.plan.budget,
                account_ids={account.display_name: account_ids[account.name] for account in self.plan.accounts},
                tag_keys=TAG_KEYS if self.plan.choices.cost_tags else (),
                tags=self.tags,
            ),
            self.providers.management(self.plan.choices.facts.global_region),
        )

    def _exports(
        self,
        account_ids: Mapping[str, pulumi.Output[str]],
        roles: Mapping[str, Roles],
        archives: Mapping[str, LogArchive],
    ) -> dict[str, Any]:
        log_archives: dict[str, dict[str, Any]] = {}
        for one in self.plan.archives:
            log_archives.setdefault(one.unit, {})[one.region] = {
                "bucket": archives[one.name].bucket,
                "keyArn": archives[one.name].key_arn,
                "accountId": account_ids[one.account],
                "retentionDays": one.retention_days,
            }
        return {
            OUTPUT: {
                "schema": SCHEMA,
                "organizationId": self.organization_id,
                "managementAccountId": self.plan.management_account,
                "accounts": {
                    one.name: {
                        "id": account_ids[one.name],
                        "role": one.role.value,
                        "unit": one.unit,
                        "roles": roles[one.name].arns,
                        "boundary": roles[one.name].boundary,
                    }
                    for one in self.plan.accounts
                },
                "zoneOfCell": {cell: zone.name for zone in self.plan.zones for cell in zone.cells},
                "logArchives": log_archives,
            }
        }
