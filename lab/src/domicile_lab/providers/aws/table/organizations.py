"""AWS Organizations. https://docs.aws.amazon.com/organizations/latest/APIReference/"""

from __future__ import annotations

import time
from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update
from domicile_lab.providers.interface import ProviderError

SERVICE: Final = "organizations"


def _root(cloud: Cloud) -> str:
    return str(cloud.call(SERVICE, "ListRoots", {})["Roots"][0]["Id"])


def _policy_types(cloud: Cloud, facts: Facts) -> None:
    wanted, before = (set(each.get("enabledPolicyTypes") or ()) for each in (facts.inputs, facts.old))
    root = _root(cloud)
    for name in sorted(wanted - before):
        cloud.call(SERVICE, "EnablePolicyType", {"RootId": root, "PolicyType": name})
    for name in sorted(before - wanted):
        cloud.call(SERVICE, "DisablePolicyType", {"RootId": root, "PolicyType": name})


def _services(cloud: Cloud, facts: Facts) -> None:
    wanted, before = (set(each.get("awsServiceAccessPrincipals") or ()) for each in (facts.inputs, facts.old))
    for name in sorted(wanted - before):
        cloud.call(SERVICE, "EnableAWSServiceAccess", {"ServicePrincipal": name})
    for name in sorted(before - wanted):
        cloud.call(SERVICE, "DisableAWSServiceAccess", {"ServicePrincipal": name})


def _create_account(cloud: Cloud, facts: Facts) -> Any:
    """An account is made in the root while one waits, and then moved to its unit."""
    inputs = facts.inputs
    request = {
        "Email": inputs["email"],
        "AccountName": inputs["name"],
        "RoleName": inputs.get("roleName"),
        "IamUserAccessToBilling": inputs.get("iamUserAccessToBilling"),
        "Tags": [{"Key": key, "Value": value} for key, value in (inputs.get("tags") or {}).items()],
    }
    request = {key: value for key, value in request.items() if value}
    status = cloud.call(SERVICE, "CreateAccount", request)["CreateAccountStatus"]
    end = time.monotonic() + 300
    while status["State"] == "IN_PROGRESS" and time.monotonic() < end:
        time.sleep(0.2)
        asked = cloud.call(SERVICE, "DescribeCreateAccountStatus", {"CreateAccountRequestId": status["Id"]})
        status = asked["CreateAccountStatus"]
    if status["State"] != "SUCCEEDED":
        reason = status.get("FailureReason", "no reason given")
        raise ProviderError(f"account {inputs['name']} was not made: {status['State']}, {reason}")
    return status


def _move_account(cloud: Cloud, facts: Facts) -> None:
    parents = cloud.call(SERVICE, "ListParents", {"ChildId": facts.id})["Parents"]
    source, target = parents[0]["Id"], facts.inputs.get("parentId")
    if target and source != target:
        request = {"AccountId": facts.id, "SourceParentId": source, "DestinationParentId": target}
        cloud.call(SERVICE, "MoveAccount", request)


def _leave(cloud: Cloud, facts: Facts) -> None:
    operation = "CloseAccount" if facts.get("closeOnDeletion") else "RemoveAccountFromOrganization"
    cloud.call(SERVICE, operation, {"AccountId": facts.id})


def _open(account: Any, facts: Facts) -> Any:
    """A closed account is listed for ninety days more, and is gone."""
    return None if account and account.get("Status") in {"SUSPENDED", "PENDING_CLOSURE"} else account


def _parent(id_: str) -> Read:
    return Read("ListParents", {"ChildId": id_}, at="Parents[0]", only=(), fields={"parentId": "Id"})


def _tags(operation: str = "ListTagsForResource") -> Read:
    return Read(operation, {"ResourceId": "{id}"}, only=(), tags="Tags")


TAGS: Final = Tags(
    Call("TagResource", {"ResourceId": "{id}"}), Call("UntagResource", {"ResourceId": "{id}"}), create="Tags"
)

