"""From a cell's own account, in the organisation that `pulumi up` built: what would carry data away is refused."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.world import BR, GB, Up, World

HOME, AWAY = "eu-west-2", "us-east-1"
BUCKET = {"LocationConstraint": AWAY.replace("east", "west")}
COPY = {"SourceSnapshotId": "snap-1", "SourceRegion": HOME}

# In which region, which service and call, with what, and which listing stays as it was.
LEAKS: list[tuple[str, str, str, dict[str, Any], str]] = [
    (AWAY, "ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}, "describe_vpcs"),
    (AWAY, "ec2", "copy_snapshot", COPY, "describe_snapshots"),
    (AWAY, "ec2", "copy_image", {"Name": "copied", "SourceImageId": "ami-1", "SourceRegion": HOME}, ""),
    (AWAY, "rds", "create_db_cluster",
     {"DBClusterIdentifier": "x", "Engine": "aurora-postgresql"}, "describe_db_clusters"),
    (AWAY, "rds", "copy_db_cluster_snapshot",
     {"SourceDBClusterSnapshotIdentifier": f"arn:aws:rds:{HOME}:1:cluster-snapshot:s",
      "TargetDBClusterSnapshotIdentifier": "t"},
     "describe_db_cluster_snapshots"),
    (AWAY, "rds", "create_db_cluster",
     {"DBClusterIdentifier": "x", "Engine": "aurora-postgresql", "GlobalClusterIdentifier": "g"},
     "describe_db_clusters"),
    (AWAY, "kms", "create_key", {}, "list_keys"),
    (HOME, "kms", "create_key", {"MultiRegion": True}, "list_keys"),
    (AWAY, "s3", "create_bucket", {"Bucket": "away-1"}, "list_buckets"),
    (HOME, "s3", "create_bucket", {"Bucket": "away-2", "CreateBucketConfiguration": BUCKET}, "list_buckets"),
    (AWAY, "dynamodb", "list_tables", {}, ""),
    (AWAY, "secretsmanager", "create_secret", {"Name": "x", "SecretString": "y"}, "list_secrets"),
    (HOME, "secretsmanager", "create_secret",
     {"Name": "x", "SecretString": "y", "AddReplicaRegions": [{"Region": AWAY}]}, "list_secrets"),
    (HOME, "ram", "create_resource_share", {"name": "x", "principals": ["999999999999"]}, ""),
    (HOME, "ec2", "modify_snapshot_attribute",
     {"SnapshotId": "snap-1", "Attribute": "createVolumePermission", "OperationType": "add",
      "UserIds": ["999999999999"]}, ""),
    (HOME, "rds", "modify_db_cluster_snapshot_attribute",
     {"DBClusterSnapshotIdentifier": "s", "AttributeName": "restore", "ValuesToAdd": ["all"]}, ""),
    (HOME, "backup", "start_copy_job",
     {"RecoveryPointArn": "r", "SourceBackupVaultName": "v", "IamRoleArn": "i",
      "DestinationBackupVaultArn": f"arn:aws:backup:{AWAY}:1:backup-vault:v"}, ""),
    (HOME, "ecr", "put_replication_configuration",
     {"replicationConfiguration": {"rules": [{"destinations": [{"region": AWAY, "registryId": "1" * 12}]}]}}, ""),
    (HOME, "organizations", "leave_organization", {}, ""),
    (HOME, "iam", "create_user", {"UserName": "somebody"}, "list_users"),
]  # fmt: skip


@pytest.fixture(scope="module")
def session(world: World, cell: Up) -> Any:
    """The deployer of the cell's account: who may do most there."""
    return world.session(world.accounts[GB], "domicile-deployer")


@pytest.mark.parametrize(
    ("region", "service", "call", "given", "listing"),
    LEAKS,
    ids=[f"{at}-{one[1]}-{one[2]}" for at, one in enumerate(LEAKS)],
)
def test_what_would_carry_data_away_is_refused_and_nothing_is_made(
    world: World, session: Any, region: str, service: str, call: str, given: dict[str, Any], listing: str
) -> None:
    def listed() -> Any:
        if not listing:
            return None
        found = getattr(world.raw(service, world.accounts[GB], region), listing)()
        return {key: value for key, value in found.items() if key != "ResponseMetadata"}

    before = listed()
    with pytest.raises(ClientError, match="explicit deny in a service control policy") as refused:
        getattr(world.client(session, service, region), call)(**given)
    assert refused.value.response["Error"]["Code"].startswith(("AccessDenied", "UnauthorizedOperation"))
    assert listed() == before


def test_what_a_cell_needs_goes_on_working(world: World, session: Any) -> None:
    ec2 = world.client(session, "ec2", HOME)
    assert ec2.describe_vpcs()["Vpcs"]
    assert world.client(session, "kms", HOME).list_keys()["Keys"]
    assert world.client(session, "sts").get_caller_identity()["Account"] == world.accounts[GB]


