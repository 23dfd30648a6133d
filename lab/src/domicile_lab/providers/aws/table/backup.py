"""AWS Backup. https://docs.aws.amazon.com/aws-backup/latest/devguide/API_Reference.html"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Facts, Read, Resource, Tags, Update

VAULT: Final = {"BackupVaultName": "{backupVaultName}"}
TAGS: Final = Tags(
    Call("TagResource", {"ResourceArn": "{arn}"}),
    Call("UntagResource", {"ResourceArn": "{arn}"}),
    form="map",
    untag_param="TagKeyList",
)
TAG_READ: Final = Read("ListTags", {"ResourceArn": "{arn}"}, only=(), tags="Tags")


def _tags(create: str) -> Tags:
    return Tags(TAGS.tag, TAGS.untag, create=create, form="map", untag_param="TagKeyList")


def _locked(vault: Any, _: Facts) -> Any:
    return vault if vault and (vault.get("Locked") or vault.get("MinRetentionDays")) else None


def _selected(tags: Any) -> list[dict[str, str]]:
    return [
        {"ConditionType": each["type"], "ConditionKey": each["key"], "ConditionValue": each["value"]} for each in tags
    ]


def _told_tags(selection: Any) -> list[dict[str, str]]:
    return [
        {"type": each["ConditionType"], "key": each["ConditionKey"], "value": each["ConditionValue"]}
        for each in selection.get("ListOfTags") or ()
    ]


CONDITIONS: Final = (
    ("stringEquals", "StringEquals"),
    ("stringLikes", "StringLike"),
    ("stringNotEquals", "StringNotEquals"),
    ("stringNotLikes", "StringNotLike"),
)


def _conditions(given: Any) -> dict[str, Any]:
    """A list of at most a few condition blocks; Backup has one structure of lists."""
    found: dict[str, Any] = {}
    for block in given:
        for key, member in CONDITIONS:
            found.setdefault(member, []).extend(
                {"ConditionKey": each["key"], "ConditionValue": each["value"]} for each in block.get(key) or ()
            )
    return {member: items for member, items in found.items() if items}


def _told_conditions(selection: Any) -> list[dict[str, Any]] | None:
    found = {
        key: [{"key": each["ConditionKey"], "value": each["ConditionValue"]} for each in items]
        for key, member in CONDITIONS
        if (items := (selection.get("Conditions") or {}).get(member))
    }
    return [found] if found else None


RESOURCES: Final = (
    Resource(
        type="aws:backup/vault:Vault",
        service="backup",
        create=Call("CreateBackupVault"),
        id="{name}",
        id_parts=("name",),
        reads=(
            Read(
                "DescribeBackupVault",
                {"BackupVaultName": "{id}"},
                # A vault that is not there is a vault that one may not see.
                gone=("AccessDeniedException",),
                fields={"arn": "BackupVaultArn", "recoveryPoints": "NumberOfRecoveryPoints"},
            ),
            TAG_READ,
        ),
        delete=Call("DeleteBackupVault", {"BackupVaultName": "{id}"}),
        tags=_tags("BackupVaultTags"),
        names={"name": "BackupVaultName", "kmsKeyArn": "EncryptionKeyArn"},
        autoname="name",
        autoname_length=50,
        local=("forceDestroy",),
    ),
    Resource(
        type="aws:backup/vaultPolicy:VaultPolicy",
        service="backup",
        create=Call("PutBackupVaultAccessPolicy"),
        id="{backupVaultName}",
        id_parts=("backupVaultName",),
        reads=(Read("GetBackupVaultAccessPolicy", VAULT),),
        updates=(Update(Call("PutBackupVaultAccessPolicy", VAULT), whole=True),),
        delete=Call("DeleteBackupVaultAccessPolicy", VAULT),
        json=("policy",),
    ),
    Resource(
        type="aws:backup/vaultLockConfiguration:VaultLockConfiguration",
        service="backup",
        create=Call("PutBackupVaultLockConfiguration"),
        id="{backupVaultName}",
        id_parts=("backupVaultName",),
        reads=(Read("DescribeBackupVault", VAULT, gone=("AccessDeniedException",), pick=_locked),),
        updates=(Update(Call("PutBackupVaultLockConfiguration", VAULT), whole=True),),
        delete=Call("DeleteBackupVaultLockConfiguration", VAULT),
        untold=("changeableForDays",),
    ),
    Resource(
        type="aws:backup/plan:Plan",
        service="backup",
        create=Call("CreateBackupPlan", inside="BackupPlan"),
        id="=BackupPlanId",
        reads=(
            Read(
                "GetBackupPlan",
                {"BackupPlanId": "{id}"},
                fields={
                    "arn": "BackupPlanArn",
                    "version": "VersionId",
                    "name": "BackupPlan.BackupPlanName",
                    "rules": "BackupPlan.Rules",
                    "advancedBackupSettings": "BackupPlan.AdvancedBackupSettings",
                    "scanSettings": "BackupPlan.ScanSettings",
                },
            ),
            TAG_READ,
        ),
        updates=(Update(Call("UpdateBackupPlan", {"BackupPlanId": "{id}"}, inside="BackupPlan"), whole=True),),
        delete=Call("DeleteBackupPlan", {"BackupPlanId": "{id}"}),
        tags=_tags("BackupPlanTags"),
        names={
            "name": "BackupPlanName",
            "rules.targetVaultName": "TargetBackupVaultName",
            "rules.schedule": "ScheduleExpression",
            "rules.startWindow": "StartWindowMinutes",
            "rules.completionWindow": "CompletionWindowMinutes",
            "lifecycle.coldStorageAfter": "MoveToColdStorageAfterDays",
            "lifecycle.deleteAfter": "DeleteAfterDays",
            "copyActions.destinationVaultArn": "DestinationBackupVaultArn",
        },
        autoname="name",
        autoname_length=50,
        volatile=("version",),
        quiet=("advancedBackupSettings", "scanSettings"),
    ),
    Resource(
        type="aws:backup/selection:Selection",
        service="backup",
        create=Call("CreateBackupSelection", {"BackupPlanId": "{planId}"}, inside="BackupSelection"),
        id=lambda answer, facts: f"{facts.inputs['planId']}|{answer['SelectionId']}",
        id_parts=("planId", "_selection"),
        id_separator="|",
        reads=(
            Read(
                "GetBackupSelection",
                {"BackupPlanId": "{planId}", "SelectionId": lambda facts, _: facts.id.partition("|")[2]},
                at="BackupSelection",
                gone=("InvalidParameterValueException",),
                fields={"selectionTags": _told_tags, "conditions": _told_conditions},
            ),
        ),
        delete=Call(
            "DeleteBackupSelection",
            {"BackupPlanId": "{planId}", "SelectionId": lambda facts, _: facts.id.partition("|")[2]},
        ),
        names={"name": "SelectionName", "selectionTags": "ListOfTags"},
        write={"selectionTags": _selected, "conditions": _conditions},
        autoname="name",
        autoname_length=50,
    ),
)
