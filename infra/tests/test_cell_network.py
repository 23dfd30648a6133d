"""A cell's network, walked: every way out of a private subnet passes the firewall, and data has none."""

from collections.abc import Iterator
from ipaddress import ip_network

import pulumi
import pulumi_aws as aws
import pytest
from cell_testkit import plan
from cell_testkit.cloud import SOURCE, Cloud, bare, id_of, run, whole
from domicile_infra.cell.egress import Egress, EgressArgs, endpoint_in
from domicile_infra.cell.network import Network, NetworkArgs
from domicile_infra.plan.cidr import SubnetRole
from domicile_infra.plan.errors import PlanError

PLAN = plan(gitops=SOURCE)
ANYWHERE = "0.0.0.0/0"
INTERNET = "internet"


@pytest.fixture(scope="module")
def cloud() -> Cloud:
    return whole()


class Roads:
    """The routes of a network: from a subnet, what a packet to the internet meets, hop by hop."""

    def __init__(self, cloud: Cloud) -> None:
        self._subnets = {id_of(one): one.name for one in cloud.of("Subnet")}
        self._tables = {
            self._subnets[one.inputs["subnetId"]]: one.inputs["routeTableId"]
            for one in cloud.of("RouteTableAssociation")
        }
        self._routes = [one.inputs for one in cloud.of("Route")]
        self._stands = {id_of(one): self._subnets[one.inputs["subnetId"]] for one in cloud.of("NatGateway")}
        # The stand-in's firewall has its endpoint of a zone in the subnet that it was given for it.
        self._stands |= {f"vpce-{zone}": f"firewall-{zone[-1]}" for zone in PLAN.availability_zones}

    def targets(self, subnet: str, to: str) -> list[str]:
        """Where the subnet's route table sends what goes to exactly that network."""
        kinds = {"routeTableId", "destinationCidrBlock"}
        return [
            value
            for route in self._routes
            if route["routeTableId"] == self._tables[subnet] and route["destinationCidrBlock"] == to
            for key, value in route.items()
            if key not in kinds
        ]

    def out(self, subnet: str) -> Iterator[list[str]]:
        """Every way from the subnet to the internet, as what it passes."""
        for target in self.targets(subnet, ANYWHERE):
            if "InternetGateway" in target:
                yield [target]
            else:
                yield from ([target, *rest] for rest in self.out(self._stands[target]))


def test_every_way_out_of_a_private_subnet_passes_the_firewall_of_its_zone(cloud: Cloud) -> None:
    roads = Roads(cloud)
    for one in PLAN.subnets_for(SubnetRole.PRIVATE):
        letter = one.availability_zone[-1]
        (way,) = roads.out(one.name)
        assert way == [f"vpce-{one.availability_zone}", f"id-NatGateway-nat-{letter}", "id-InternetGateway-gateway"]


def test_the_way_back_passes_the_same_firewall(cloud: Cloud) -> None:
    roads = Roads(cloud)
    for one in PLAN.subnets_for(SubnetRole.PRIVATE):
        back = roads.targets(f"egress-{one.availability_zone[-1]}", str(one.cidr))
        assert back == [f"vpce-{one.availability_zone}"]


def test_data_subnets_have_no_way_out(cloud: Cloud) -> None:
    roads = Roads(cloud)
    for one in PLAN.subnets_for(SubnetRole.DATA):
        assert list(roads.out(one.name)) == []


def test_the_internet_gateway_is_next_to_load_balancers_and_nat_gateways_alone(cloud: Cloud) -> None:
    roads = Roads(cloud)
    near = {one.name for one in PLAN.subnets if any(len(way) == 1 for way in roads.out(one.name))}
    assert near == {one.name for role in (SubnetRole.EDGE, SubnetRole.EGRESS) for one in PLAN.subnets_for(role)}
    edge = {f"id-Subnet-{one.name}" for one in PLAN.subnets_for(SubnetRole.EDGE)}
    assert set(cloud.one("LoadBalancer", "edge").inputs["subnets"]) == edge


def test_only_the_inspected_chain_leads_anywhere(cloud: Cloud) -> None:
    leading = {one.name for one in cloud.of("Route") if one.inputs["destinationCidrBlock"] == ANYWHERE}
    chain = {f"{role}-{letter}-out" for role in ("private", "firewall", "egress") for letter in "abc"}
    assert leading == chain | {"edge-out"}


def test_every_subnet_has_one_route_table_and_gives_no_public_address(cloud: Cloud) -> None:
    assert len(cloud.of("Subnet")) == len(cloud.of("RouteTableAssociation")) == 15
    assert len({one.inputs["subnetId"] for one in cloud.of("RouteTableAssociation")}) == 15
    assert {one.inputs["mapPublicIpOnLaunch"] for one in cloud.of("Subnet")} == {False}