BUILT: list[tuple[str, str, dict[str, Any]]] = [
    ("kms", "put_key_policy", {"KeyId": "{key}", "PolicyName": "default", "Policy": "{}"}),
    ("s3", "put_bucket_policy", {"Bucket": "{bucket}", "Policy": "{}"}),
    ("s3", "put_bucket_logging", {"Bucket": "{bucket}", "BucketLoggingStatus": {}}),
    ("eks", "create_access_entry", {"clusterName": GB, "principalArn": "arn:aws:iam::1:role/anybody"}),
    ("ec2", "create_route", {"RouteTableId": "rtb-1", "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": "igw-1"}),
    ("network-firewall", "delete_firewall", {"FirewallName": GB}),
    ("logs", "delete_log_group", {"logGroupName": f"/aws/eks/{GB}/cluster"}),
    ("cloudwatch", "disable_alarm_actions", {"AlarmNames": [f"{GB}-backups-failed"]}),
    ("sns", "delete_topic", {"TopicArn": "{topic}"}),
    ("iam", "update_assume_role_policy", {"RoleName": f"domicile-cell-nodes-{GB}", "PolicyDocument": "{}"}),
]


@pytest.fixture(scope="module")
def somebody(world: World, cell: Up) -> Any:
    """A role of the cell's account that carries out no program."""
    return world.session(world.accounts[GB], "domicile-audit")


@pytest.fixture(scope="module")
def built(world: World, cell: Up) -> dict[str, str]:
    """One key, one bucket and the topic of the cell."""
    ids = {one["type"]: one["id"] for one in world.resources(GB) if one.get("custom")}
    types = {"{key}": "aws:kms/key:Key", "{bucket}": "aws:s3/bucket:Bucket", "{topic}": "aws:sns/topic:Topic"}
    return {placeholder: ids[kind] for placeholder, kind in types.items()}


@pytest.mark.parametrize(("service", "call", "given"), BUILT, ids=[f"{one[0]}-{one[1]}" for one in BUILT])
def test_what_the_program_built_is_changed_by_nobody_else_of_the_account(
    world: World, somebody: Any, built: dict[str, str], service: str, call: str, given: dict[str, Any]
) -> None:
    """As the audit's role: the organisation's policies refuse before anybody asks what that role is allowed."""
    parameters = {key: built.get(value, value) if isinstance(value, str) else value for key, value in given.items()}
    with pytest.raises(ClientError, match="explicit deny in a service control policy"):
        getattr(world.client(somebody, service, HOME), call)(**parameters)


def test_a_cells_roles_have_the_names_that_are_refused(world: World, cell: Up) -> None:
    roles = world.raw("iam", world.accounts[GB], HOME).list_roles()["Roles"]
    assert {f"domicile-cell-{purpose}-{GB}" for purpose in ("nodes", "backup", "cluster")} <= {
        one["RoleName"] for one in roles
    }


@pytest.mark.parametrize(
    ("call", "given"),
    [
        ("update_assume_role_policy", {"RoleName": "domicile-audit", "PolicyDocument": "{}"}),
        ("create_policy_version", {"PolicyArn": "arn:aws:iam::{}:policy/domicile-boundary", "PolicyDocument": "{}"}),
        ("create_role", {"RoleName": "domicile-cell-unbounded", "AssumeRolePolicyDocument": "{}"}),
        ("create_open_id_connect_provider", {"Url": "https://token.actions.githubusercontent.com"}),
    ],
)
def test_the_deployer_makes_itself_nobody_else(world: World, session: Any, call: str, given: dict[str, Any]) -> None:
    parameters = {
        key: value.replace("{}", world.accounts[GB]) if "arn:" in value else value for key, value in given.items()
    }
    with pytest.raises(ClientError, match="explicit deny in a service control policy"):
        getattr(world.client(session, "iam"), call)(**parameters)


def test_another_zones_regions_are_closed_to_a_cell(world: World, cell: Up) -> None:
    brazil = world.session(world.accounts[BR], "domicile-deployer")
    with pytest.raises(ClientError, match="explicit deny in a service control policy"):
        world.client(brazil, "ec2", HOME).create_vpc(CidrBlock="10.0.0.0/16")
    assert world.client(brazil, "ec2", "sa-east-1").describe_vpcs() is not None


def test_what_nobody_of_the_organisation_may_read_is_closed_to_outsiders(world: World, cell: Up) -> None:
    """A resource control policy: the bucket's own policy would have let this caller in."""
    bucket = next(one["id"] for one in world.resources(GB) if one["type"] == "aws:s3/bucket:Bucket")
    stranger = world.stranger()
    with pytest.raises(ClientError, match="resource control policy"):
        world.client(stranger, "s3", HOME).list_objects_v2(Bucket=bucket)
