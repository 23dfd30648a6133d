"""The scan can fail: each of these was sound, is broken in one place, and is found there."""

import json
from dataclasses import replace

import pytest

from tests.scan.conftest import changed
from tests.scan.findings import Scan, scan, settle
from tests.scan.resource import Stack
from tests.scan.waivers import read_waivers

ANYONE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}

FAULTS = {
    "a bucket that may be made public": (
        "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock::documents",
        {"blockPublicPolicy": False, "restrictPublicBuckets": False},
        {"CKV_AWS_54", "CKV_AWS_56"},
    ),
    "a bucket whose policy admits everybody": (
        "aws:s3/bucketPolicy:BucketPolicy::documents",
        {"policy": json.dumps(ANYONE)},
        {"CKV_AWS_70"},
    ),
    "an unencrypted database": (
        "aws:rds/cluster:Cluster::database",
        {"storageEncrypted": False, "kmsKeyId": None},
        {"CKV_AWS_96", "CKV_AWS_327"},
    ),
    "a database that the internet reaches": (
        "aws:rds/clusterInstance:ClusterInstance::instance-0",
        {"publiclyAccessible": True},
        {"CKV_AWS_17"},
    ),
    "a security group open to SSH from anywhere": (
        "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule::database-from-workloads",
        {"referencedSecurityGroupId": None, "cidrIpv4": "0.0.0.0/0", "fromPort": 22, "toPort": 22},
        {"CKV_AWS_24"},
    ),
    "a cache without encryption": (
        "aws:elasticache/replicationGroup:ReplicationGroup::cache",
        {"atRestEncryptionEnabled": False, "transitEncryptionEnabled": False, "kmsKeyId": None},
        {"CKV_AWS_29", "CKV_AWS_30", "CKV_AWS_191"},
    ),
    "a key that everybody may use": (
        "aws:kms/key:Key::data",
        {"policy": json.dumps(ANYONE), "enableKeyRotation": False},
        {"CKV_AWS_33", "CKV_AWS_7"},
    ),
    "nodes that give their role to any pod": (
        "aws:ec2/launchTemplate:LaunchTemplate::nodes",
        {"metadataOptions": {"httpEndpoint": "enabled", "httpTokens": "optional"}},
        {"CKV_AWS_79"},
    ),
    "a web firewall that does not log": (
        "aws:wafv2/webAclLoggingConfiguration:WebAclLoggingConfiguration::firewall",
        None,
        {"CKV2_AWS_31"},
    ),
    "a network without a flow log": ("aws:ec2/flowLog:FlowLog::flow-logs", None, {"CKV2_AWS_11"}),
    "a container that may become root": (
        "kubernetes:apps/v1:Deployment::domicile-system/domicile-operator",
        "privileged",
        {"CKV_K8S_16", "CKV_K8S_20"},
    ),
}
"""What is wrong: the resource, its inputs (None: the resource is left out), the checks that find it."""


def broken(cell: Stack) -> Stack:
    for title, change, _ in FAULTS.values():
        if change is None:
            kept = tuple(one for one in cell.resources if one.title != title)
            assert len(kept) == len(cell.resources) - 1, title
            cell = replace(cell, resources=kept)
        elif change == "privileged":
            cell = changed(cell, title, _privileged)
        else:
            cell = changed(cell, title, lambda inputs, change=change: inputs | change)
    return cell


def _privileged(inputs: dict) -> dict:
    inputs = json.loads(json.dumps(inputs))
    context = {"privileged": True, "allowPrivilegeEscalation": True}
    inputs["spec"]["template"]["spec"]["containers"][0]["securityContext"] = context
    return inputs


@pytest.fixture(scope="module")
def found(cell: Stack) -> Scan:
    """One scan with every fault in it, for a scan takes seconds."""
    return scan([broken(cell)])


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_where_it_is_and_no_waiver_covers_it(fault: str, found: Scan) -> None:
    title, change, checks = FAULTS[fault]
    left = settle(found.findings, read_waivers()).open
    here = {one.check for one in left if change is None or one.subject.title == title}
    assert checks <= here
    assert all(one.text for one in left)


def test_a_finding_names_our_file_and_the_line_that_makes_the_resource(found: Scan) -> None:
    places = {one.subject.title: one.subject.at for one in found.findings}
    file, _, line = places["aws:rds/cluster:Cluster::database"].partition(":")
    assert file == "infra/src/domicile_infra/cell/database.py"
    assert int(line) > 0
