"""Endpoints: AWS's services as the cell reaches them, without leaving its network."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.cell.component import CellComponent
from domicile_infra.cell.network import Network
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.cidr import SubnetRole
from domicile_infra.plan.documents import render
from domicile_infra.plan.documents.endpoints import INTERFACES, gateway_policy, interface_policy


@dataclass(frozen=True)
class EndpointsArgs:
    """`route_tables` are those that lead to S3 by the gateway endpoint."""

    plan: CellPlan
    network: Network
    route_tables: Sequence[pulumi.Input[str]]


class Endpoints(CellComponent):
    """`ready` are the endpoints, for what fails to start without them."""

    ready: tuple[pulumi.Resource, ...]

    def __init__(self, name: str, args: EndpointsArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan, network = args.plan, args.network
        group = aws.ec2.SecurityGroup(
            "endpoints",
            name=f"{plan.name}-endpoints",
            description="Endpoints of AWS services",
            vpc_id=network.vpc_id,
            tags=plan.tags.tags(name=f"{plan.name}-endpoints"),
            opts=self.child(),
        )
        aws.vpc.SecurityGroupIngressRule(
            "endpoints-from-the-cell",
            security_group_id=group.id,
            description="HTTPS from the cell",
            cidr_ipv4=str(plan.network),
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        gateway = aws.ec2.VpcEndpoint(
            "s3",
            vpc_id=network.vpc_id,
            service_name=f"com.amazonaws.{plan.place}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=list(args.route_tables),
            policy=render(gateway_policy(plan.scope)),
            tags=plan.tags.tags(name=f"{plan.name}-s3"),
            opts=self.child(),
        )
        interfaces = [
            aws.ec2.VpcEndpoint(
                service.replace(".", "-"),
                vpc_id=network.vpc_id,
                service_name=f"com.amazonaws.{plan.place}.{service}",
                vpc_endpoint_type="Interface",
                private_dns_enabled=True,
                subnet_ids=network.ids(SubnetRole.PRIVATE),
                security_group_ids=[group.id],
                policy=render(interface_policy(plan.scope, service)),
                tags=plan.tags.tags(name=f"{plan.name}-{service}"),
                opts=self.child(),
            )
            for service in INTERFACES
        ]
        self.ready = (gateway, *interfaces)
        self.register_outputs({})
