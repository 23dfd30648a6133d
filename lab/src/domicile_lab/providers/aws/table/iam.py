"""AWS Identity and Access Management. https://docs.aws.amazon.com/IAM/latest/APIReference/"""

from __future__ import annotations

import json
from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update


def _document(name: str) -> Any:
    """A policy document, which botocore has taken apart."""
    return lambda data: json.dumps(data[name]) if isinstance(data.get(name), dict) else data.get(name)


def _boundary(cloud: Cloud, facts: Facts) -> None:
    role, boundary = {"RoleName": facts.id}, facts.inputs.get("permissionsBoundary")
    if boundary:
        cloud.call("iam", "PutRolePermissionsBoundary", {**role, "PermissionsBoundary": boundary})
    else:
        cloud.call("iam", "DeleteRolePermissionsBoundary", role)


def _delete_role(cloud: Cloud, facts: Facts) -> None:
    role = {"RoleName": facts.id}
    if facts.get("forceDetachPolicies"):
        for policy in cloud.call("iam", "ListAttachedRolePolicies", role)["AttachedPolicies"]:
            cloud.call("iam", "DetachRolePolicy", {**role, "PolicyArn": policy["PolicyArn"]})
        for name in cloud.call("iam", "ListRolePolicies", role)["PolicyNames"]:
            cloud.call("iam", "DeleteRolePolicy", {**role, "PolicyName": name})
    cloud.call("iam", "DeleteRole", role)


def _clients(cloud: Cloud, facts: Facts) -> None:
    wanted, before = (set(each.get("clientIdLists") or ()) for each in (facts.inputs, facts.old))
    for operation, names in (("AddClientIDToOpenIDConnectProvider", wanted - before),
                             ("RemoveClientIDFromOpenIDConnectProvider", before - wanted)):  # fmt: skip
        for name in sorted(names):
            cloud.call("iam", operation, {"OpenIDConnectProviderArn": facts.id, "ClientID": name})


def _newest(cloud: Cloud, facts: Facts) -> Any:
    """The version of a policy that counts."""
    policy = cloud.call("iam", "GetPolicy", {"PolicyArn": facts.id})["Policy"]
    request = {"PolicyArn": facts.id, "VersionId": policy["DefaultVersionId"]}
    return cloud.call("iam", "GetPolicyVersion", request)["PolicyVersion"]


def _old_versions(cloud: Cloud, facts: Facts, keep: int) -> None:
    """Five versions are all that IAM keeps; the oldest go."""
    found = cloud.call("iam", "ListPolicyVersions", {"PolicyArn": facts.id})["Versions"]
    others = sorted((each for each in found if not each["IsDefaultVersion"]), key=lambda each: each["CreateDate"])
    for each in others[: max(0, len(others) - keep)]:
        cloud.call("iam", "DeletePolicyVersion", {"PolicyArn": facts.id, "VersionId": each["VersionId"]})


def _new_version(cloud: Cloud, facts: Facts) -> None:
    _old_versions(cloud, facts, keep=3)
    request = {"PolicyArn": facts.id, "PolicyDocument": facts.inputs["policy"], "SetAsDefault": True}
    cloud.call("iam", "CreatePolicyVersion", request)


def _delete_policy(cloud: Cloud, facts: Facts) -> None:
    _old_versions(cloud, facts, keep=0)
    cloud.call("iam", "DeletePolicy", {"PolicyArn": facts.id})


def _same_issuer(path: str, given: Any, found: Any) -> bool:
    return path == "url" and str(given).removeprefix("https://") == str(found).removeprefix("https://")


