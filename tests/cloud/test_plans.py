"""The rules on a real preview with faults planted in it, and approvals with the real engine."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from domicile_catalog import Fault, load_catalogue
from domicile_catalog.environment import read_environment
from domicile_policies.plan import check_plan, facts_of_stack, read_preview
from domicile_policies.plan.load import read_waivers

from tests.cloud.world import GB, ROOT, Up, World

WAIVERS = ROOT / "policies" / "pack" / "waivers.yaml"

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
    ("not-public", "aws:sns/topicPolicy:TopicPolicy",
     set_to(policy=document(Condition={"StringEqualsIfExists": {"aws:PrincipalOrgID": "o-1"}}))),
]  # fmt: skip


@pytest.fixture(scope="module")
def preview(world: World, cell: Up) -> dict[str, Any]:
    """What the engine says of the cell, of all that stays as well."""
    told = world.pulumi(GB, "preview", "--json", "--show-sames")
    found: dict[str, Any] = json.loads(told[told.index("{") :])
    return found


def check(world: World, preview: dict[str, Any], *, fails: bool) -> set[str]:
    """The rules that stop a plan, by `domicile check`."""
    path = world.folder / "planted.json"
    path.write_text(json.dumps(preview))
    told = json.loads(world.domicile("check", str(path), "--json", fails=fails))
    return {one["rule"] for one in told["findings"] if one["stops"]}


def found_in(world: World, preview: dict[str, Any]) -> set[tuple[str, str]]:
    """What stops a plan: the rules and the resources, by the same reading as the command's, without its start."""
    faults: list[Fault] = []
    environment = read_environment(world.environment_file.parent, faults)
    assert environment is not None and not faults
    today = datetime.now(UTC).date()
    facts = facts_of_stack(environment, GB, load_catalogue(), today, waivers=read_waivers(WAIVERS))
    return {(one.rule.id, one.urn) for one in check_plan(read_preview(json.dumps(preview)), facts) if one.stops}


def planted_in(preview: dict[str, Any], kind: str, plant: Callable[[Inputs], None]) -> str:
    """Plant a fault in the first resource of a type; its URN."""
    step = next(one for one in preview["steps"] if one.get("newState", {}).get("type") == kind)
    plant(step["newState"]["inputs"])
    urn: str = step["urn"]
    return urn


def test_a_preview_of_what_was_built_is_clean_and_one_with_every_fault_is_stopped_by_every_rule(
    world: World, preview: dict[str, Any]
) -> None:
    assert check(world, preview, fails=False) == set()
    planted = copy.deepcopy(preview)
    for _, kind, plant in FAULTS:
        planted_in(planted, kind, plant)
    assert check(world, planted, fails=True) >= {rule for rule, _, _ in FAULTS} - {"ingress-edge-only"}


@pytest.mark.parametrize(("rule", "kind", "plant"), FAULTS, ids=[f"{at}-{one[0]}" for at, one in enumerate(FAULTS)])
def test_a_planted_fault_is_found_by_its_rule_at_its_resource(
    world: World, preview: dict[str, Any], rule: str, kind: str, plant: Callable[[Inputs], None]
) -> None:
    planted = copy.deepcopy(preview)
    urn = planted_in(planted, kind, plant)
    found = found_in(world, planted)
    assert (rule, urn) in found and {one for _, one in found} == {urn}


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

    def refusal(*arguments: str) -> str:
        # For people it is wrapped at the terminal's width.
        return " ".join(world.domicile(*arguments, "--stack", GB, "--yes", fails=True).split())

    assert "nobody has approved it" in refusal("up", "--no-policies")
    assert "is not disposable" in refusal("up", "--skip-preview")
    assert "zone: would delete" in refusal("destroy")
    assert "--run-program" in world.pulumi(GB, "destroy", "--yes", "--skip-preview", fails=True)
    approval = f"{{stack: {GB}, resource: zone, action: replace, reason: the domain changes, by: dpo@acme.example, "
    with world.environment_file.open("a") as file:
        file.write(f"approvals:\n  - {approval}until: 2999-12-31}}\n")
    told = world.pulumi(GB, "preview")
    assert "replace" in told and "nobody has approved it" not in told
