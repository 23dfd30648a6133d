"""Who is let into a bucket: by policy, by access control list, and what a block on public access takes away."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from audit_testkit.faults import Fault
from audit_testkit.planter import plant
from audit_testkit.services import open_to_all
from audit_testkit.world import CELL, HOME, STRANGER, World, new_world
from domicile_audit.cloud.inventory import COLLECTORS

BLOCK = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
BUCKETS = [one for one in COLLECTORS if one.name == "s3 buckets"]
EVERYBODY = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture()
def world() -> Iterator[World]:
    with new_world() as world:
        yield world


def bucket(world: World) -> tuple[Any, str]:
    name = plant(world, "s3:bucket", Fault.NONE).rpartition(":")[2]
    return world.client("s3", CELL, HOME), name


def let_in(world: World) -> list[str]:
    read = world.read(accounts=[CELL], regions=[HOME], collectors=BUCKETS)
    assert read.unread == ()
    return sorted(access.principal for one in read.holdings for access in one.shared_with)


def grant(s3: Any, name: str, **grantee: str) -> None:
    told = s3.get_bucket_acl(Bucket=name)
    more = {"Grantee": grantee, "Permission": "READ"}
    s3.put_bucket_acl(Bucket=name, AccessControlPolicy={"Owner": told["Owner"], "Grants": [*told["Grants"], more]})


def test_everybody_is_let_in_by_a_public_policy(world: World) -> None:
    s3, name = bucket(world)
    s3.put_bucket_policy(Bucket=name, Policy=open_to_all(f"arn:aws:s3:::{name}/*", "s3:GetObject"))
    assert let_in(world) == ["*"]


@pytest.mark.parametrize("public", [True, False])
def test_a_block_takes_away_what_s3_itself_holds_public_and_nothing_else(world: World, public: bool) -> None:
    """A policy for everybody from one address is not public for S3, and a block lets it be."""
    s3, name = bucket(world)
    s3.put_bucket_policy(Bucket=name, Policy=open_to_all(f"arn:aws:s3:::{name}/*", "s3:GetObject"))
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=BLOCK)
    status = {"PolicyStatus": {"IsPublic": public}}
    world.shelf.stock("s3", "GetBucketPolicyStatus", CELL, HOME, status, parameter="Bucket", value=name)
    assert let_in(world) == ([] if public else ["*"])


def test_a_block_of_the_whole_account_is_one_too(world: World) -> None:
    s3, name = bucket(world)
    grant(s3, name, Type="Group", URI=EVERYBODY)
    assert let_in(world) == ["*"]
    control = world.client("s3control", CELL, HOME)
    control.put_public_access_block(AccountId=CELL, PublicAccessBlockConfiguration=BLOCK)
    assert let_in(world) == []


def test_a_block_takes_no_named_stranger_out_of_an_access_control_list(world: World) -> None:
    s3, name = bucket(world)
    grant(s3, name, Type="CanonicalUser", ID=STRANGER)
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=BLOCK)
    assert let_in(world) == [f"CanonicalUser:{STRANGER}"]


def test_a_lock_in_years_is_counted_in_days(world: World) -> None:
    s3, name = bucket(world)
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 5}}
    s3.put_object_lock_configuration(
        Bucket=name, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    read = world.read(accounts=[CELL], regions=[HOME], collectors=BUCKETS)
    (one,) = read.holdings
    assert one.lock is not None
    assert (one.lock.mode, one.lock.days) == ("compliance", 1825)
    assert json.loads(one.model_dump_json())["lockable"]
