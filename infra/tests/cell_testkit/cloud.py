"""A stand-in for the engine: what a program registered, with which options, and the answers of a cloud."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pulumi
import pulumi_aws as aws
from domicile_infra.cell.stack import build_cell, export
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.manifests import Manifest, read_manifests
from program_testkit import Monitor, Registered, engine
from pulumi.runtime import mocks

from cell_testkit import plan

DEPLOY = Path(__file__).parents[3] / "operators" / "deploy"


def manifests() -> list[Manifest]:
    """What a cell's stack puts into its cluster, before it knows the cell."""
    return [*read_manifests(DEPLOY), *read_manifests(DEPLOY / "aws")]


def id_of(one: Registered | mocks.MockResourceArgs) -> str:
    """The id that the stand-in gives a resource."""
    kind = one.type if isinstance(one, Registered) else one.typ
    return f"id-{kind.rsplit(':', 1)[-1]}-{one.name}"


@dataclass
class Cloud(mocks.Mocks):
    """Answers as a cloud would that took every call. `zones` are the availability zones of its firewalls."""

    zones: tuple[str, ...]
    account: str = "111122223333"
    resources: list[Registered] = field(default_factory=list, repr=False)
    exports: dict[str, Any] = field(default_factory=dict, repr=False)

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError(f"the program asks the cloud {args.token}: a plan has everything")

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        kind = args.typ.rsplit(":", 1)[-1]
        state = {**args.inputs, "arn": f"arn:aws:x:eu-west-2:{self.account}:{kind}/{args.name}"}
        return id_of(args), {**state, **_ANSWERS.get(args.typ, lambda one, _: {})(args, self)}

    def of(self, kind: str) -> list[Registered]:
        """The registered resources of a type, by the last part of its token; components are none."""
        return [one for one in self.resources if one.custom and one.type.rsplit(":", 1)[-1] == kind]

    def one(self, kind: str, name: str) -> Registered:
        """The one resource of that type and name."""
        (found,) = (one for one in self.of(kind) if one.name == name)
        return found


Answer = Callable[[mocks.MockResourceArgs, Cloud], dict[str, Any]]


def _firewall(args: mocks.MockResourceArgs, cloud: Cloud) -> dict[str, Any]:
    subnets = [one["subnetId"] for one in args.inputs["subnetMappings"]]
    states = [
        {"availabilityZone": zone, "attachments": [{"endpointId": f"vpce-{zone}", "subnetId": subnet}]}
        for zone, subnet in zip(cloud.zones, subnets, strict=True)
    ]
    return {"firewallStatuses": [{"syncStates": states}]}


_ANSWERS: Mapping[str, Answer] = {
    "aws:networkfirewall/firewall:Firewall": _firewall,
    "aws:kms/key:Key": lambda one, _: {"keyId": f"key-{one.name}"},
    "aws:ec2/eip:Eip": lambda one, _: {"allocationId": f"eipalloc-{one.name}"},
    "aws:ec2/natGateway:NatGateway": lambda one, _: {"publicIp": "192.0.2.1"},
    "aws:ec2/launchTemplate:LaunchTemplate": lambda one, _: {"latestVersion": 1},
    "aws:rds/cluster:Cluster": lambda one, _: {
        "endpoint": "writer.db.example",
        "readerEndpoint": "reader.db.example",
        "masterUserSecrets": [{"secretArn": "arn:secret"}],
    },
    "aws:elasticache/replicationGroup:ReplicationGroup": lambda one, _: {
        "primaryEndpointAddress": "primary.cache.example",
        "readerEndpointAddress": "reader.cache.example",
    },
    "aws:ecr/repository:Repository": lambda one, _: {
        "repositoryUrl": f"111122223333.dkr.ecr.eu-west-2.amazonaws.com/{one.inputs['name']}"
    },
    "aws:eks/cluster:Cluster": lambda one, _: {
        "endpoint": "https://api.example",
        "certificateAuthority": {"data": "Q0E="},
        "identities": [{"oidcs": [{"issuer": "https://oidc.example/1"}]}],
        "vpcConfig": {**one.inputs["vpcConfig"], "clusterSecurityGroupId": "sg-cluster"},
    },
    "aws:route53/zone:Zone": lambda one, _: {"zoneId": "Z1", "nameServers": ["ns1.example", "ns2.example"]},
    "aws:route53/record:Record": lambda one, _: {"fqdn": one.inputs["name"]},
    "aws:acm/certificate:Certificate": lambda one, _: {
        "domainValidationOptions": [
            {
                "domainName": one.inputs["domainName"],
                "resourceRecordName": "_x.example",
                "resourceRecordType": "CNAME",
                "resourceRecordValue": "_y.example",
            }
        ]
    },
    "aws:lb/loadBalancer:LoadBalancer": lambda one, _: {
        "arnSuffix": "app/edge/1",
        "dnsName": "edge.elb.example",
        "zoneId": "ZELB",
    },
    "aws:lb/targetGroup:TargetGroup": lambda one, _: {"arnSuffix": "targetgroup/ingress/1"},
}


def _exports(program: Callable[[], Any], cloud: Cloud) -> pulumi.Output[None]:
    """Run the program, and keep what it exports when all of it is known."""
    program()
    return pulumi.Output.all(**pulumi.runtime.get_root_resource().outputs).apply(cloud.exports.update)


def run(program: Callable[[], Any], zones: tuple[str, ...] = ("eu-west-2a", "eu-west-2b", "eu-west-2c")) -> Cloud:
    """Run a Pulumi program against the stand-in, to its end. Raises what the program raises."""
    cloud = Cloud(zones)
    with engine("north-live", cloud, Monitor(cloud, cloud.resources.append)):
        mocks.test(lambda: _exports(program, cloud))()
    return cloud


def cell_program(one: CellPlan, *, workloads: bool = True) -> Callable[[], None]:
    """The program of a cell's stack, as the project's own is: providers by name, and the exports."""

    def program() -> None:
        own = [one.account_id]
        provider = aws.Provider("cell", region=one.place, allowed_account_ids=own)
        elsewhere = one.backup_place != one.place
        backup = aws.Provider("backup-place", region=one.backup_place, allowed_account_ids=own) if elsewhere else None
        given = manifests() if workloads else None
        export(build_cell(one, provider, backup_provider=backup, manifests=given))

    return program


SOURCE = {"url": "https://git.example/t.git", "path": "environments/live"}


@cache
def whole() -> Cloud:
    """A production cell with everything that a cell may have, built once for all tests that only look at it."""
    return run(cell_program(plan(gitops=SOURCE)))


@cache
def bare() -> Cloud:
    """A cell that leaves out or turns round whatever it may: no production, no delegation, no workloads."""
    one = plan(
        production=False,
        name="a" * 32,
        baseDomain="a.casino.example",
        backupPlace="eu-west-1",
        paymentProviders=[],
        openbao=None,
        given={"delegated": False, "api_cidrs": ("198.51.100.0/24",)},
    )
    return run(cell_program(one, workloads=False))
