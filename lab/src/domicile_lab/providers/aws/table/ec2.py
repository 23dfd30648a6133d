"""Amazon EC2: networks and launch templates. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update, Wait
from domicile_lab.providers.aws.table import _firewall
from domicile_lab.providers.interface import ProviderError

ARN: Final = "arn:{partition}:ec2:{region}:{account}:"


def tags(type_: str) -> Tags:
    """EC2's tags, which are given at creation in a specification for the type."""
    return Tags(
        Call("CreateTags", {"Resources": ["{id}"]}),
        Call("DeleteTags", {"Resources": ["{id}"]}),
        create="TagSpecifications",
        form=f"spec:{type_}",
        untag_param="Tags",
        untag_form="pairs",
    )


def _filter(name: str, value: str) -> dict[str, Any]:
    return {"Name": name, "Values": [value]}


def _attribute(operation: str, key: str, id_: str) -> Update:
    """An attribute of a network or subnet: one call each, with a structure around the value."""
    return Update(Call(operation, {id_: "{id}"}, takes=(key,)), on_create=True)


def _asked(key: str) -> Read:
    member = key[0].upper() + key[1:]
    params = {"VpcId": "{id}", "Attribute": key}
    return Read("DescribeVpcAttribute", params, only=(), fields={key: f"{member}.Value"})


def _wrap(value: Any) -> dict[str, Any]:
    return {"Value": value}


VPC_FLAGS: Final = ("enableDnsSupport", "enableDnsHostnames", "enableNetworkAddressUsageMetrics")
SUBNET_FLAGS: Final = ("assignIpv6AddressOnCreation", "enableDns64", "mapPublicIpOnLaunch")

# Gateways, addresses


def _gateway(cloud: Cloud, facts: Facts) -> None:
    gateway = {"InternetGatewayId": facts.id}
    before, after = facts.old.get("vpcId"), facts.inputs.get("vpcId")
    if before:
        cloud.call("ec2", "DetachInternetGateway", {**gateway, "VpcId": before})
    if after:
        cloud.call("ec2", "AttachInternetGateway", {**gateway, "VpcId": after})


def _delete_gateway(cloud: Cloud, facts: Facts) -> None:
    if facts.get("vpcId"):
        cloud.call("ec2", "DetachInternetGateway", {"InternetGatewayId": facts.id, "VpcId": facts.get("vpcId")})
    cloud.call("ec2", "DeleteInternetGateway", {"InternetGatewayId": facts.id})


# Routes

DESTINATIONS: Final = ("destinationCidrBlock", "destinationIpv6CidrBlock", "destinationPrefixListId")
ROUTE: Final = {
    "RouteTableId": "{routeTableId}",
    **{f"{key[0].upper()}{key[1:]}": f"{{{key}}}" for key in DESTINATIONS},
}


def _destination(facts: Facts) -> str:
    found = next((facts.get(key) for key in DESTINATIONS if facts.get(key)), None)
    return str(found or facts.id.rpartition("_")[2])


def _route(routes: Any, facts: Facts) -> Any:
    wanted = _destination(facts)
    members = [f"{key[0].upper()}{key[1:]}" for key in DESTINATIONS]
    return next((each for each in routes or () if wanted in [each.get(member) for member in members]), None)


def _endpoint(route: Any) -> Any:
    """EC2 takes an endpoint as such and tells it as a gateway."""
    gateway = route.get("GatewayId", "")
    return gateway if gateway.startswith("vpce-") else None


def _plain_gateway(route: Any) -> Any:
    gateway = route.get("GatewayId", "")
    return gateway if gateway and not gateway.startswith("vpce-") else None


# Security groups


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
    filters = [_filter("group-name", "default")]
    if facts.inputs.get("vpcId"):
        filters.append(_filter("vpc-id", facts.inputs["vpcId"]))
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

# Endpoints, flow logs


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


# Launch templates


def _launched(version: Any) -> Any:
    """Tags of what is launched; moto puts the template's own among them."""
    return [
        {"resourceType": each["ResourceType"], "tags": {tag["Key"]: tag["Value"] for tag in each["Tags"]}}
        for each in version["LaunchTemplateData"].get("TagSpecifications") or ()
        if each["ResourceType"] != "launch-template"
    ]


