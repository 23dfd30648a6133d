"""`pulumi up`, `preview`, `refresh`, `import` and `destroy` of an organisation and its cells, with the real engine."""

from __future__ import annotations

import json
from collections import Counter

import pytest
import yaml
from domicile_operator.cache_logins import CacheUser, access_string
from domicile_operator.cell import Cell
from domicile_operator.clients.elasticache import ElastiCacheClient
from domicile_operator.names import Names

from tests.cloud.world import BR, GB, ORGANIZATION, Up, World, managed


def test_the_organisation_stands(world: World, organization: Up) -> None:
    told = world.output(ORGANIZATION, "organization")
    assert {"security", "shared-services", GB, BR} <= set(told["accounts"])
    assert told["zoneOfCell"].keys() == {GB, BR}


def test_a_cell_is_a_hundred_resources_each_with_a_provider_of_its_own_account(world: World, cell: Up) -> None:
    resources = world.resources(GB)
    made = managed(resources)
    assert len(made) >= 100, Counter(one["type"] for one in made)
    for one in made:
        provider = one["provider"].split("::")[3]
        assert provider != "default" and not provider.startswith("default_"), one["urn"]
    account = world.accounts[GB]
    arns = [one["outputs"]["arn"] for one in made if one["outputs"].get("arn", "").count(":") >= 5]
    assert len(arns) > 50
    for arn in arns:
        _, _, _, region, owner = arn.split(":")[:5]
        assert region in ("", "eu-west-2") and owner in ("", account, "aws"), arn


@pytest.mark.parametrize("stack", [ORGANIZATION, GB])
def test_a_second_up_and_a_preview_change_nothing(world: World, cell: Up, stack: str) -> None:
    again = world.up(stack, "--expect-no-changes")
    assert again.count("unchanged") > 50 and not again.count("created") and not again.count("updated")
    world.pulumi(stack, "preview", "--expect-no-changes")


@pytest.mark.parametrize("stack", [ORGANIZATION, GB])
def test_everything_is_read_back_from_the_cloud_as_it_was_declared(world: World, cell: Up, stack: str) -> None:
    world.pulumi(stack, "refresh", "--yes", "--expect-no-changes")


def test_what_somebody_changed_by_hand_is_found_and_repaired(world: World, cell: Up) -> None:
    account = world.accounts[GB]
    ec2, s3 = world.raw("ec2", account, "eu-west-2"), world.raw("s3", account, "eu-west-2")
    bucket = next(one["id"] for one in world.resources(GB) if one["type"] == "aws:s3/bucket:Bucket")
    vpc = world.output(GB, "vpcId")
    s3.delete_public_access_block(Bucket=bucket)
    ec2.create_tags(Resources=[vpc], Tags=[{"Key": "domicile:owner", "Value": "somebody@else.example"}])
    refreshed = world.pulumi(GB, "refresh", "--yes", "--diff")
    assert "somebody@else.example" in refreshed and "PublicAccessBlock" in refreshed
    repaired = world.up(GB)
    assert repaired.count("created") == 1 and repaired.count("updated") == 1
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]
    tags = {one["Key"]: one["Value"] for one in ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["Tags"]}
    assert tags["domicile:owner"] == "platform@acme.example"
    world.pulumi(GB, "preview", "--expect-no-changes")


def test_the_operator_makes_users_of_the_cache_by_its_own_role_and_the_stack_leaves_them(
    world: World, cell: Up
) -> None:
    told = load_cell_of(world)
    cache = told.redis.elasticache
    assert cache is not None
    session = world.session(world.accounts[GB], role=f"domicile-cell-operator-{GB}")
    users = ElastiCacheClient(world.client(session, "elasticache", cache.region), cache)
    names = Names("acme-gb")
    assert users.find(names.cache_user) is None
    users.create(names.cache_user, ["a" * 48], access_string(names), cache.tags | {"domicile:tenant": "acme-gb"})
    assert users.find(names.cache_user) == CacheUser("active", access_string(names), member=False)
    assert users.join(names.cache_user)
    users.change(names.cache_user, ["b" * 48, "a" * 48], access_string(names))
    assert users.find(names.cache_user) == CacheUser("active", access_string(names), member=True)
    try:
        # The cache admits whom this group has.
        (made,) = [
            one for one in world.resources(GB) if one["type"] == "aws:elasticache/replicationGroup:ReplicationGroup"
        ]
        assert made["inputs"]["userGroupIds"] == [cache.user_group]
        world.up(GB, "--expect-no-changes")
    finally:
        users.delete(names.cache_user)
    assert users.find(names.cache_user) is None
    users.delete(names.cache_user)


