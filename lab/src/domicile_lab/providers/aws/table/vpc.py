"""Single rules of security groups. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource
from domicile_lab.providers.aws.table._ec2 import ARN, tags

FIELDS: Final = ("cidrIpv4", "cidrIpv6", "description", "fromPort", "ipProtocol", "prefixListId",
                 "referencedSecurityGroupId", "toPort")  # fmt: skip


def _permission(facts: Facts, _: Cloud) -> list[dict[str, Any]]:
    """The rule as EC2 takes it when it is made."""
    rule = facts.inputs
    told = {"Description": rule["description"]} if rule.get("description") else {}
    found: dict[str, Any] = {"IpProtocol": rule["ipProtocol"]}
    found |= {member: int(rule[key]) for key, member in (("fromPort", "FromPort"), ("toPort", "ToPort")) if key in rule}
    for key, member, name in (
        ("cidrIpv4", "IpRanges", "CidrIp"),
        ("cidrIpv6", "Ipv6Ranges", "CidrIpv6"),
        ("prefixListId", "PrefixListIds", "PrefixListId"),
        ("referencedSecurityGroupId", "UserIdGroupPairs", "GroupId"),
    ):
        if rule.get(key):
            found[member] = [{name: rule[key], **told}]
    return [found]


def _modify(cloud: Cloud, facts: Facts) -> None:
    """And as it takes it when it is changed."""
    rule = {f"{key[0].upper()}{key[1:]}": facts.inputs[key] for key in FIELDS if facts.inputs.get(key) is not None}
    rule["ReferencedGroupId"] = rule.pop("ReferencedSecurityGroupId", None)
    kept = {key: value for key, value in rule.items() if value is not None}
    change = {"SecurityGroupRuleId": facts.id, "SecurityGroupRule": kept}
    request = {"GroupId": facts.inputs["securityGroupId"], "SecurityGroupRules": [change]}
    cloud.call("ec2", "ModifySecurityGroupRules", request)


def _one_source(inputs: dict[str, Any]) -> list[tuple[str, str]]:
    sources = ("cidrIpv4", "cidrIpv6", "prefixListId", "referencedSecurityGroupId")
    given = [key for key in sources if inputs.get(key) is not None]
    return [] if len(given) == 1 else [("securityGroupId", f"a rule has exactly one of {', '.join(sources)}")]


def _same_protocol(path: str, given: Any, found: Any) -> bool:
    words = {"all": "-1", "6": "tcp", "17": "udp", "1": "icmp"}
    if path in {"fromPort", "toPort"}:  # EC2 tells -1 where a protocol has no ports
        return given in (None, -1, "-1") and found in (None, -1, "-1")
    return path == "ipProtocol" and words.get(str(given), str(given)) == words.get(str(found), str(found))


def _rule(direction: str) -> Resource:
    return Resource(
        type=f"aws:vpc/securityGroup{direction}Rule:SecurityGroup{direction}Rule",
        service="ec2",
        create=Call(
            f"AuthorizeSecurityGroup{direction}",
            {"GroupId": "{securityGroupId}", "IpPermissions": _permission},
            takes=(),
        ),
        id="=SecurityGroupRules[0].SecurityGroupRuleId",
        reads=(
            Read(
                "DescribeSecurityGroupRules",
                {"SecurityGroupRuleIds": ["{id}"]},
                at="SecurityGroupRules",
                gone=("InvalidSecurityGroupRuleId.NotFound",),
                fields={"securityGroupId": "GroupId", "referencedSecurityGroupId": "ReferencedGroupInfo.GroupId"},
                tags="SecurityGroupRules[0].Tags",
            ),
        ),
        updates=(Custom(FIELDS, _modify),),
        delete=Call(
            f"RevokeSecurityGroup{direction}",
            {"GroupId": "{securityGroupId}", "SecurityGroupRuleIds": ["{id}"]},
            ignore=("InvalidGroup.NotFound",),
        ),
        tags=tags("security-group-rule"),
        computed={"arn": ARN + "security-group-rule/{id}"},
        quiet=("description",),  # of rules that name a group or a prefix list
        check=_one_source,
        same=_same_protocol,
    )


RESOURCES: Final = (_rule("Ingress"), _rule("Egress"))