RESOURCES: Final = (
    Resource(
        type="aws:organizations/organization:Organization",
        service=SERVICE,
        create=Call("CreateOrganization"),
        id="=Organization.Id",
        reads=(
            Read(
                "DescribeOrganization",
                at="Organization",
                gone=("AWSOrganizationsNotInUseException",),
                fields={"masterAccountName": lambda _: None},
            ),
            Read(
                "ListRoots",
                fields={
                    "roots": "Roots",
                    "enabledPolicyTypes": "Roots[0].PolicyTypes[?Status=='ENABLED'].Type",
                },
                only=(),
            ),
            Read("ListAccounts", only=("accounts",)),
            Read(
                "ListAWSServiceAccessForOrganization",
                only=(),
                fields={"awsServiceAccessPrincipals": "EnabledServicePrincipals[].ServicePrincipal"},
            ),
        ),
        updates=(
            Custom(("enabledPolicyTypes",), _policy_types, on_create=True),
            Custom(("awsServiceAccessPrincipals",), _services, on_create=True),
        ),
        delete=Call("DeleteOrganization"),
        local=("returnOrganizationOnly",),
        defaults={"enabledPolicyTypes": [], "awsServiceAccessPrincipals": [], "featureSet": "ALL"},
    ),
    Resource(
        type="aws:organizations/organizationalUnit:OrganizationalUnit",
        service=SERVICE,
        create=Call("CreateOrganizationalUnit"),
        id="=OrganizationalUnit.Id",
        reads=(
            Read("DescribeOrganizationalUnit", {"OrganizationalUnitId": "{id}"}, at="OrganizationalUnit"),
            _parent("{id}"),
            Read("ListAccountsForParent", {"ParentId": "{id}"}, only=("accounts",)),
            _tags(),
        ),
        updates=(Update(Call("UpdateOrganizationalUnit", {"OrganizationalUnitId": "{id}"})),),
        delete=Call("DeleteOrganizationalUnit", {"OrganizationalUnitId": "{id}"}),
        tags=TAGS,
        autoname="name",
    ),
    Resource(
        type="aws:organizations/account:Account",
        service=SERVICE,
        create=_create_account,
        id="=AccountId",
        reads=(
            Read(
                "DescribeAccount",
                {"AccountId": "{id}"},
                at="Account",
                gone=("AccountAlreadyClosedException",),
                pick=_open,
            ),
            _parent("{id}"),
            _tags(),
        ),
        updates=(Custom(("parentId",), _move_account, on_create=True),),
        delete=_leave,
        tags=TAGS,
        autoname="name",
        local=("closeOnDeletion", "iamUserAccessToBilling", "roleName"),
        replaces=("iamUserAccessToBilling", "roleName"),
        unsupported=("createGovcloud",),
    ),
    Resource(
        type="aws:organizations/policy:Policy",
        service=SERVICE,
        create=Call(
            "CreatePolicy",
            {
                "Type": lambda facts, _: facts.inputs.get("type") or "SERVICE_CONTROL_POLICY",
                "Description": lambda facts, _: facts.inputs.get("description") or "",
            },
        ),
        id="=Policy.PolicySummary.Id",
        reads=(
            Read(
                "DescribePolicy",
                {"PolicyId": "{id}"},
                at="Policy",
                fields={
                    key: f"PolicySummary.{key[0].upper()}{key[1:]}" for key in ("arn", "name", "description", "type")
                },
            ),
            _tags(),
        ),
        updates=(Update(Call("UpdatePolicy", {"PolicyId": "{id}"})),),
        delete=Call("DeletePolicy", {"PolicyId": "{id}"}),
        tags=TAGS,
        autoname="name",
        json=("content",),
        local=("skipDestroy",),
        defaults={"type": "SERVICE_CONTROL_POLICY"},
    ),
    Resource(
        type="aws:organizations/policyAttachment:PolicyAttachment",
        service=SERVICE,
        create=Call("AttachPolicy"),
        id="{targetId}:{policyId}",
        id_parts=("targetId", "policyId"),
        reads=(
            Read(
                "ListTargetsForPolicy",
                {"PolicyId": "{policyId}"},
                at="Targets",
                pick=lambda found, facts: next(
                    (each for each in found if each["TargetId"] == facts.get("targetId")), None
                ),
                only=(),
            ),
        ),
        delete=Call("DetachPolicy", {"PolicyId": "{policyId}", "TargetId": "{targetId}"}),
        local=("skipDestroy",),
    ),
    Resource(
        type="aws:organizations/delegatedAdministrator:DelegatedAdministrator",
        service=SERVICE,
        create=Call("RegisterDelegatedAdministrator"),
        id="{accountId}/{servicePrincipal}",
        id_parts=("accountId", "servicePrincipal"),
        id_separator="/",
        reads=(
            Read(
                "ListDelegatedAdministrators",
                {"ServicePrincipal": "{servicePrincipal}"},
                at="DelegatedAdministrators",
                gone=("AccountNotRegisteredException",),
                pick=lambda found, facts: next((each for each in found if each["Id"] == facts.get("accountId")), None),
            ),
        ),
        delete=Call(
            "DeregisterDelegatedAdministrator",
            {"AccountId": "{accountId}", "ServicePrincipal": "{servicePrincipal}"},
        ),
    ),
)
