"""The cell's keys: single-region, one for each purpose, turned every year."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_catalog import DataClass

from domicile_infra.cell.component import CellComponent
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.documents import render
from domicile_infra.plan.documents.keys import KEYS, KeyPurpose, key_policy
from domicile_infra.plan.documents.roles import RolePurpose, role_name

WINDOW_DAYS = 30
"""How long a key that is to be deleted waits, in days (KMS's longest)."""


@dataclass(frozen=True)
class KeysArgs:
    """`copy_provider` is of the backup place, where that is another region than the cell's."""

    plan: CellPlan
    copy_provider: aws.Provider | None = None


class Keys(CellComponent):
    """`arns` by purpose; `copy_arn` is of the key of the vault in the backup place, where there is one."""

    arns: Mapping[KeyPurpose, pulumi.Output[str]]
    copy_arn: pulumi.Output[str] | None

    def __init__(self, name: str, args: KeysArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        self._plan = args.plan
        self.arns = {purpose: self._key(purpose, purpose) for purpose in KeyPurpose}
        self.copy_arn = None
        if args.copy_provider is not None:
            self.copy_arn = self._key("backup-copy", KeyPurpose.BACKUP, args.copy_provider, args.plan.backup_place)
        self.register_outputs({purpose.value: arn for purpose, arn in self.arns.items()})

    def _key(
        self, name: str, purpose: KeyPurpose, provider: aws.Provider | None = None, region: str | None = None
    ) -> pulumi.Output[str]:
        plan = self._plan
        users = (role_name(plan.scope, RolePurpose.OPENBAO),) if purpose is KeyPurpose.UNSEAL else ()
        key = aws.kms.Key(
            name,
            description=f"{KEYS[purpose].description} of {plan.name}",
            policy=render(key_policy(plan.scope, purpose, region=region, users=users)),
            multi_region=False,
            enable_key_rotation=True,
            rotation_period_in_days=365,
            deletion_window_in_days=WINDOW_DAYS,
            tags=plan.tags.tags([DataClass.KEYS], name=f"{plan.name}-{name}"),
            opts=self.child(stateful=True, provider=provider),
        )
        aws.kms.Alias(
            name,
            name=f"alias/{plan.name}-{name}",
            target_key_id=key.key_id,
            opts=self.child(provider=provider),
        )
        return key.arn
