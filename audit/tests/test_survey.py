"""What is not read is told, and never passes for what is not there."""

from collections.abc import Iterable, Iterator

import boto3
import pytest
from audit_testkit.faults import Fault
from audit_testkit.planter import plant
from audit_testkit.world import AWAY, BESIDE, CELL, HOME, MANAGEMENT, World, judged, new_world, scope_of
from botocore.exceptions import ClientError
from domicile_audit.cloud.client import Cloud
from domicile_audit.cloud.inventory import COLLECTORS, Collector
from domicile_audit.cloud.reader import NotOfferedError, Reader, tag_mapping
from domicile_audit.holding import Holding, Survey
from domicile_audit.kinds import KINDS

NAMED = {one.name: one for one in COLLECTORS}


@pytest.fixture()
def world() -> Iterator[World]:
    with new_world() as world:
        yield world


def read(world: World, *collectors: Collector, accounts: tuple[str, ...] = (CELL,)) -> Survey:
    return world.read(accounts=accounts, regions=[HOME], collectors=collectors)


def refused(world: World, service: str, operation: str, code: str = "AccessDeniedException") -> None:
    """From here on, the operation is answered with an error."""

    def raise_it(_answer: object) -> None:
        raise ClientError({"Error": {"Code": code, "Message": "not for you"}}, operation)

    for account in (CELL, BESIDE):
        world.shelf.amend(service, operation, account, HOME, raise_it)


def test_a_list_that_is_refused_is_told_with_what_refused_it(world: World) -> None:
    refused(world, "dynamodb", "ListTables")
    found = read(world, NAMED["dynamodb tables"], NAMED["sqs queues"])
    (lost,) = found.unread
    assert (lost.account, lost.region, lost.service, lost.operation) == (CELL, HOME, "dynamodb", "list_tables")
    assert lost.reason == "AccessDeniedException: not for you"
    assert {one.collector for one in found.coverage} == {"dynamodb tables", "sqs queues"}


def test_a_detail_that_is_refused_is_told_and_the_thing_is_kept(world: World) -> None:
    arn = plant(world, "kms:key", Fault.NONE)
    refused(world, "kms", "GetKeyPolicy")
    found = read(world, NAMED["kms keys"])
    assert [one.arn for one in found.holdings] == [arn]
    assert [(one.operation, one.resource) for one in found.unread] == [("get_key_policy", arn.split("/")[1])]


def test_a_list_within_a_thing_that_is_refused_is_told_and_the_thing_is_kept(world: World) -> None:
    plant(world, "kms:key", Fault.NONE)
    refused(world, "kms", "ListGrants")
    found = read(world, NAMED["kms keys"])
    assert len(found.holdings) == 1
    assert [one.operation for one in found.unread] == ["list_grants"]


def test_a_bucket_whose_place_is_not_told_is_in_no_lawful_place(world: World) -> None:
    plant(world, "s3:bucket", Fault.NONE)
    refused(world, "s3", "GetBucketLocation", "AccessDenied")
    found = read(world, NAMED["s3 buckets"], NAMED["kms keys"])
    (bucket,) = [one for one in found.holdings if one.type == "s3:bucket"]
    assert bucket.region == "unknown"
    assert "wrong-place" in {one.rule for one in judged(found, scope_of())}
    assert [one.operation for one in found.unread] == ["get_bucket_location"]


def test_a_secret_that_a_service_keeps_for_us_is_not_asked_for_our_tags(world: World) -> None:
    client = world.client("secretsmanager", CELL, HOME)
    for name in ("rds!cluster-1", "ours"):
        client.create_secret(Name=name, SecretString="x", KmsKeyId=world.key(CELL, HOME))
    found = read(world, NAMED["secretsmanager secrets"], NAMED["kms keys"])
    assert [one.tags for one in found.holdings if "rds!" in one.arn] == [None]
    assert [(one.rule, "ours" in one.resource) for one in judged(found, scope_of())] == [("untagged", True)]


def test_a_collector_that_fails_is_told_and_keeps_nobody_else_from_reading(world: World) -> None:
    arn = plant(world, "sqs:queue", Fault.NONE)

    def broken(_reader: Reader) -> Iterable[Holding]:
        raise KeyError("TableArn")
        yield

    found = read(world, Collector("broken", broken), NAMED["sqs queues"])
    (lost,) = found.unread
    assert (lost.service, lost.region) == ("broken", HOME)
    assert "KeyError" in lost.reason
    assert [one.arn for one in found.holdings] == [arn]


def test_a_service_that_a_region_lacks_is_told_apart_from_one_that_does_not_answer(world: World) -> None:
    def absent(_reader: Reader) -> Iterable[Holding]:
        raise NotOfferedError("timestream-write in eu-west-2")
        yield

    found = read(world, Collector("absent", absent))
    assert (found.unread, found.not_offered) == ((), ("timestream-write in eu-west-2",))