def test_the_databases_administrator_is_known_to_one_job_alone(world: World, cell: Up) -> None:
    told = load_cell_of(world).postgresql
    assert told.administrator is not None
    made = next(one for one in world.resources(GB) if one["type"] == "aws:rds/cluster:Cluster")
    assert told.administrator.secret == made["outputs"]["masterUserSecrets"][0]["secretArn"]
    assert told.host == made["outputs"]["endpoint"]
    job = json.loads(world.cluster.kubectl("get", "job", "domicile-logins", "-n", "domicile-system", "-o", "json"))
    pod = job["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == "domicile-logins" and pod["containers"][0]["args"] == ["logins"]
    roles = [
        one["inputs"]["role"]
        for one in world.resources(GB)
        if "GetSecretValue" in str(one.get("inputs", {}).get("policy"))
    ]
    assert roles == [f"domicile-cell-database-logins-{GB}"]


def test_a_cell_that_describes_itself_otherwise_has_its_first_logins_made_anew(world: World, cell: Up) -> None:
    def job() -> str:
        return world.cluster.kubectl(
            "get", "job", "domicile-logins", "-n", "domicile-system", "-o", "jsonpath={.metadata.uid}"
        )

    before = job()
    world.edit("cidr: 10.200.1.10/32", "cidr: 10.200.1.11/32")
    try:
        world.up(GB)
        assert job() != before, "a Job's pod never changes: only another Job has another"
    finally:
        world.edit("cidr: 10.200.1.11/32", "cidr: 10.200.1.10/32")
        world.up(GB)


def load_cell_of(world: World) -> Cell:
    """The cell as its own operator would read it."""
    shown = world.cluster.kubectl("get", "configmap", "domicile-cell", "-n", "domicile-system", "-o", "json")
    return Cell.model_validate(yaml.safe_load(json.loads(shown)["data"]["cell.yaml"]))


def test_a_failure_in_the_middle_is_resumed_and_nothing_is_made_twice(world: World, no_brazil: None) -> None:
    world.plant_fault(service="rds", operation="CreateDBCluster", times=100, error="InternalFailure")
    failed = world.up(BR, fails=True)
    world.clear_faults()
    assert "InternalFailure" in failed.output
    assert len(managed(world.resources(BR))) > 0
    planned, resumed = world.told("up", "--stack", BR, "--yes")
    assert (planned["operation"], resumed["operation"]) == ("preview", "up")
    assert planned["changes"] == resumed["changes"] and resumed["changes"]["create"] > 0 and resumed["unchanged"] > 0
    assert resumed["failed"] == [] and not [one for one in resumed["problems"] if one["error"]]
    rds = world.raw("rds", world.accounts[BR], "sa-east-1")
    assert len(rds.describe_db_clusters()["DBClusters"]) == 1
    ec2 = world.raw("ec2", world.accounts[BR], "sa-east-1")
    ours = [{"Name": "tag:domicile:cell", "Values": [BR]}]
    assert len(ec2.describe_vpcs(Filters=ours)["Vpcs"]) == 1
    unasked = world.domicile("up", "--stack", BR)  # nothing to change, and so nothing to ask
    assert f"preview {BR}: no changes" in unasked and f"up {BR}: no changes" in unasked


def test_the_cells_of_two_accounts_share_nothing(world: World, cell: Up, brazil: None) -> None:
    ids = [
        {one["id"] for one in managed(world.resources(stack)) if one["id"].startswith(("vpc-", "arn:"))}
        for stack in (GB, BR)
    ]
    assert ids[0] and ids[1] and not ids[0] & ids[1]


def test_two_stacks_are_updated_at_one_time(world: World, cell: Up, brazil: None) -> None:
    started = [
        world.start("pulumi", "up", "--yes", "--skip-preview", "--stack", stack, "--non-interactive", "--color=never")
        for stack in (GB, BR)
    ]
    for process in started:
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 0, output[-3000:]


def test_something_made_by_hand_is_imported(world: World, cell: Up) -> None:
    account = world.accounts[GB]
    world.raw("logs", account, "eu-west-2").create_log_group(logGroupName="/made/by/hand", tags={"a": "b"})
    provider = next(one for one in world.resources(GB) if one["type"] == "pulumi:providers:aws")
    output = world.pulumi(
        GB, "import", "aws:cloudwatch/logGroup:LogGroup", "by-hand", "/made/by/hand", "--yes", "--generate-code=false",
        "--protect=false", "--provider", f"default={provider['urn']}", "--skip-preview",
    )  # fmt: skip
    assert "imported" in output
    imported = next(one for one in world.resources(GB) if one["urn"].endswith("::by-hand"))
    assert imported["inputs"]["name"] == "/made/by/hand" and imported["inputs"]["tags"] == {"a": "b"}
    world.pulumi(GB, "state", "delete", imported["urn"], "--yes")
    world.raw("logs", account, "eu-west-2").delete_log_group(logGroupName="/made/by/hand")


def test_a_lock_that_was_left_behind_stops_everything_and_can_be_taken_away(world: World, brazil: None) -> None:
    process = world.start("pulumi", "refresh", "--yes", "--stack", BR, "--non-interactive", "--color=never")
    world.await_lock(BR)
    process.kill()
    process.communicate()
    refused = world.domicile("refresh", "--stack", BR, fails=True)
    assert f"The stack {BR} is locked" in refused and "pulumi cancel" in refused
    world.pulumi(BR, "cancel", "--yes")
    world.up(BR, "--expect-no-changes")


def test_a_destroyed_cell_leaves_nothing_behind(world: World, brazil: None) -> None:
    account = world.accounts[BR]
    assert len(world.tagged(account, "sa-east-1", cell=BR)) > 20
    asked = world.domicile("destroy", "--stack", BR, fails=True)
    assert "--yes deletes without asking" in asked and world.stands(BR)
    (told,) = world.told("destroy", "--stack", BR, "--yes")
    assert (told["operation"], told["failed"], told["problems"]) == ("destroy", [], [])
    assert set(told["changes"]) == {"delete"} and told["changes"]["delete"] > 100
    assert managed(world.resources(BR)) == []
    # A key is gone when its days of grace are over, and can be used by nobody until then; a NAT gateway that is
    # deleted is told of for an hour. Everything else is gone.
    kms, ec2 = world.raw("kms", account, "sa-east-1"), world.raw("ec2", account, "sa-east-1")
    left = world.tagged(account, "sa-east-1", cell=BR)
    keys = {arn for arn in left if ":kms:" in arn}
    assert {kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] for arn in keys} <= {"PendingDeletion"}
    gateways = {arn for arn in left if ":natgateway/" in arn}
    assert {one["State"] for one in ec2.describe_nat_gateways()["NatGateways"]} <= {"deleted"}
    assert set(left) == keys | gateways
