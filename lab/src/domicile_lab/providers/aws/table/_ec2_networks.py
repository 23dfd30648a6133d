"""Amazon EC2: networks, subnets and the ways out. https://docs.aws.amazon.com/AWSEC2/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Update, Wait
from domicile_lab.providers.aws.table._ec2 import ARN, named, tags


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
                {"Filters": [named("vpc-id", "{id}"), named("group-name", "default")]},
                only=(),
                fields={"defaultSecurityGroupId": "SecurityGroups[0].GroupId"},
            ),
            Read(
                "DescribeRouteTables",
                {"Filters": [named("vpc-id", "{id}"), named("association.main", "true")]},
                only=(),
                fields={
                    "mainRouteTableId": "RouteTables[0].RouteTableId",
                    "defaultRouteTableId": "RouteTables[0].RouteTableId",
                },
            ),
            Read(
                "DescribeNetworkAcls",
                {"Filters": [named("vpc-id", "{id}"), named("default", "true")]},
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
)