@pytest.mark.parametrize(
    ("service", "code", "status", "lost"),
    [
        ("timestream-write", "InternalFailure", 500, False),
        ("timestream-write", "AccessDeniedException", 403, True),
        ("sqs", "InternalFailure", 500, True),
    ],
)
def test_only_a_service_that_is_not_known_to_be_there_may_be_missing(
    world: World, service: str, code: str, status: int, lost: bool
) -> None:
    """Timestream is not offered in eu-west-2, by boto3's list; an answer that knows the service says that it is."""
    operation = "ListDatabases" if service == "timestream-write" else "ListQueues"

    def raise_it(_answer: object) -> None:
        error = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
        raise ClientError(error, operation)  # type: ignore[arg-type]

    world.shelf.stock(
        service, operation, CELL, "eu-west-2", {"Databases": []} if lost is False or service != "sqs" else {}
    )
    world.shelf.amend(service, operation, CELL, "eu-west-2", raise_it)
    name = "timestream databases" if service == "timestream-write" else "sqs queues"
    found = world.read(accounts=[CELL], regions=["eu-west-2"], collectors=[NAMED[name]])
    assert bool(found.unread) == lost
    assert bool(found.not_offered) != lost


def test_an_account_that_cannot_be_entered_is_told_whole(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    enter = Cloud.account

    def shut(self: Cloud, account_id: str, own: str) -> object:
        if account_id == BESIDE:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no such role"}}, "AssumeRole")
        return enter(self, account_id, own)

    monkeypatch.setattr(Cloud, "account", shut)
    found = read(world, NAMED["sqs queues"], accounts=(CELL, BESIDE))
    assert [(one.account, one.region) for one in found.unread] == [(BESIDE, "*")]
    assert {one.account for one in found.coverage} == {CELL}


def test_without_regions_every_enabled_one_is_read(world: World) -> None:
    found = world.read(accounts=[CELL], regions=(), collectors=[NAMED["sqs queues"]])
    regions = {one.region for one in found.coverage}
    assert {HOME, AWAY} < regions
    listed = world.client("ec2", CELL, HOME).describe_regions(AllRegions=True)["Regions"]
    closed = {one["RegionName"] for one in listed if one["OptInStatus"] == "not-opted-in"}
    assert closed
    assert regions == {one["RegionName"] for one in listed} - closed


def test_a_region_that_nobody_has_is_told_and_does_not_pass_for_an_empty_one(world: World) -> None:
    found = world.read(accounts=[CELL, BESIDE], regions=[HOME, "eu-wset-2"], collectors=[NAMED["sqs queues"]])
    assert {one.region for one in found.coverage} == {HOME}
    assert [(one.account, one.region) for one in found.unread] == [("*", "eu-wset-2")]


def test_an_account_is_entered_by_the_role_and_read_as_itself(world: World) -> None:
    arn = plant(world, "sqs:queue", Fault.NONE)
    found = read(world, NAMED["sqs queues"], accounts=(MANAGEMENT, CELL))
    assert [(one.account, one.arn) for one in found.holdings] == [(CELL, arn)]


def test_progress_is_told_to_the_end(world: World) -> None:
    from audit_testkit.world import OURS
    from domicile_audit.cloud.survey import survey

    told: list[tuple[int, int]] = []
    cloud = Cloud(session=world.caller)
    survey(
        cloud,
        [MANAGEMENT],
        MANAGEMENT,
        OURS,
        regions=[HOME, AWAY],
        collectors=[NAMED["sqs queues"], NAMED["sns topics"]],
        progress=lambda done, total, _label: told.append((done, total)),
    )
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_every_collector_has_a_name_of_its_own() -> None:
    assert len(NAMED) == len(COLLECTORS)


def test_a_second_page_is_read(world: World) -> None:
    sqs = world.client("sqs", CELL, HOME)
    for number in range(3):
        sqs.create_queue(QueueName=f"queue-{number}")
    account = Cloud(session=world.caller).account(CELL, MANAGEMENT)
    reader = Reader(account, HOME, world_ours())
    urls = reader.pages("sqs", "list_queues", "QueueUrls", MaxResults=2)
    assert (len(urls), reader.calls) == (3, 2)


def world_ours() -> object:
    from audit_testkit.world import OURS

    return OURS


@pytest.mark.parametrize(
    "given",
    [
        {"a": "1"},
        [{"Key": "a", "Value": "1"}],
        [{"key": "a", "value": "1"}],
        [{"TagKey": "a", "TagValue": "1"}],
    ],
)
def test_tags_are_read_in_every_form_that_the_cloud_has_for_them(given: object) -> None:
    assert tag_mapping(given) == {"a": "1"}
    assert tag_mapping(None) == {}


def test_every_type_that_a_collector_makes_is_known(world: World) -> None:
    assert {one.type for one in world.read(accounts=[CELL], regions=[HOME]).holdings} <= set(KINDS)
    assert isinstance(world.caller, boto3.Session)
