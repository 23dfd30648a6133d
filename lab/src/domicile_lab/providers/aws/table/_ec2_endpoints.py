"""Amazon EC2: endpoints and flow logs. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Update, Wait
from domicile_lab.providers.aws.table._ec2 import ARN, named, tags
from domicile_lab.providers.interface import ProviderError


def _members(cloud: Cloud, facts: Facts) -> None:
    """An endpoint's tables, subnets and groups are added and removed one by one."""
    request: dict[str, Any] = {"VpcEndpointId": facts.id}
    for key, word in (("routeTableIds", "RouteTableIds"), ("subnetIds", "SubnetIds"),
                      ("securityGroupIds", "SecurityGroupIds")):  # fmt: skip
        before, after = (set(each.get(key) or ()) for each in (facts.old, facts.inputs))
        if after - before:
            request[f"Add{word}"] = sorted(after - before)
        if before - after:
            request[f"Remove{word}"] = sorted(before - after)
    cloud.call("ec2", "ModifyVpcEndpoint", request)


def _alive_endpoint(endpoint: Any, _: Facts) -> Any:
    found = endpoint[0] if endpoint else None
    return None if found and found.get("State", "").lower() in {"deleted", "deleting"} else found


SUBJECTS: Final = {
    "vpcId": "VPC",
    "subnetId": "Subnet",
    "eniId": "NetworkInterface",
    "transitGatewayId": "TransitGateway",
    "transitGatewayAttachmentId": "TransitGatewayAttachment",
    "regionalNatGatewayId": "RegionalNatGateway",
}


def _subject(facts: Facts, _: Cloud) -> list[str]:
    return [facts.inputs[key] for key in SUBJECTS if facts.inputs.get(key)]


def _subject_type(facts: Facts, _: Cloud) -> str | None:
    return next((word for key, word in SUBJECTS.items() if facts.inputs.get(key)), None)


def _log_id(answer: Any, _: Facts) -> str:
    if not answer.get("FlowLogIds"):
        refusals = [each.get("Error", {}).get("Message", "") for each in answer.get("Unsuccessful") or ()]
        raise ProviderError(f"the flow log was not made: {'; '.join(refusals) or 'no reason given'}")
    return str(answer["FlowLogIds"][0])


def _of(start: str) -> Any:
    """The subject of a flow log, where its id says that it is of this kind."""
    return lambda data: data["ResourceId"] if str(data.get("ResourceId", "")).startswith(start) else None


RESOURCES: Final = (
    Resource(
        type="aws:ec2/vpcEndpoint:VpcEndpoint",
        service="ec2",
        create=Call(
            "CreateVpcEndpoint",
            {
                "VpcEndpointType": lambda facts, _: facts.inputs.get("vpcEndpointType") or "Gateway",
                # The program's default is off, EC2's is on.
                "PrivateDnsEnabled": lambda facts, _: (
                    bool(facts.inputs.get("privateDnsEnabled"))
                    if facts.inputs.get("vpcEndpointType") == "Interface"
                    else None
                ),
            },
        ),
        id="=VpcEndpoint.VpcEndpointId",
        reads=(
            Read(
                "DescribeVpcEndpoints",
                {"VpcEndpointIds": ["{id}"]},
                at="VpcEndpoints",
                gone=("InvalidVpcEndpointId.NotFound", "InvalidVpcEndpoint.NotFound"),
                pick=_alive_endpoint,
                fields={"securityGroupIds": "Groups[].GroupId"},
                tags="VpcEndpoints[0].Tags",
            ),
            Read(
                "DescribeManagedPrefixLists",
                {"Filters": [named("prefix-list-name", "{serviceName}")]},
                only=(),
                fields={"prefixListId": "PrefixLists[0].PrefixListId"},
            ),
        ),
        wait=Wait(
            "State", ("available", "Available", "pendingAcceptance", "PendingAcceptance"), ("failed", "rejected")
        ),
        wait_gone=True,
        updates=(
            Update(Call("ModifyVpcEndpoint", {"VpcEndpointId": "{id}"})),
            Custom(("routeTableIds", "securityGroupIds", "subnetIds"), _members),
        ),
        delete=Call("DeleteVpcEndpoints", {"VpcEndpointIds": ["{id}"]}),
        tags=tags("vpc-endpoint"),
        names={"policy": "PolicyDocument"},
        json=("policy",),
        computed={"arn": ARN + "vpc-endpoint/{id}"},
        defaults={"vpcEndpointType": "Gateway"},
        unsupported=(
            "autoAccept",
            "resourceConfigurationArn",
            "serviceNetworkArn",
            "serviceRegion",
            "subnetConfigurations",
        ),
    ),
    Resource(
        type="aws:ec2/flowLog:FlowLog",
        service="ec2",
        create=Call("CreateFlowLogs", {"ResourceIds": _subject, "ResourceType": _subject_type}),
        id=_log_id,
        reads=(
            Read(
                "DescribeFlowLogs",
                {"FlowLogIds": ["{id}"]},
                at="FlowLogs",
                fields={
                    "vpcId": _of("vpc-"),
                    "subnetId": _of("subnet-"),
                    "eniId": _of("eni-"),
                    "transitGatewayId": _of("tgw-"),
                    "transitGatewayAttachmentId": _of("tgw-attach-"),
                },
                tags="FlowLogs[0].Tags",
            ),
        ),
        delete=Call("DeleteFlowLogs", {"FlowLogIds": ["{id}"]}),
        tags=tags("vpc-flow-log"),
        names={"iamRoleArn": "DeliverLogsPermissionArn"},
        computed={"arn": ARN + "vpc-flow-log/{id}"},
        defaults={"logDestinationType": "cloud-watch-logs", "maxAggregationInterval": 600},
        unsupported=("regionalNatGatewayId", "deliverCrossAccountRole"),
    ),
)
