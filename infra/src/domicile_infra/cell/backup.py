"""The cell's backups: a locked vault in its own territory, and another in its backup place where that is elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_catalog import DataClass

from domicile_infra.cell.component import CellComponent
from domicile_infra.cell.roles import make_role
from domicile_infra.plan.backups import GRACE_DAYS, LEAST_DAYS, MOST_DAYS, RULES
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.documents import render
from domicile_infra.plan.documents.roles import RolePurpose
from domicile_infra.plan.documents.vault import vault_policy
from domicile_infra.plan.names import VAULT, fit

HOLDS = (DataClass.BACKUP,)


@dataclass(frozen=True)
class BackupArgs:
    """`key_arn` closes the vault. `copy_key_arn` and `copy_provider` are of the backup place, where it is elsewhere.

    `resources` are the ARNs of what is backed up.
    """

    plan: CellPlan
    key_arn: pulumi.Input[str]
    resources: Sequence[pulumi.Input[str]]
    copy_key_arn: pulumi.Input[str] | None = None
    copy_provider: aws.Provider | None = None


class Backup(CellComponent):
    """`vault_arn` is the cell's vault; `copy_vault_arn` the one in the backup place, where there is one."""

    vault_arn: pulumi.Output[str]
    vault_name: str
    copy_vault_arn: pulumi.Output[str] | None

    def __init__(self, name: str, args: BackupArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan = args.plan
        self.vault_name = fit(plan.name, VAULT)
        vault = self._vault("vault", plan, args.key_arn, None)
        self.vault_arn, self.copy_vault_arn = vault.arn, None
        if args.copy_provider is not None and args.copy_key_arn is not None:
            self.copy_vault_arn = self._vault("copy-vault", plan, args.copy_key_arn, args.copy_provider).arn
        role = make_role(self, plan, RolePurpose.BACKUP)
        schedule = aws.backup.Plan(
            "plan",
            name=plan.name,
            rules=[self._rule(at, vault.name) for at in range(len(RULES))],
            tags=plan.tags.tags(HOLDS),
            opts=self.child(),
        )
        aws.backup.Selection(
            "selection",
            name=fit(plan.name, VAULT),
            plan_id=schedule.id,
            iam_role_arn=role.arn,
            resources=list(args.resources),
            opts=self.child(after=role.ready),
        )
        self.register_outputs({"vaultArn": self.vault_arn})

    def _rule(self, at: int, vault: pulumi.Input[str]) -> aws.backup.PlanRuleArgs:
        rule = RULES[at]
        copies = (
            [
                aws.backup.PlanRuleCopyActionArgs(
                    destination_vault_arn=self.copy_vault_arn,
                    lifecycle=aws.backup.PlanRuleCopyActionLifecycleArgs(delete_after=rule.days),
                )
            ]
            if self.copy_vault_arn is not None
            else None
        )
        return aws.backup.PlanRuleArgs(
            rule_name=rule.name,
            target_vault_name=vault,
            schedule=rule.schedule,
            start_window=60,
            completion_window=360,
            lifecycle=aws.backup.PlanRuleLifecycleArgs(delete_after=rule.days),
            copy_actions=copies,
        )

    def _vault(
        self, name: str, plan: CellPlan, key_arn: pulumi.Input[str], provider: aws.Provider | None
    ) -> aws.backup.Vault:
        vault = aws.backup.Vault(
            name,
            name=self.vault_name,
            kms_key_arn=key_arn,
            force_destroy=False,
            tags=plan.tags.tags(HOLDS),
            opts=self.child(stateful=True, provider=provider),
        )
        policy = aws.backup.VaultPolicy(
            name,
            backup_vault_name=vault.name,
            policy=render(vault_policy(plan.scope)),
            opts=self.child(provider=provider),
        )
        aws.backup.VaultLockConfiguration(
            name,
            backup_vault_name=vault.name,
            min_retention_days=LEAST_DAYS,
            max_retention_days=MOST_DAYS,
            # With a grace period the lock is for good; without, who may can lift it, as a test has to.
            changeable_for_days=GRACE_DAYS if plan.production else None,
            opts=self.child(stateful=True, after=[policy], provider=provider),
        )
        return vault
