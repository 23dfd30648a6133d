"""IAM Identity Center. https://docs.aws.amazon.com/singlesignon/latest/APIReference/"""

from __future__ import annotations

import time
from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Facts, Read, Resource, Tags, Update
from domicile_lab.providers.interface import ProviderError

SERVICE: Final = "sso-admin"
SET: Final = {"InstanceArn": "{instanceArn}", "PermissionSetArn": "{permissionSetArn}"}
OWN: Final = {
    "InstanceArn": "{instanceArn}",
    "PermissionSetArn": lambda facts, _: facts.id.split(",")[0],
}
TAGGED: Final = {"InstanceArn": "{instanceArn}", "ResourceArn": lambda facts, _: facts.id.split(",")[0]}
ASSIGNMENT: Final = ("principalId", "principalType", "targetId", "targetType", "permissionSetArn", "instanceArn")


def _assignment(operation: str, status: str, describe: str, key: str) -> Any:
    """Assignments are made and removed while one waits."""

    def run(cloud: Cloud, facts: Facts) -> Any:
        request = {f"{name[0].upper()}{name[1:]}": facts.get(name) for name in ASSIGNMENT}
        found = cloud.call(SERVICE, operation, request)[status]
        end = time.monotonic() + 120
        while found.get("Status") == "IN_PROGRESS" and time.monotonic() < end:
            time.sleep(0.2)
            asked = {"InstanceArn": facts.get("instanceArn"), key: found["RequestId"]}
            found = cloud.call(SERVICE, describe, asked)[status]
        if found.get("Status") == "FAILED":
            raise ProviderError(f"the assignment failed: {found.get('FailureReason', 'no reason given')}")
        return found

    return run


def _assigned(found: Any, facts: Facts) -> Any:
    return next(
        (
            each
            for each in found or ()
            if each["PrincipalId"] == facts.get("principalId") and each["PrincipalType"] == facts.get("principalType")
        ),
        None,
    )


RESOURCES: Final = (
    Resource(
        type="aws:ssoadmin/permissionSet:PermissionSet",
        service=SERVICE,
        create=Call("CreatePermissionSet"),
        id=lambda answer, facts: f"{answer['PermissionSet']['PermissionSetArn']},{facts.inputs['instanceArn']}",
        id_parts=("_arn", "instanceArn"),
        id_separator=",",
        reads=(
            Read("DescribePermissionSet", OWN, at="PermissionSet", fields={"arn": "PermissionSetArn"}),
            Read("ListTagsForResource", TAGGED, only=(), tags="Tags"),
        ),
        updates=(Update(Call("UpdatePermissionSet", OWN), whole=True),),
        delete=Call("DeletePermissionSet", OWN),
        tags=Tags(Call("TagResource", TAGGED), Call("UntagResource", TAGGED), create="Tags"),
        autoname="name",
        autoname_length=32,
        defaults={"sessionDuration": "PT1H"},
        replaces=("name",),
    ),
    Resource(
        type="aws:ssoadmin/managedPolicyAttachment:ManagedPolicyAttachment",
        service=SERVICE,
        create=Call("AttachManagedPolicyToPermissionSet"),
        id="{managedPolicyArn},{permissionSetArn},{instanceArn}",
        id_parts=("managedPolicyArn", "permissionSetArn", "instanceArn"),
        id_separator=",",
        reads=(
            Read(
                "ListManagedPoliciesInPermissionSet",
                SET,
                at="AttachedManagedPolicies",
                pick=lambda found, facts: next(
                    (each for each in found or () if each["Arn"] == facts.get("managedPolicyArn")), None
                ),
                only=(),
                fields={"managedPolicyName": "Name"},
            ),
        ),
        delete=Call("DetachManagedPolicyFromPermissionSet", {**SET, "ManagedPolicyArn": "{managedPolicyArn}"}),
    ),
    Resource(
        type="aws:ssoadmin/permissionSetInlinePolicy:PermissionSetInlinePolicy",
        service=SERVICE,
        create=Call("PutInlinePolicyToPermissionSet"),
        id="{permissionSetArn},{instanceArn}",
        id_parts=("permissionSetArn", "instanceArn"),
        id_separator=",",
        reads=(
            Read(
                "GetInlinePolicyForPermissionSet",
                SET,
                pick=lambda found, _: found if found.get("InlinePolicy") else None,
            ),
        ),
        updates=(Update(Call("PutInlinePolicyToPermissionSet", SET), whole=True),),
        delete=Call("DeleteInlinePolicyFromPermissionSet", SET),
        json=("inlinePolicy",),
    ),
    Resource(
        type="aws:ssoadmin/accountAssignment:AccountAssignment",
        service=SERVICE,
        create=_assignment(
            "CreateAccountAssignment",
            "AccountAssignmentCreationStatus",
            "DescribeAccountAssignmentCreationStatus",
            "AccountAssignmentCreationRequestId",
        ),
        id=",".join(f"{{{name}}}" for name in ASSIGNMENT),
        id_parts=ASSIGNMENT,
        id_separator=",",
        reads=(
            Read(
                "ListAccountAssignments",
                {**SET, "AccountId": "{targetId}"},
                at="AccountAssignments",
                pick=_assigned,
                only=(),
            ),
        ),
        delete=_assignment(
            "DeleteAccountAssignment",
            "AccountAssignmentDeletionStatus",
            "DescribeAccountAssignmentDeletionStatus",
            "AccountAssignmentDeletionRequestId",
        ),
    ),
)
