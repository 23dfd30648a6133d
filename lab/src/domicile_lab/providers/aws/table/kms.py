"""AWS Key Management Service. https://docs.aws.amazon.com/kms/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update


def _rotate(cloud: Cloud, facts: Facts) -> None:
    key = {"KeyId": facts.id}
    if not facts.inputs.get("enableKeyRotation"):
        cloud.call("kms", "DisableKeyRotation", key)
        return
    days = facts.inputs.get("rotationPeriodInDays")
    cloud.call("kms", "EnableKeyRotation", {**key, "RotationPeriodInDays": int(days)} if days else key)


def _enable(cloud: Cloud, facts: Facts) -> None:
    enabled = facts.inputs.get("isEnabled", True)
    cloud.call("kms", "EnableKey" if enabled else "DisableKey", {"KeyId": facts.id})


def _alive(key: Any, facts: Facts) -> Any:
    """A key on its way to deletion can be used for nothing: it is gone."""
    return None if key and key.get("KeyState") in {"PendingDeletion", "PendingReplicaDeletion"} else key


def _target(alias: Any) -> str:
    start = str(alias["AliasArn"]).partition(":alias/")[0]
    return f"{start}:key/{alias.get('TargetKeyId', '')}"


RESOURCES: Final = (
    Resource(
        type="aws:kms/key:Key",
        service="kms",
        create=Call("CreateKey"),
        id="=KeyMetadata.KeyId",
        reads=(
            Read("DescribeKey", {"KeyId": "{id}"}, at="KeyMetadata", pick=_alive, fields={"isEnabled": "Enabled"}),
            Read("GetKeyPolicy", {"KeyId": "{id}", "PolicyName": "default"}, only=("policy",)),
            Read(
                "GetKeyRotationStatus",
                {"KeyId": "{id}"},
                gone=("UnsupportedOperationException",),
                only=("rotationPeriodInDays",),
                fields={"enableKeyRotation": "KeyRotationEnabled"},
            ),
            Read("ListResourceTags", {"KeyId": "{id}"}, only=(), tags="Tags"),
        ),
        updates=(
            Update(Call("UpdateKeyDescription", {"KeyId": "{id}"})),
            Update(
                Call(
                    "PutKeyPolicy",
                    {"KeyId": "{id}", "PolicyName": "default"},
                    takes=("policy", "bypassPolicyLockoutSafetyCheck"),
                )
            ),
            Custom(("enableKeyRotation", "rotationPeriodInDays"), _rotate, on_create=True),
            Custom(("isEnabled",), _enable, on_create=True),
        ),
        delete=Call("ScheduleKeyDeletion", {"KeyId": "{id}", "PendingWindowInDays": "{deletionWindowInDays}"}),
        tags=Tags(
            Call("TagResource", {"KeyId": "{id}"}), Call("UntagResource", {"KeyId": "{id}"}), create="Tags", form="kms"
        ),
        names={"customerMasterKeySpec": "KeySpec"},
        json=("policy",),
        defaults={
            "isEnabled": True,
            "enableKeyRotation": False,
            "customerMasterKeySpec": "SYMMETRIC_DEFAULT",
            "keyUsage": "ENCRYPT_DECRYPT",
        },
        quiet=("rotationPeriodInDays",),
        local=("deletionWindowInDays",),
        untold=("bypassPolicyLockoutSafetyCheck",),
        unsupported=("customKeyStoreId", "xksKeyId"),
    ),
    Resource(
        type="aws:kms/alias:Alias",
        service="kms",
        create=Call("CreateAlias"),
        id="{name}",
        id_parts=("name",),
        reads=(
            Read(
                "ListAliases",
                at="Aliases",
                pick=lambda found, facts: next((each for each in found if each["AliasName"] == facts.id), None),
                fields={"targetKeyArn": _target},
            ),
        ),
        updates=(Update(Call("UpdateAlias", {"AliasName": "{id}"}), whole=True),),
        delete=Call("DeleteAlias", {"AliasName": "{id}"}),
        names={"name": "AliasName"},
        unsupported=("namePrefix",),
    ),
)
