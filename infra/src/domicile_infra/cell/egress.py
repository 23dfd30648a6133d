"""The way out of a cell: private subnets, the firewall of their zone, a NAT gateway, the internet gateway.

And the way back: a NAT gateway's subnet reaches the private one through the same firewall, which else would see half
of every connection and drop the rest. Data subnets have no way out, and load balancers reach their targets directly.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pulumi
import pulumi_aws as aws

from domicile_infra.cell.component import CellComponent
from domicile_infra.cell.logs import make_log_group
from domicile_infra.cell.network import Network
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.cidr import SubnetRole, zone_letter
from domicile_infra.plan.egress import NO_DATAGRAMS
from domicile_infra.plan.errors import PlanError

ANYWHERE = "0.0.0.0/0"
CAPACITY = 200
"""Of a rule group, in rules; it cannot be changed afterwards, and a domain takes one."""


@dataclass(frozen=True)
class EgressArgs:
    """`telemetry_key_arn` closes the firewall's logs."""

    plan: CellPlan
    network: Network
    telemetry_key_arn: pulumi.Input[str]


class Egress(CellComponent):
    """`route_tables` by role; those of private subnets by zone."""

    firewall_arn: pulumi.Output[str]
    firewall_name: str
    nat_gateway_ids: Mapping[str, pulumi.Output[str]]
    addresses: Mapping[str, pulumi.Output[str]]
    private_route_tables: Mapping[str, pulumi.Output[str]]
    data_route_table: pulumi.Output[str]

    def __init__(self, name: str, args: EgressArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        self._plan, self._network = args.plan, args.network
        firewall = self._firewall(args.telemetry_key_arn)
        self.firewall_arn, self.firewall_name = firewall.arn, args.plan.name
        self._endpoints = {
            zone: firewall.firewall_statuses.apply(partial(endpoint_in, zone)) for zone in args.plan.availability_zones
        }
        gateways = {zone: self._gateway(zone) for zone in args.plan.availability_zones}
        self.nat_gateway_ids = {zone: gateway.id for zone, gateway in gateways.items()}
        self.addresses = {zone: gateway.public_ip for zone, gateway in gateways.items()}
        self.private_route_tables = {zone: self._routes(zone) for zone in args.plan.availability_zones}
        edge = self._table("edge", SubnetRole.EDGE, args.plan.availability_zones)
        self._route("edge-out", edge, ANYWHERE, gateway_id=self._network.gateway.id)
        self.data_route_table = self._table("data", SubnetRole.DATA, args.plan.availability_zones).id
        self.register_outputs({"firewallArn": self.firewall_arn})

    def _firewall(self, key_arn: pulumi.Input[str]) -> aws.networkfirewall.Firewall:
        plan = self._plan
        groups = [self._datagrams()]
        if plan.egress_hosts:
            groups.append(self._hosts(plan.egress_hosts))
        policy = aws.networkfirewall.FirewallPolicy(
            "policy",
            name=f"{plan.name}-egress",
            firewall_policy={
                "stateless_default_actions": ["aws:forward_to_sfe"],
                "stateless_fragment_default_actions": ["aws:forward_to_sfe"],
                "stateful_engine_options": {"rule_order": "STRICT_ORDER", "stream_exception_policy": "DROP"},
                # A handshake passes, or nobody would see the name that it asks for; what follows it does not.
                "stateful_default_actions": ["aws:drop_established", "aws:alert_established"],
                "stateful_rule_group_references": [
                    {"priority": at, "resource_arn": group.arn} for at, group in enumerate(groups, start=1)
                ],
            },
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        firewall = aws.networkfirewall.Firewall(
            "firewall",
            name=plan.name,
            firewall_policy_arn=policy.arn,
            vpc_id=self._network.vpc_id,
            subnet_mappings=[{"subnet_id": one} for one in self._network.ids(SubnetRole.FIREWALL)],
            delete_protection=plan.production,
            subnet_change_protection=plan.production,
            tags=plan.tags.tags(name=plan.name),
            opts=self.child(),
        )
        logs = {
            kind: make_log_group(self, f"firewall-{kind}", plan, f"/domicile/{plan.name}/firewall/{kind}", key_arn)
            for kind in ("alert", "flow")
        }
        aws.networkfirewall.LoggingConfiguration(
            "logging",
            firewall_arn=firewall.arn,
            logging_configuration={
                "log_destination_configs": [
                    {
                        "log_destination": {"logGroup": group.name},
                        "log_destination_type": "CloudWatchLogs",
                        "log_type": kind.upper(),
                    }
                    for kind, group in logs.items()
                ]
            },
            opts=self.child(),
        )
        return firewall

    def _datagrams(self) -> aws.networkfirewall.RuleGroup:
        return self._rules("no-datagrams", {"rules_string": NO_DATAGRAMS})

    def _hosts(self, hosts: Sequence[str]) -> aws.networkfirewall.RuleGroup:
        listed: aws.networkfirewall.RuleGroupRuleGroupRulesSourceRulesSourceListArgsDict = {
            "generated_rules_type": "ALLOWLIST",
            "target_types": ["TLS_SNI"],
            "targets": list(hosts),
        }
        return self._rules("hosts", {"rules_source_list": listed})

    def _rules(
        self, name: str, source: aws.networkfirewall.RuleGroupRuleGroupRulesSourceArgsDict
    ) -> aws.networkfirewall.RuleGroup:
        plan = self._plan
        return aws.networkfirewall.RuleGroup(
            name,
            name=f"{plan.name}-{name}",
            type="STATEFUL",
            capacity=CAPACITY,
            rule_group={"rules_source": source, "stateful_rule_options": {"rule_order": "STRICT_ORDER"}},
            tags=plan.tags.tags(),
            opts=self.child(),
        )

    def _gateway(self, zone: str) -> aws.ec2.NatGateway:
        plan, name = self._plan, f"nat-{zone_letter(zone)}"
        address = aws.ec2.Eip(name, domain="vpc", tags=plan.tags.tags(name=f"{plan.name}-{name}"), opts=self.child())
        return aws.ec2.NatGateway(
            name,
            allocation_id=address.allocation_id,
            subnet_id=self._network.subnet_ids[SubnetRole.EGRESS][zone],
            tags=plan.tags.tags(name=f"{plan.name}-{name}"),
            opts=self.child(after=[self._network.gateway]),
        )

    def _routes(self, zone: str) -> pulumi.Output[str]:
        """One zone's chain. Gives the private subnet's route table."""
        letter, endpoint = zone_letter(zone), self._endpoints[zone]
        private = self._table(f"private-{letter}", SubnetRole.PRIVATE, [zone])
        inspected = self._table(f"firewall-{letter}", SubnetRole.FIREWALL, [zone])
        egress = self._table(f"egress-{letter}", SubnetRole.EGRESS, [zone])
        self._route(f"private-{letter}-out", private, ANYWHERE, vpc_endpoint_id=endpoint)
        self._route(f"firewall-{letter}-out", inspected, ANYWHERE, nat_gateway_id=self.nat_gateway_ids[zone])
        self._route(f"egress-{letter}-out", egress, ANYWHERE, gateway_id=self._network.gateway.id)
        # More exact than the network's own route, which AWS allows for a whole subnet and this kind of target.
        (back,) = (one for one in self._plan.subnets_for(SubnetRole.PRIVATE) if one.availability_zone == zone)
        self._route(f"egress-{letter}-back", egress, str(back.cidr), vpc_endpoint_id=endpoint)
        return private.id

    def _table(self, name: str, role: SubnetRole, zones: Sequence[str]) -> aws.ec2.RouteTable:
        plan = self._plan
        table = aws.ec2.RouteTable(
            name,
            vpc_id=self._network.vpc_id,
            tags=plan.tags.tags(name=f"{plan.name}-{name}"),
            opts=self.child(),
        )
        for zone in zones:
            aws.ec2.RouteTableAssociation(
                f"{role}-{zone_letter(zone)}",
                route_table_id=table.id,
                subnet_id=self._network.subnet_ids[role][zone],
                opts=self.child(),
            )
        return table

    def _route(self, name: str, table: aws.ec2.RouteTable, to: str, **target: pulumi.Input[str]) -> None:
        aws.ec2.Route(name, route_table_id=table.id, destination_cidr_block=to, opts=self.child(), **target)


def endpoint_in(zone: str, statuses: Sequence[Any]) -> str:
    """The id of the firewall's endpoint in a zone, out of its `firewall_statuses`. Raises PlanError without one."""
    for status in statuses:
        for state in status.sync_states:
            if state.availability_zone == zone and state.attachments:
                return str(state.attachments[0].endpoint_id)
    raise PlanError(
        f"The firewall has no endpoint in {zone}, and a private subnet there would have no way out. Look at the "
        "firewall's status in AWS, and run `pulumi up` again when it is READY."
    )