RESOURCES: Final = (
    Resource(
        type="aws:iam/role:Role",
        service="iam",
        create=Call("CreateRole"),
        id="{name}",
        id_parts=("name",),
        reads=(
            Read(
                "GetRole",
                {"RoleName": "{id}"},
                at="Role",
                fields={
                    "assumeRolePolicy": _document("AssumeRolePolicyDocument"),
                    "permissionsBoundary": "PermissionsBoundary.PermissionsBoundaryArn",
                    "uniqueId": "RoleId",
                },
                tags="Role.Tags",
            ),
        ),
        updates=(
            # What the call does not say, IAM takes for its default.
            Update(Call("UpdateRole", {"RoleName": "{id}"}), whole=True),
            Update(
                Call(
                    "UpdateAssumeRolePolicy",
                    {"RoleName": "{id}", "PolicyDocument": "{assumeRolePolicy}"},
                    takes=("assumeRolePolicy",),
                )
            ),
            Custom(("permissionsBoundary",), _boundary),
        ),
        delete=_delete_role,
        tags=Tags(Call("TagRole", {"RoleName": "{id}"}), Call("UntagRole", {"RoleName": "{id}"}), create="Tags"),
        names={"name": "RoleName", "assumeRolePolicy": "AssumeRolePolicyDocument"},
        json=("assumeRolePolicy",),
        autoname="name",
        defaults={"path": "/", "maxSessionDuration": 3600},
        local=("forceDetachPolicies",),
        unsupported=("inlinePolicies", "managedPolicyArns", "namePrefix"),
    ),
    Resource(
        type="aws:iam/rolePolicy:RolePolicy",
        service="iam",
        create=Call("PutRolePolicy"),
        id="{role}:{name}",
        id_parts=("role", "name"),
        reads=(
            Read(
                "GetRolePolicy",
                {"RoleName": "{role}", "PolicyName": "{name}"},
                fields={"policy": _document("PolicyDocument")},
            ),
        ),
        updates=(Update(Call("PutRolePolicy", {"RoleName": "{role}", "PolicyName": "{name}"}), whole=True),),
        delete=Call("DeleteRolePolicy", {"RoleName": "{role}", "PolicyName": "{name}"}),
        names={"role": "RoleName", "name": "PolicyName", "policy": "PolicyDocument"},
        json=("policy",),
        autoname="name",
        autoname_length=128,
        unsupported=("namePrefix",),
    ),
    Resource(
        type="aws:iam/rolePolicyAttachment:RolePolicyAttachment",
        service="iam",
        create=Call("AttachRolePolicy"),
        id="{role}/{policyArn}",
        id_parts=("role", "policyArn"),
        id_separator="/",
        reads=(
            Read(
                "ListAttachedRolePolicies",
                {"RoleName": "{role}"},
                at="AttachedPolicies",
                pick=lambda found, facts: next(
                    (each for each in found if each["PolicyArn"] == facts.get("policyArn")), None
                ),
            ),
        ),
        delete=Call("DetachRolePolicy", {"RoleName": "{role}", "PolicyArn": "{policyArn}"}),
        names={"role": "RoleName"},
    ),
    Resource(
        type="aws:iam/accountPasswordPolicy:AccountPasswordPolicy",
        service="iam",
        create=Call("UpdateAccountPasswordPolicy"),
        id="iam-account-password-policy",
        reads=(Read("GetAccountPasswordPolicy", at="PasswordPolicy"),),
        updates=(Update(Call("UpdateAccountPasswordPolicy"), whole=True),),
        delete=Call("DeleteAccountPasswordPolicy"),
    ),
    Resource(
        type="aws:iam/accountAlias:AccountAlias",
        service="iam",
        create=Call("CreateAccountAlias"),
        id="{accountAlias}",
        id_parts=("accountAlias",),
        reads=(
            Read(
                "ListAccountAliases",
                at="AccountAliases",
                pick=lambda found, facts: {"AccountAlias": facts.id} if facts.id in found else None,
            ),
        ),
        delete=Call("DeleteAccountAlias", {"AccountAlias": "{id}"}),
        delete_before_replace=True,
    ),
    Resource(
        type="aws:iam/openIdConnectProvider:OpenIdConnectProvider",
        service="iam",
        create=Call("CreateOpenIDConnectProvider"),
        id="=OpenIDConnectProviderArn",
        reads=(
            Read(
                "GetOpenIDConnectProvider",
                {"OpenIDConnectProviderArn": "{id}"},
                tags="Tags",
            ),
        ),
        computed={"arn": "{id}"},
        updates=(
            Update(Call("UpdateOpenIDConnectProviderThumbprint", {"OpenIDConnectProviderArn": "{id}"})),
            Custom(("clientIdLists",), _clients),
        ),
        delete=Call("DeleteOpenIDConnectProvider", {"OpenIDConnectProviderArn": "{id}"}),
        tags=Tags(
            Call("TagOpenIDConnectProvider", {"OpenIDConnectProviderArn": "{id}"}),
            Call("UntagOpenIDConnectProvider", {"OpenIDConnectProviderArn": "{id}"}),
            create="Tags",
        ),
        same=_same_issuer,
    ),
    Resource(
        type="aws:iam/policy:Policy",
        service="iam",
        create=Call("CreatePolicy"),
        id="=Policy.Arn",
        reads=(
            Read("GetPolicy", {"PolicyArn": "{id}"}, at="Policy", fields={"name": "PolicyName"}, tags="Policy.Tags"),
            Read(_newest, only=(), fields={"policy": _document("Document")}),
        ),
        updates=(Custom(("policy",), _new_version),),
        delete=_delete_policy,
        tags=Tags(Call("TagPolicy", {"PolicyArn": "{id}"}), Call("UntagPolicy", {"PolicyArn": "{id}"}), create="Tags"),
        names={"name": "PolicyName", "policy": "PolicyDocument"},
        json=("policy",),
        autoname="name",
        autoname_length=128,
        defaults={"path": "/"},
        local=("delayAfterPolicyCreationInMs",),
        unsupported=("namePrefix",),
    ),
)