def _promote(cloud: Cloud, facts: Facts) -> None:
    if facts.inputs.get("updateDefaultVersion"):
        newest = {"LaunchTemplateId": facts.id, "Versions": ["$Latest"]}
        version = cloud.call("ec2", "DescribeLaunchTemplateVersions", newest)["LaunchTemplateVersions"][0]
        wanted = str(version["VersionNumber"])
    elif facts.inputs.get("defaultVersion"):
        wanted = str(facts.inputs["defaultVersion"])
    else:
        return
    cloud.call("ec2", "ModifyLaunchTemplate", {"LaunchTemplateId": facts.id, "DefaultVersion": wanted})


TEMPLATE: Final = (  # noqa: SIM905
    "blockDeviceMappings capacityReservationSpecification cpuOptions creditSpecification disableApiStop "
    "disableApiTermination ebsOptimized enclaveOptions hibernationOptions iamInstanceProfile imageId "
    "instanceInitiatedShutdownBehavior instanceMarketOptions instanceType kernelId keyName licenseSpecifications "
    "maintenanceOptions metadataOptions monitoring networkInterfaces placement privateDnsNameOptions ramDiskId "
    "securityGroupNames tagSpecifications userData vpcSecurityGroupIds"
).split()

RESOURCES: Final = (
    Resource(
        type="aws:ec2/vpc:Vpc",
        service="ec2",
        create=Call("CreateVpc"),
        id="=Vpc.VpcId",
        reads=(
            Read(
                "DescribeVpcs",
                {"VpcIds": ["{id}"]},
                at="Vpcs",
                gone=("InvalidVpcID.NotFound",),
                only=("cidrBlock", "instanceTenancy", "dhcpOptionsId", "ownerId"),
                tags="Vpcs[0].Tags",
            ),
            *(_asked(flag) for flag in VPC_FLAGS),
            Read(
                "DescribeSecurityGroups",
                {"Filters": [_filter("vpc-id", "{id}"), _filter("group-name", "default")]},
                only=(),
                fields={"defaultSecurityGroupId": "SecurityGroups[0].GroupId"},
            ),
            Read(
                "DescribeRouteTables",
                {"Filters": [_filter("vpc-id", "{id}"), _filter("association.main", "true")]},
                only=(),
                fields={
                    "mainRouteTableId": "RouteTables[0].RouteTableId",
                    "defaultRouteTableId": "RouteTables[0].RouteTableId",
                },
            ),
            Read(
                "DescribeNetworkAcls",
                {"Filters": [_filter("vpc-id", "{id}"), _filter("default", "true")]},
                only=(),
                fields={"defaultNetworkAclId": "NetworkAcls[0].NetworkAclId"},
            ),
        ),
        updates=tuple(_attribute("ModifyVpcAttribute", flag, "VpcId") for flag in VPC_FLAGS),
        delete=Call("DeleteVpc", {"VpcId": "{id}"}),
        tags=tags("vpc"),
        write=dict.fromkeys(VPC_FLAGS, _wrap),
        computed={"arn": ARN + "vpc/{id}"},
        defaults={"enableDnsSupport": True, "enableDnsHostnames": False, "instanceTenancy": "default"},
        unsupported=(
            "assignGeneratedIpv6CidrBlock",
            "ipv4IpamPoolId",
            "ipv4NetmaskLength",
            "ipv6CidrBlock",
            "ipv6CidrBlockNetworkBorderGroup",
            "ipv6IpamPoolId",
            "ipv6NetmaskLength",
        ),
    ),
    Resource(
        type="aws:ec2/subnet:Subnet",
        service="ec2",
        create=Call("CreateSubnet"),
        id="=Subnet.SubnetId",
        reads=(
            Read(
                "DescribeSubnets",
                {"SubnetIds": ["{id}"]},
                at="Subnets",
                gone=("InvalidSubnetID.NotFound",),
                fields={
                    "arn": "SubnetArn",
                    "ipv6CidrBlock": "Ipv6CidrBlockAssociationSet[0].Ipv6CidrBlock",
                    "ipv6CidrBlockAssociationId": "Ipv6CidrBlockAssociationSet[0].AssociationId",
                },
                tags="Subnets[0].Tags",
            ),
        ),
        updates=tuple(_attribute("ModifySubnetAttribute", flag, "SubnetId") for flag in SUBNET_FLAGS),
        delete=Call("DeleteSubnet", {"SubnetId": "{id}"}),
        tags=tags("subnet"),
        write=dict.fromkeys(SUBNET_FLAGS, _wrap),
        computed={"arn": ARN + "subnet/{id}"},
        defaults={"mapPublicIpOnLaunch": False},
        unsupported=(
            "customerOwnedIpv4Pool",
            "enableLniAtDeviceIndex",
            "enableResourceNameDnsARecordOnLaunch",
            "enableResourceNameDnsAaaaRecordOnLaunch",
            "ipv4IpamPoolId",
            "ipv4NetmaskLength",
            "ipv6IpamPoolId",
            "ipv6Native",
            "ipv6NetmaskLength",
            "mapCustomerOwnedIpOnLaunch",
            "outpostArn",
            "privateDnsHostnameTypeOnLaunch",
        ),
    ),
    Resource(
        type="aws:ec2/internetGateway:InternetGateway",
        service="ec2",
        create=Call("CreateInternetGateway"),
        id="=InternetGateway.InternetGatewayId",
        reads=(
            Read(
                "DescribeInternetGateways",
                {"InternetGatewayIds": ["{id}"]},
                at="InternetGateways",
                gone=("InvalidInternetGatewayID.NotFound",),
                fields={"vpcId": "Attachments[0].VpcId"},
                tags="InternetGateways[0].Tags",
            ),
        ),
        updates=(Custom(("vpcId",), _gateway, on_create=True),),
        delete=_delete_gateway,
        tags=tags("internet-gateway"),
        computed={"arn": ARN + "internet-gateway/{id}"},
    ),
    Resource(
        type="aws:ec2/eip:Eip",
        service="ec2",
        create=Call("AllocateAddress", {"Domain": lambda facts, _: facts.inputs.get("domain") or "vpc"}),
        id="=AllocationId",
        reads=(
            Read(
                "DescribeAddresses",
                {"AllocationIds": ["{id}"]},
                at="Addresses",
                gone=("InvalidAllocationID.NotFound",),
                tags="Addresses[0].Tags",
            ),
        ),
        delete=Call("ReleaseAddress", {"AllocationId": "{id}"}),
        tags=tags("elastic-ip"),
        names={"privateIp": "PrivateIpAddress"},
        computed={"arn": ARN + "elastic-ip/{id}"},
        unsupported=(
            "address",
            "associateWithPrivateIp",
            "customerOwnedIpv4Pool",
            "instance",
            "ipamPoolId",
            "networkInterface",
        ),
    ),
    Resource(
        type="aws:ec2/natGateway:NatGateway",
        service="ec2",
        create=Call("CreateNatGateway"),
        id="=NatGateway.NatGatewayId",
        reads=(
            Read(
                "DescribeNatGateways",
                {"NatGatewayIds": ["{id}"]},
                at="NatGateways",
                gone=("NatGatewayNotFound",),
                pick=lambda found, _: next((each for each in found or () if each["State"] != "deleted"), None),
                fields={
                    "allocationId": "NatGatewayAddresses[0].AllocationId",
                    "publicIp": "NatGatewayAddresses[0].PublicIp",
                    "privateIp": "NatGatewayAddresses[0].PrivateIp",
                    "networkInterfaceId": "NatGatewayAddresses[0].NetworkInterfaceId",
                    "associationId": "NatGatewayAddresses[0].AssociationId",
                },
                tags="NatGateways[0].Tags",
            ),
        ),
        wait=Wait("State", ("available",), ("failed",)),
        wait_gone=True,
        delete=Call("DeleteNatGateway", {"NatGatewayId": "{id}"}),
        tags=tags("natgateway"),
        names={"privateIp": "PrivateIpAddress"},
        defaults={"connectivityType": "public"},
        unsupported=(
            "availabilityMode",
            "availabilityZoneAddresses",
            "secondaryAllocationIds",
            "secondaryPrivateIpAddressCount",
            "secondaryPrivateIpAddresses",
        ),
    ),
    Resource(
        type="aws:ec2/routeTable:RouteTable",
        service="ec2",
        create=Call("CreateRouteTable"),
        id="=RouteTable.RouteTableId",
        reads=(
            Read(
                "DescribeRouteTables",
                {"RouteTableIds": ["{id}"]},
                at="RouteTables",
                gone=("InvalidRouteTableID.NotFound",),
                only=("vpcId", "ownerId"),
                tags="RouteTables[0].Tags",
            ),
        ),
        delete=Call("DeleteRouteTable", {"RouteTableId": "{id}"}),
        tags=tags("route-table"),
        computed={"arn": ARN + "route-table/{id}"},
        unsupported=("propagatingVgws", "routes"),  # routes are resources of their own: aws.ec2.Route
    ),
    Resource(
        type="aws:ec2/route:Route",
        service="ec2",
        create=Call("CreateRoute"),
        id=lambda _, facts: f"{facts.inputs['routeTableId']}_{_destination(facts)}",
        id_parts=("routeTableId", "_destination"),
        id_separator="_",
        reads=(
            Read(
                "DescribeRouteTables",
                {"RouteTableIds": ["{routeTableId}"]},
                at="RouteTables[0].Routes",
                gone=("InvalidRouteTableID.NotFound",),
                pick=_route,
                fields={"vpcEndpointId": _endpoint, "gatewayId": _plain_gateway},
            ),
        ),
        updates=(
            Update(
                Call(
                    "ReplaceRoute",
                    ROUTE,
                ),
                whole=True,
            ),
        ),
        delete=Call(
            "DeleteRoute",
            ROUTE,
        ),
        names={"egressOnlyGatewayId": "EgressOnlyInternetGatewayId"},
        replaces=("routeTableId", *DESTINATIONS),
    ),
    Resource(
        type="aws:ec2/routeTableAssociation:RouteTableAssociation",
        service="ec2",
        create=Call("AssociateRouteTable"),
        id="=AssociationId",
        reads=(
            Read(
                "DescribeRouteTables",
                {"Filters": [_filter("association.route-table-association-id", "{id}")]},
                at="RouteTables[].Associations[]",
                pick=lambda found, facts: next(
                    (each for each in found or () if each["RouteTableAssociationId"] == facts.id), None
                ),
            ),
        ),
        delete=Call("DisassociateRouteTable", {"AssociationId": "{id}"}),
        delete_before_replace=True,
    ),
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
                {"Filters": [_filter("prefix-list-name", "{serviceName}")]},
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
    Resource(
        type="aws:ec2/launchTemplate:LaunchTemplate",
        service="ec2",
        create=Call(
            "CreateLaunchTemplate",
            {"LaunchTemplateName": "{name}", "VersionDescription": "{description}"},
            takes=tuple(TEMPLATE),
            inside="LaunchTemplateData",
        ),
        id="=LaunchTemplate.LaunchTemplateId",
        reads=(
            Read(
                "DescribeLaunchTemplates",
                {"LaunchTemplateIds": ["{id}"]},
                at="LaunchTemplates",
                gone=("InvalidLaunchTemplateId.NotFound",),
                fields={
                    "name": "LaunchTemplateName",
                    "latestVersion": "LatestVersionNumber",
                    "defaultVersion": "DefaultVersionNumber",
                },
                only=(),
                tags="LaunchTemplates[0].Tags",
            ),
            Read(
                "DescribeLaunchTemplateVersions",
                {"LaunchTemplateId": "{id}", "Versions": ["$Latest"]},
                at="LaunchTemplateVersions",
                only=tuple(TEMPLATE),
                fields={
                    "description": "VersionDescription",
                    **{key: f"LaunchTemplateData.{key[0].upper()}{key[1:]}" for key in TEMPLATE},
                    "vpcSecurityGroupIds": "LaunchTemplateData.SecurityGroupIds",
                    "securityGroupNames": "LaunchTemplateData.SecurityGroups",
                    "tagSpecifications": _launched,
                },
            ),
        ),
        updates=(
            Update(
                Call(
                    "CreateLaunchTemplateVersion",
                    {"LaunchTemplateId": "{id}", "VersionDescription": "{description}"},
                    takes=(*TEMPLATE, "description"),
                    inside="LaunchTemplateData",
                ),
                whole=True,
            ),
            Custom(("updateDefaultVersion", "defaultVersion", "description", *TEMPLATE), _promote),
        ),
        delete=Call("DeleteLaunchTemplate", {"LaunchTemplateId": "{id}"}),
        tags=tags("launch-template"),
        names={
            "vpcSecurityGroupIds": "SecurityGroupIds",
            "securityGroupNames": "SecurityGroups",
            "networkInterfaces.ipv4AddressCount": "SecondaryPrivateIpAddressCount",
            "networkInterfaces.securityGroups": "Groups",
        },
        computed={"arn": ARN + "launch-template/{id}"},
        autoname="name",
        autoname_length=125,
        volatile=("latestVersion", "defaultVersion"),
        local=("updateDefaultVersion",),
        unsupported=(
            "instanceRequirements",
            "namePrefix",
            "networkPerformanceOptions",
            "secondaryInterfaces",
            "networkInterfaces.ipv4Addresses",
            "blockDeviceMappings.volumeInitializationRate",
        ),
    ),
)
