"""Amazon EC2: security groups. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Cloud, Custom, Facts, Read, Resource
from domicile_lab.providers.aws.table import _firewall
from domicile_lab.providers.aws.table._ec2 import ARN, named, tags
from domicile_lab.providers.interface import ProviderError


def _create_group(cloud: Cloud, facts: Facts) -> Any:
    inputs = facts.inputs
    request = {
        "GroupName": inputs["name"],
        "Description": inputs.get("description") or "Managed by Pulumi",
        "VpcId": inputs.get("vpcId"),
    }
    request = {key: value for key, value in request.items() if value}
    answer = cloud.call("ec2", "CreateSecurityGroup", request)
    # EC2 lets a new group reach everything; here what is not written is not allowed.
    _firewall.clear(cloud, answer["GroupId"], "egress")
    return answer


def _adopt_group(cloud: Cloud, facts: Facts) -> Any:
    """A network's default group cannot be made or removed, only taken over, and then has the rules given here alone."""
    filters = [named("group-name", "default")]
    if facts.inputs.get("vpcId"):
        filters.append(named("vpc-id", facts.inputs["vpcId"]))
    found = cloud.call("ec2", "DescribeSecurityGroups", {"Filters": filters})["SecurityGroups"]
    if not found:
        raise ProviderError(f"network {facts.inputs.get('vpcId')} has no default security group")
    for direction in _firewall.VERBS:
        if not facts.inputs.get(direction):
            _firewall.clear(cloud, found[0]["GroupId"], direction)
    return found[0]


def _delete_group(cloud: Cloud, facts: Facts) -> None:
    if facts.get("revokeRulesOnDelete"):
        for direction in _firewall.VERBS:
            _firewall.clear(cloud, facts.id, direction)
    cloud.call("ec2", "DeleteSecurityGroup", {"GroupId": facts.id})


GROUP_READ: Final = Read(
    "DescribeSecurityGroups",
    {"GroupIds": ["{id}"]},
    at="SecurityGroups",
    gone=("InvalidGroup.NotFound",),
    fields={"ingress": _firewall.told("ingress"), "egress": _firewall.told("egress")},
    tags="SecurityGroups[0].Tags",
)
GROUP_RULES: Final = tuple(Custom((each,), _firewall.apply(each), on_create=True) for each in _firewall.VERBS)


RESOURCES: Final = (
    Resource(
        type="aws:ec2/securityGroup:SecurityGroup",
        service="ec2",
        create=_create_group,
        id="=GroupId",
        reads=(GROUP_READ,),
        updates=GROUP_RULES,
        delete=_delete_group,
        tags=tags("security-group"),
        names={"name": "GroupName"},
        computed={"arn": ARN + "security-group/{id}"},
        autoname="name",
        autoname_length=255,
        same=_firewall.none_left,
        local=("revokeRulesOnDelete",),
        unsupported=("namePrefix",),
    ),
    Resource(
        type="aws:ec2/defaultSecurityGroup:DefaultSecurityGroup",
        service="ec2",
        create=_adopt_group,
        id="=GroupId",
        reads=(GROUP_READ,),
        updates=GROUP_RULES,
        delete=None,
        tags=tags("security-group"),
        names={"name": "GroupName"},
        computed={"arn": ARN + "security-group/{id}"},
        same=_firewall.none_left,
        defaults={"ingress": [], "egress": []},
        local=("revokeRulesOnDelete",),
    ),
)
