"""The rules on a real preview with faults planted in it, and approvals with the real engine."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.cloud.world import GB, Up, World

Inputs = dict[str, Any]
AWAY = "999999999999"
EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


def set_to(**given: Any) -> Callable[[Inputs], None]:
    return lambda inputs: inputs.update(given)


def first_rule(**given: Any) -> Callable[[Inputs], None]:
    def plant(inputs: Inputs) -> None:
        inputs["ingress"] = [{"protocol": "tcp", "fromPort": 22, "toPort": 22} | given]

    return plant


def document(**more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [EVERYBODY | more]})


LOGS = f"arn:aws:logs:eu-west-2:{AWAY}:log-group:theirs"
# By which rule, in which resource, what is planted.
FAULTS: list[tuple[str, str, Callable[[Inputs], None]]] = [
    ("delivery-own", "aws:ec2/flowLog:FlowLog", set_to(logDestination=LOGS)),
    ("delivery-own", "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration",
     set_to(logDestinationConfigs=[LOGS])),
    ("delivery-own", "aws:lb/loadBalancer:LoadBalancer", set_to(accessLogs={"bucket": "theirs", "enabled": True})),
    ("delivery-own", "aws:networkfirewall/loggingConfiguration:LoggingConfiguration",
     set_to(loggingConfiguration={"logDestinationConfigs": [{"logDestination": {"bucketName": "theirs"}}]})),
    ("delivery-own", "aws:s3/bucketLogging:BucketLogging", set_to(targetBucket="theirs")),
    ("place-lawful", "aws:ec2/flowLog:FlowLog", set_to(logDestination=LOGS.replace("eu-west-2", "us-east-1"))),
    ("place-lawful", "aws:s3/bucketLogging:BucketLogging", set_to(region="us-east-1")),
    ("ingress-edge-only", "aws:ec2/securityGroup:SecurityGroup", first_rule(cidrBlocks=["0.0.0.0/1", "128.0.0.0/1"])),
    ("ingress-edge-only", "aws:ec2/securityGroup:SecurityGroup", first_rule(ipv6CidrBlocks=["::/1"])),
    ("ingress-by-parts", "aws:ec2/securityGroup:SecurityGroup", first_rule(prefixListIds=["pl-12345678"])),
    ("cluster-endpoint-private", "aws:eks/cluster:Cluster",
     lambda inputs: inputs["vpcConfig"].update(endpointPublicAccess=True, publicAccessCidrs=["0.0.0.0/1"])),
    ("iam-no-admin", "aws:iam/role:Role", set_to(managedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"])),
    ("iam-no-admin", "aws:iam/role:Role", set_to(inlinePolicies=[{"name": "all", "policy": document()}])),
    ("not-public", "aws:kms/key:Key",
     set_to(policy=document(Condition={"StringLike": {"aws:PrincipalArn": "*"}}))),
    ("not-public", "aws:s3/bucketPolicy:BucketPolicy",
     set_to(policy=document(Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}))),
]  # fmt: skip


@pytest.fixture(scope="module")
def preview(world: World, cell: Up) -> dict[str, Any]:
    """What the engine says of the cell, of all that stays as well."""
    told = world.pulumi(GB, "preview", "--json", "--show-sames")
    found: dict[str, Any] = json.loads(told[told.index("{") :])
    return found


def check(world: World, preview: dict[str, Any], *, fails: bool = False) -> list[dict[str, Any]]:
    """What stops a plan, by `domicile check`."""
    path = world.folder / "planted.json"
    path.write_text(json.dumps(preview))
    told = json.loads(world.domicile("check", str(path), "--json", fails=fails))
    return [one for one in told["findings"] if one["stops"]]


def test_a_preview_of_what_was_built_is_clean(world: World, preview: dict[str, Any]) -> None:
    assert check(world, preview) == []


@pytest.mark.parametrize(("rule", "kind", "plant"), FAULTS, ids=[f"{at}-{one[0]}" for at, one in enumerate(FAULTS)])
def test_a_planted_fault_is_found_by_its_rule_at_its_resource(
    world: World, preview: dict[str, Any], rule: str, kind: str, plant: Callable[[Inputs], None]
) -> None:
    planted = copy.deepcopy(preview)
    step = next(one for one in planted["steps"] if one.get("newState", {}).get("type") == kind)
    plant(step["newState"]["inputs"])
    found = check(world, planted, fails=True)
    assert (rule, step["urn"]) in {(one["rule"], one["urn"]) for one in found}
    assert {one["urn"] for one in found} == {step["urn"]}


@pytest.fixture
def lasting(world: World, cell: Up) -> Any:
    """The environment as one that keeps what it has, until the test is over."""
    before = world.environment_file.read_text()
    world.edit("disposable: true\n", "")
    world.up(GB)
    yield
    world.environment_file.write_text(before)
    world.up(GB)


def test_what_holds_data_goes_with_an_approval_alone_whoever_runs_the_engine(world: World, lasting: Any) -> None:
    zone = next(one for one in world.resources(GB) if one["type"] == "aws:route53/zone:Zone")
    assert zone["protect"] and zone["resourceHooks"] == {"BeforeDelete": ["domicile-approved"]}
    world.pulumi(GB, "state", "unprotect", zone["urn"], "--yes")
    world.edit("baseDomain: gb.acme.example", "baseDomain: gb2.acme.example")
    refused = world.pulumi(GB, "preview", fails=True)
    assert "zone: aws:route53/zone:Zone is kept, and nobody has approved it" in refused
    assert "nobody has approved it" in world.domicile("up", "--stack", GB, "--yes", "--no-policies", fails=True)
    assert "is not disposable" in world.domicile("up", "--stack", GB, "--yes", "--skip-preview", fails=True)
    assert "zone: would delete" in world.domicile("destroy", "--stack", GB, "--yes", fails=True)
    assert "--run-program" in world.pulumi(GB, "destroy", "--yes", "--skip-preview", fails=True)
    approval = f"{{stack: {GB}, resource: zone, action: replace, reason: the domain changes, by: dpo@acme.example, "
    with world.environment_file.open("a") as file:
        file.write(f"approvals:\n  - {approval}until: 2999-12-31}}\n")
    told = world.pulumi(GB, "preview")
    assert "replace" in told and "nobody has approved it" not in told