def test_stores_and_nodes_stand_where_they_belong(cloud: Cloud) -> None:
    data = {f"id-Subnet-{one.name}" for one in PLAN.subnets_for(SubnetRole.DATA)}
    private = {f"id-Subnet-{one.name}" for one in PLAN.subnets_for(SubnetRole.PRIVATE)}
    assert all(set(one.inputs["subnetIds"]) == data for one in cloud.of("SubnetGroup"))
    assert set(cloud.one("NodeGroup", "nodes").inputs["subnetIds"]) == private
    assert set(cloud.one("Cluster", "cluster").inputs["vpcConfig"]["subnetIds"]) == private


def test_what_is_open_to_the_world_is_443_of_the_edge(cloud: Cloud) -> None:
    rules = [one for kind in ("SecurityGroupIngressRule", "SecurityGroupEgressRule") for one in cloud.of(kind)]
    assert [one.name for one in rules if one.inputs.get("cidrIpv4") == ANYWHERE] == ["edge-from-players"]
    (open_to_all,) = (one.inputs for one in rules if one.inputs.get("cidrIpv4") == ANYWHERE)
    assert (open_to_all["fromPort"], open_to_all["toPort"], open_to_all["ipProtocol"]) == (443, 443, "tcp")
    assert cloud.of("DefaultSecurityGroup")[0].inputs["ingress"] == []


def test_stores_are_reached_from_the_workloads_alone(cloud: Cloud) -> None:
    for name, port in (("database-from-workloads", 5432), ("cache-from-workloads", 6379)):
        rule = cloud.one("SecurityGroupIngressRule", name).inputs
        assert rule["referencedSecurityGroupId"] == "id-SecurityGroup-workloads"
        assert (rule["fromPort"], rule["toPort"]) == (port, port)
    groups = {one.inputs["securityGroupId"] for one in cloud.of("SecurityGroupEgressRule")}
    assert groups == {"id-SecurityGroup-edge"}


def test_the_firewall_lets_named_hosts_pass_and_drops_the_rest(cloud: Cloud) -> None:
    policy = cloud.one("FirewallPolicy", "policy").inputs["firewallPolicy"]
    assert policy["statefulEngineOptions"]["ruleOrder"] == "STRICT_ORDER"
    assert "aws:drop_established" in policy["statefulDefaultActions"]
    assert policy["statelessDefaultActions"] == policy["statelessFragmentDefaultActions"] == ["aws:forward_to_sfe"]
    priorities = [one["priority"] for one in policy["statefulRuleGroupReferences"]]
    assert len(priorities) == len(set(priorities)) == 2
    listed = cloud.one("RuleGroup", "hosts").inputs["ruleGroup"]["rulesSource"]["rulesSourceList"]
    assert listed["targets"] == list(PLAN.egress_hosts) and listed["generatedRulesType"] == "ALLOWLIST"
    assert listed["targetTypes"] == ["TLS_SNI"]


def test_a_cell_that_calls_nobody_has_no_list_of_hosts() -> None:
    assert [one.name for one in bare().of("RuleGroup")] == ["no-datagrams"]


def egress_alone() -> None:
    options = pulumi.ResourceOptions(providers=[aws.Provider("cell", region=PLAN.place)])
    network = Network("network", NetworkArgs(PLAN, "arn:key"), options)
    Egress("egress", EgressArgs(PLAN, network, "arn:key"), options)


def test_a_zone_without_an_endpoint_of_the_firewall_stops_the_program() -> None:
    with pytest.raises(ValueError, match="no endpoint in eu-west-2c"):  # the engine wraps it
        run(egress_alone, zones=("eu-west-2a", "eu-west-2b", "eu-west-2d"))
    with pytest.raises(PlanError, match="no endpoint in x"):
        endpoint_in("x", [])


def test_every_endpoint_has_a_policy_and_private_names(cloud: Cloud) -> None:
    endpoints = cloud.of("VpcEndpoint")
    assert len(endpoints) >= 10 and all('"aws:ResourceOrgID"' in one.inputs["policy"] for one in endpoints)
    for one in endpoints:
        if one.inputs["vpcEndpointType"] == "Interface":
            assert one.inputs["privateDnsEnabled"] is True
        else:
            assert len(one.inputs["routeTableIds"]) == 4
    assert {one.inputs["serviceName"].split(".")[2] for one in endpoints} == {"eu-west-2"}


def test_all_traffic_is_written_down(cloud: Cloud) -> None:
    (log,) = cloud.of("FlowLog")
    assert log.inputs["trafficType"] == "ALL"
    kinds = cloud.one("LoggingConfiguration", "logging").inputs["loggingConfiguration"]["logDestinationConfigs"]
    assert {one["logType"] for one in kinds} == {"ALERT", "FLOW"}


def test_addresses_are_those_of_the_plan(cloud: Cloud) -> None:
    (vpc,) = cloud.of("Vpc")
    assert vpc.inputs["cidrBlock"] == str(PLAN.network)
    cut = [ip_network(one.inputs["cidrBlock"]) for one in cloud.of("Subnet")]
    assert sorted(cut) == sorted(one.cidr for one in PLAN.subnets)
