"""AWS Backup: vaults, what is in them, and plans that copy it elsewhere; and vaults of Glacier."""

from collections.abc import Iterator
from typing import Any

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader
from domicile_audit.holding import NOT_AT_REST, Encryption, Flow, Holding, KeyKind, Lock
from domicile_audit.resource_policy import account_of, outsiders


def vaults(reader: Reader) -> Iterator[Holding]:
    """Every vault, and every recovery point in it, which has its vault's key and is shared as its vault is."""
    for one in reader.pages("backup", "list_backup_vaults", "BackupVaultList"):
        name, arn = str(one["BackupVaultName"]), str(one["BackupVaultArn"])
        policy = reader.ask(
            "backup",
            "get_backup_vault_access_policy",
            about=name,
            absent=("ResourceNotFoundException",),
            BackupVaultName=name,
        )
        vault = holding(
            reader,
            "backup:backup-vault",
            arn,
            _tags(reader, arn),
            encryption=Encryption.by(one.get("EncryptionKeyArn")),
            shared_with=outsiders((policy or {}).get("Policy"), reader.ours, "vault policy"),
            lockable=True,
            lock=_lock(one),
        )
        yield vault
        points = reader.details(
            "backup", "list_recovery_points_by_backup_vault", "RecoveryPoints", about=name, BackupVaultName=name
        )
        for point in points:
            point_arn = str(point["RecoveryPointArn"])
            # Where AWS Backup keeps it itself it has an ARN of AWS Backup, else that of a snapshot, read as one.
            if ":backup:" not in point_arn:
                continue
            yield holding(
                reader,
                "backup:recovery-point",
                point_arn,
                _tags(reader, point_arn),
                encryption=Encryption.by(point.get("EncryptionKeyArn"))
                if point.get("IsEncrypted", True)
                else Encryption(kind=KeyKind.NONE),
            )


def plans(reader: Reader) -> Iterator[Holding]:
    """Every plan. It holds nothing, and may send copies to a vault anywhere."""
    for one in reader.pages("backup", "list_backup_plans", "BackupPlansList"):
        name, arn = str(one["BackupPlanId"]), str(one["BackupPlanArn"])
        told = (reader.ask("backup", "get_backup_plan", about=name, BackupPlanId=name) or {}).get("BackupPlan") or {}
        yield holding(
            reader,
            "backup:backup-plan",
            arn,
            _tags(reader, arn),
            encryption=NOT_AT_REST,
            flows=tuple(
                _copy(str(action["DestinationBackupVaultArn"]), f"copy action of rule {rule.get('RuleName')}")
                for rule in told.get("Rules") or ()
                for action in rule.get("CopyActions") or ()
            ),
        )


def archives(reader: Reader) -> Iterator[Holding]:
    """Every vault of Glacier. It is always encrypted, with a key of Glacier's."""
    for one in reader.pages("glacier", "list_vaults", "VaultList", accountId="-"):
        name = str(one["VaultName"])
        policy = reader.ask(
            "glacier",
            "get_vault_access_policy",
            about=name,
            absent=("ResourceNotFoundException",),
            accountId="-",
            vaultName=name,
        )
        yield holding(
            reader,
            "glacier:vault",
            str(one["VaultARN"]),
            reader.tags("glacier", "list_tags_for_vault", "Tags", about=name, accountId="-", vaultName=name),
            encryption=Encryption(kind=KeyKind.PROVIDER),
            shared_with=outsiders(((policy or {}).get("policy") or {}).get("Policy"), reader.ours, "vault policy"),
        )


def _tags(reader: Reader, arn: str) -> dict[str, str]:
    return reader.tags("backup", "list_tags", "Tags", about=arn, ResourceArn=arn)


def _lock(vault: dict[str, Any]) -> Lock | None:
    """A lock with a date from which nobody may lift it is one of compliance mode."""
    if not vault.get("Locked"):
        return None
    mode = "compliance" if vault.get("LockDate") else "governance"
    return Lock(mode=mode, days=int(vault.get("MinRetentionDays") or 0))


def _copy(arn: str, by: str) -> Flow:
    return Flow(target=arn, by=by, region=arn.split(":")[3] or None, account=account_of(arn))
