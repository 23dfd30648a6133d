"""The context keys of a call, as IAM's conditions ask for them.

Source: AWS IAM user guide, "AWS global condition context keys"; the keys of services are in iam.yaml.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domicile_lab.cloud import table
from domicile_lab.cloud.http import Call
from domicile_lab.cloud.operations import Operation
from domicile_lab.cloud.organization import Membership
from domicile_lab.cloud.principals import Principal
from domicile_lab.cloud.resources import Resource
from domicile_lab.cloud.state import LOOPBACK

Value = str | tuple[str, ...]

# The global keys of which this file tells whether they are in a request. Those of a service that calls for somebody
# (aws:SourceAccount and its like) are absent in every call that arrives here, and so are the network's, since no
# endpoint of a VPC is passed.
GLOBAL = frozenset(
    f"aws:{key.lower()}"
    for key in (
        "CalledVia", "CalledViaFirst", "CalledViaLast", "CurrentTime", "EpochTime", "MultiFactorAuthAge",
        "MultiFactorAuthPresent", "PrincipalAccount", "PrincipalArn", "PrincipalIsAWSService", "PrincipalOrgID",
        "PrincipalOrgPaths", "PrincipalServiceName", "PrincipalServiceNamesList", "PrincipalType", "RequestedRegion",
        "RequestTag/", "ResourceAccount", "ResourceOrgID", "ResourceOrgPaths", "SecureTransport", "SourceAccount",
        "SourceArn", "SourceIp", "SourceOrgID", "SourceOrgPaths", "SourceVpc", "SourceVpce", "TagKeys", "UserAgent",
        "username", "ViaAWSService", "VpcSourceIp",
    )
)  # fmt: skip

KNOWN = GLOBAL | table.KEYS


def requested_region(operation: Operation, signed: str) -> str:
    """aws:RequestedRegion: the region of the endpoint, which for services without regions is the provider's choice."""
    if operation.service == "wafv2" and operation.parameters.get("Scope") == "CLOUDFRONT":
        return "us-east-1"
    return table.GLOBAL_REGIONS.get(operation.signing, signed)


@dataclass(frozen=True)
class Parties:
    """Who calls and whose the resource is, with both accounts' places in their organisations."""

    principal: Principal
    caller: Membership | None
    resource: Resource
    owner: Membership | None


def context_of(call: Call, operation: Operation, parties: Parties, region: str, now: datetime) -> Mapping[str, Value]:
    """The keys of a call; `region` is the requested one."""
    principal, caller, resource, owner = parties.principal, parties.caller, parties.resource, parties.owner
    context: dict[str, Value] = {
        "aws:CurrentTime": now.isoformat(),
        "aws:EpochTime": str(int(now.timestamp())),
        "aws:PrincipalArn": principal.arn,
        "aws:PrincipalIsAWSService": "false",
        "aws:PrincipalType": principal.kind,
        "aws:RequestedRegion": region,
        "aws:ResourceAccount": resource.account,
        "aws:SecureTransport": str(call.secure).lower(),
        "aws:SourceIp": LOOPBACK,
        "aws:UserAgent": call.headers.get("user-agent", ""),
        "aws:ViaAWSService": "false",
    }
    if principal.kind != "Anonymous":
        context["aws:PrincipalAccount"] = principal.account
    if principal.kind == "User":
        context["aws:username"] = principal.name
    else:
        context["aws:MultiFactorAuthPresent"] = "false"
    if caller is not None:
        context |= {"aws:PrincipalOrgID": caller.organization, "aws:PrincipalOrgPaths": (caller.path,)}
    if owner is not None:
        context |= {"aws:ResourceOrgID": owner.organization, "aws:ResourceOrgPaths": (owner.path,)}
    tags = dict(_tags(operation.parameters))
    if tags:
        context["aws:TagKeys"] = tuple(tags)
        context |= {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    parameters = {**operation.parameters, "_region": region}
    for key, expression in table.entry(operation.service, operation.name).keys.items():
        value = _text(expression.search(parameters))
        if value is not None:
            context[key] = value
    return context


def _text(value: Any) -> Value | None:
    """A parameter as a context value: true and false in lower case, a list as several values, nothing as no key."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return tuple(str(_text(one)) for one in value) or None
    return str(value)


def _tags(parameters: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The tags that a request sets, in the forms that services have for them."""
    for name in ("Tags", "tags", "TagList", "TagSpecifications", "TagSpecification"):
        yield from _tags_in(parameters.get(name))


def _tags_in(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        yield from ((str(key), str(one)) for key, one in value.items())
        return
    for one in value or ():
        if not isinstance(one, Mapping):
            continue
        if "Tags" in one:
            yield from _tags_in(one["Tags"])
        elif name := one.get("Key") or one.get("key") or one.get("TagKey"):
            yield str(name), str(one.get("Value") or one.get("value") or one.get("TagValue") or "")
