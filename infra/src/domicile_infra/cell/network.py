"""The cell's network: its addresses, its subnets, and what is written down of what passes."""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.cell.component import CellComponent
from domicile_infra.cell.logs import make_log_group
from domicile_infra.cell.roles import make_role
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.cidr import SubnetRole
from domicile_infra.plan.documents import render
from domicile_infra.plan.documents.roles import RolePurpose, flow_log_policy


@dataclass(frozen=True)
class NetworkArgs:
    """`telemetry_key_arn` closes the flow logs."""

    plan: CellPlan
    telemetry_key_arn: pulumi.Input[str]


class Network(CellComponent):
    """`subnet_ids` by role and availability zone. `workloads_id` is the security group of the cluster's nodes."""

    vpc_id: pulumi.Output[str]
    gateway: aws.ec2.InternetGateway
    subnet_ids: Mapping[SubnetRole, Mapping[str, pulumi.Output[str]]]
    workloads_id: pulumi.Output[str]

    def __init__(self, name: str, args: NetworkArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan = args.plan
        # Protected, though it holds no data: all that does stands in it, and another CIDR would replace it.
        vpc = aws.ec2.Vpc(
            "vpc",
            cidr_block=str(plan.network),
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=plan.tags.tags(name=plan.name),
            opts=self.child(stateful=True),
        )
        self.vpc_id = vpc.id
        aws.ec2.DefaultSecurityGroup(
            "default",
            vpc_id=vpc.id,
            ingress=[],
            egress=[],
            tags=plan.tags.tags(name=f"{plan.name}-default-unused"),
            opts=self.child(),
        )
        self.gateway = aws.ec2.InternetGateway(
            "gateway", vpc_id=vpc.id, tags=plan.tags.tags(name=plan.name), opts=self.child()
        )
        self.subnet_ids = {
            role: {
                one.availability_zone: self._subnet(plan, vpc, one.name, one.availability_zone, str(one.cidr)).id
                for one in plan.subnets_for(role)
            }
            for role in SubnetRole
        }
        workloads = aws.ec2.SecurityGroup(
            "workloads",
            name=f"{plan.name}-workloads",
            description="The nodes of the cluster and the pods on them",
            vpc_id=vpc.id,
            tags=plan.tags.tags(name=f"{plan.name}-workloads"),
            opts=self.child(),
        )
        self.workloads_id = workloads.id
        self._flow_logs(plan, vpc, args.telemetry_key_arn)
        self.register_outputs({"vpcId": self.vpc_id, "workloadsId": self.workloads_id})

    def ids(self, role: SubnetRole) -> list[pulumi.Output[str]]:
        """The subnets of a role, in the order of their zones."""
        return list(self.subnet_ids[role].values())

    def _subnet(self, plan: CellPlan, vpc: aws.ec2.Vpc, name: str, zone: str, cidr: str) -> aws.ec2.Subnet:
        return aws.ec2.Subnet(
            name,
            vpc_id=vpc.id,
            availability_zone=zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags=plan.tags.tags(name=f"{plan.name}-{name}"),
            opts=self.child(),
        )

    def _flow_logs(self, plan: CellPlan, vpc: aws.ec2.Vpc, key_arn: pulumi.Input[str]) -> None:
        group = make_log_group(self, "flow-logs", plan, f"/domicile/{plan.name}/flow", key_arn)
        policy = group.arn.apply(lambda arn: render(flow_log_policy(arn)))
        role = make_role(self, plan, RolePurpose.FLOW_LOGS, policy)
        aws.ec2.FlowLog(
            "flow-logs",
            vpc_id=vpc.id,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,
            tags=plan.tags.tags(),
            opts=self.child(after=role.ready),
        )
