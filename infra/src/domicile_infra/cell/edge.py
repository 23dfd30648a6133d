"""The cell's front door: one load balancer on 443, and the pods of the ingress controller behind it."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from domicile_infra.cell.cluster import Cluster, associate
from domicile_infra.cell.component import CellComponent
from domicile_infra.cell.dns import Dns
from domicile_infra.cell.network import Network
from domicile_infra.cell.object_store import ObjectStore
from domicile_infra.cell.roles import make_role
from domicile_infra.plan.buckets import ACCESS_LOGS
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.cidr import SubnetRole
from domicile_infra.plan.documents import render
from domicile_infra.plan.documents.roles import RolePurpose, targets_policy
from domicile_infra.plan.names import LOAD_BALANCER, fit

TLS = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
"""TLS 1.3, and 1.2 with forward secrecy and authenticated ciphers alone."""
INGRESS_PORT, HEALTH = 8443, "/kube-system/healthz"
"""Where the ingress controller's pods answer, with TLS, and the path that says that they are well (Skipper's)."""


@dataclass(frozen=True)
class EdgeArgs:
    """What the front door stands in, writes its log to, and leads to."""

    plan: CellPlan
    network: Network
    object_store: ObjectStore
    dns: Dns
    cluster: Cluster


class Edge(CellComponent):
    """`load_balancer_arn` and the metrics' dimensions of the two, `dimensions`."""

    load_balancer_arn: pulumi.Output[str]
    load_balancer_name: str
    target_group_arn: pulumi.Output[str]
    dimension: pulumi.Output[str]
    target_dimension: pulumi.Output[str]
    dns_name: pulumi.Output[str]

    def __init__(self, name: str, args: EdgeArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan = args.plan
        self.load_balancer_name = fit(f"{plan.name}-edge", LOAD_BALANCER)
        group = self._group(args)
        balancer = aws.lb.LoadBalancer(
            "edge",
            name=self.load_balancer_name,
            load_balancer_type="application",
            internal=False,
            ip_address_type="ipv4",
            subnets=args.network.ids(SubnetRole.EDGE),
            security_groups=[group],
            drop_invalid_header_fields=True,
            desync_mitigation_mode="strictest",
            enable_http2=True,
            enable_deletion_protection=plan.production,
            access_logs={
                "bucket": args.object_store.names[ACCESS_LOGS],
                "prefix": self.load_balancer_name,
                "enabled": True,
            },
            tags=plan.tags.tags(),
            opts=self.child(after=[args.object_store.ready_for_logs]),
        )
        targets = aws.lb.TargetGroup(
            "ingress",
            name=fit(f"{plan.name}-ingress", LOAD_BALANCER),
            vpc_id=args.network.vpc_id,
            target_type="ip",
            port=INGRESS_PORT,
            protocol="HTTPS",
            protocol_version="HTTP1",
            deregistration_delay=30,
            load_balancing_algorithm_type="least_outstanding_requests",
            health_check={
                "protocol": "HTTPS",
                "path": HEALTH,
                "matcher": "200",
                "interval": 10,
                "timeout": 5,
                "healthy_threshold": 2,
                "unhealthy_threshold": 2,
            },
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        self.load_balancer_arn, self.target_group_arn = balancer.arn, targets.arn
        self.dimension, self.target_dimension = balancer.arn_suffix, targets.arn_suffix
        self.dns_name = balancer.dns_name
        if args.dns.certificate_arn is not None:
            aws.lb.Listener(
                "https",
                load_balancer_arn=balancer.arn,
                port=443,
                protocol="HTTPS",
                ssl_policy=TLS,
                certificate_arn=args.dns.certificate_arn,
                default_actions=[{"type": "forward", "target_group_arn": targets.arn}],
                routing_http_response_strict_transport_security_header_value="max-age=31536000",
                routing_http_response_server_enabled=False,
                tags=plan.tags.tags(),
                opts=self.child(),
            )
        aws.route53.Record(
            "tenants",
            zone_id=args.dns.zone_id,
            name=f"*.{plan.base_domain}",
            type="A",
            aliases=[{"name": balancer.dns_name, "zone_id": balancer.zone_id, "evaluate_target_health": True}],
            opts=self.child(),
        )
        role = make_role(self, plan, RolePurpose.TARGETS, targets.arn.apply(lambda arn: render(targets_policy(arn))))
        associate(self, plan, args.cluster.name, RolePurpose.TARGETS, role)
        self.register_outputs({"dnsName": self.dns_name, "targetGroupArn": self.target_group_arn})

    def _group(self, args: EdgeArgs) -> pulumi.Output[str]:
        """Players come from anywhere, to one port; from here it is the ingress controller and nothing else."""
        plan, network = args.plan, args.network
        group = aws.ec2.SecurityGroup(
            "edge",
            name=f"{plan.name}-edge",
            description="The load balancer",
            vpc_id=network.vpc_id,
            tags=plan.tags.tags(name=f"{plan.name}-edge"),
            opts=self.child(),
        )
        aws.vpc.SecurityGroupIngressRule(
            "edge-from-players",
            security_group_id=group.id,
            description="HTTPS from players",
            cidr_ipv4="0.0.0.0/0",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        aws.vpc.SecurityGroupEgressRule(
            "edge-to-ingress",
            security_group_id=group.id,
            referenced_security_group_id=network.workloads_id,
            description="To the ingress controller",
            ip_protocol="tcp",
            from_port=INGRESS_PORT,
            to_port=INGRESS_PORT,
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        aws.vpc.SecurityGroupIngressRule(
            "ingress-from-edge",
            security_group_id=network.workloads_id,
            referenced_security_group_id=group.id,
            description="From the load balancer to the ingress controller",
            ip_protocol="tcp",
            from_port=INGRESS_PORT,
            to_port=INGRESS_PORT,
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        return group.id
