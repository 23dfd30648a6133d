"""What is asked of ElastiCache's API, held against its model; what comes of it, held against a real Redis."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import redis
from botocore.config import Config
from botocore.stub import Stubber
from domicile_operator.cache_logins import CacheUser, access_string
from domicile_operator.clients.elasticache import ElastiCacheClient
from domicile_operator.errors import Fault
from domicile_operator.names import Names
from operator_testkit.samples import IN_AWS
from operator_testkit.servers import Process, eventually, free_port
from redis.backoff import NoBackoff
from redis.retry import Retry

NO_RETRY = Retry(NoBackoff(), 0)
CACHE = IN_AWS.redis.elasticache
assert CACHE is not None


@pytest.fixture
def api() -> Iterator[tuple[ElastiCacheClient, Stubber]]:
    client = boto3.client(
        "elasticache", region_name="eu-west-2", aws_access_key_id="x", aws_secret_access_key="x",
        config=Config(retries={"max_attempts": 0}),
    )  # fmt: skip
    with Stubber(client) as stub:
        assert CACHE is not None
        yield ElastiCacheClient(client, CACHE), stub
        stub.assert_no_pending_responses()


def group(*members: str, status: str = "active") -> dict[str, Any]:
    return {"UserGroups": [{"UserGroupId": "lab", "Status": status, "UserIds": list(members)}]}


def test_a_user_is_told_with_its_place_in_the_group(api: tuple[ElastiCacheClient, Stubber]) -> None:
    client, stub = api
    user = {"UserId": "casino-a", "Status": "active", "AccessString": "on ~a:*"}
    for members, found in (((), False), (("nobody", "casino-a"), True)):
        stub.add_response("describe_users", {"Users": [user]}, {"UserId": "casino-a"})
        stub.add_response("describe_user_groups", group(*members), {"UserGroupId": "lab"})
        assert client.find("casino-a") == CacheUser("active", "on ~a:*", found)
    stub.add_client_error("describe_users", "UserNotFound")
    assert client.find("casino-a") is None


def test_a_user_is_made_with_passwords_and_the_cells_tags(api: tuple[ElastiCacheClient, Stubber]) -> None:
    client, stub = api
    password = "p" * 48
    asked = {
        "UserId": "casino-a", "UserName": "casino-a", "Engine": "valkey", "AccessString": "on ~a:*",
        "AuthenticationMode": {"Type": "password", "Passwords": [password]},
        "Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}],
    }  # fmt: skip
    stub.add_response("create_user", {}, asked)
    client.create("casino-a", [password], "on ~a:*", {"b": "2", "a": "1"})


def test_a_change_of_access_leaves_the_passwords(api: tuple[ElastiCacheClient, Stubber]) -> None:
    client, stub = api
    stub.add_response("modify_user", {}, {"UserId": "casino-a", "AccessString": "on"})
    client.change("casino-a", (), "on")
    mode = {"Type": "password", "Passwords": ["new", "old"]}
    stub.add_response("modify_user", {}, {"UserId": "casino-a", "AccessString": "on", "AuthenticationMode": mode})
    client.change("casino-a", ("new", "old"), "on")


def test_a_group_that_is_being_changed_is_not_changed_twice(api: tuple[ElastiCacheClient, Stubber]) -> None:
    client, stub = api
    stub.add_response("describe_user_groups", group(status="modifying"), {"UserGroupId": "lab"})
    assert client.join("casino-a") is False
    stub.add_response("describe_user_groups", group(), {"UserGroupId": "lab"})
    stub.add_response("modify_user_group", {}, {"UserGroupId": "lab", "UserIdsToAdd": ["casino-a"]})
    assert client.join("casino-a") is True


@pytest.mark.parametrize(
    ("code", "advice"),
    [("UserGroupQuotaExceeded", "100 users"), ("AccessDenied", "operator's role"), ("InvalidUserState", "tried again")],
)
def test_a_refusal_says_what_to_do_and_repeats_nothing_that_was_sent(
    api: tuple[ElastiCacheClient, Stubber], code: str, advice: str
) -> None:
    client, stub = api
    stub.add_client_error("create_user", code, service_message="Passwords hunter2hunter2hunter2 is invalid")
    with pytest.raises(Fault, match=advice) as raised:
        client.create("casino-a", ["hunter2hunter2hunter2"], "on", {})
    assert raised.value.code == "ELASTICACHE_REFUSED" and "hunter2" not in raised.value.message


def test_who_has_no_credentials_is_told_where_they_come_from(monkeypatch: pytest.MonkeyPatch) -> None:
    assert CACHE is not None
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = boto3.client("elasticache", region_name="eu-west-2", config=Config(retries={"max_attempts": 0}))
    client._request_signer._credentials = None
    with pytest.raises(Fault, match="Pod Identity"):
        ElastiCacheClient(client, CACHE).delete("casino-a")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A Redis with the users that ElastiCache would have made of two tenants' access strings."""
    program = shutil.which("redis-server")
    assert program, "redis-server is missing: apt-get install redis-server"
    folder: Path = tmp_path_factory.mktemp("redis")
    users = [
        f"user {Names(name).cache_user} {access_string(Names(name))} >{name}-new >{name}-old"
        for name in ("acme-gb", "other-gb")
    ]
    (folder / "users.acl").write_text("user default off\n" + "\n".join(users) + "\n")
    port = free_port()
    running = Process(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder),
         "--aclfile", str(folder / "users.acl")],
        folder / "redis.log",
    )  # fmt: skip
    eventually(lambda: connect(port).ping(), what="Redis")
    yield port
    running.stop()


def connect(port: int, name: str = "acme-gb", password: str = "acme-gb-new") -> redis.Redis:
    return redis.Redis(
        port=port, username=Names(name).cache_user, password=password, decode_responses=True, retry=NO_RETRY
    )


def test_both_passwords_open_the_cache_and_no_other(server: int) -> None:
    assert connect(server).ping() and connect(server, password="acme-gb-old").ping()
    with pytest.raises(redis.AuthenticationError):
        connect(server, password="other-gb-new").ping()


def test_a_casino_does_with_its_own_keys_what_it_needs(server: int) -> None:
    client = connect(server)
    client.set("acme-gb:session:1", "x", ex=60)
    assert client.getex("acme-gb:session:1", ex=60) == "x"
    pipe = client.pipeline(transaction=True)
    pipe.set("acme-gb:login:1", 0, ex=60, nx=True)
    pipe.incr("acme-gb:login:1")
    pipe.ttl("acme-gb:login:1")
    assert pipe.execute()[1] == 1
    assert client.delete("acme-gb:session:1", "acme-gb:login:1") == 2


@pytest.mark.parametrize(
    "command",
    [
        ("GET", "acme-gb:x"), ("SET", "acme-gb:x", "1"), ("DEL", "acme-gb:x"), ("SUBSCRIBE", "acme-gb:x"),
        ("PUBLISH", "acme-gb:x", "1"), ("EVAL", "return redis.call('GET', 'acme-gb:x')", "0"), ("SCAN", "0"),
        ("KEYS", "*"), ("RANDOMKEY",), ("DBSIZE",), ("SELECT", "1"), ("FLUSHALL",), ("CONFIG", "GET", "*"),
        ("ACL", "LIST"), ("ACL", "SETUSER", "casino-other-gb", "~*"), ("CLIENT", "KILL", "TYPE", "normal"),
        ("MONITOR",), ("SCRIPT", "FLUSH"), ("FUNCTION", "LIST"), ("PUBSUB", "CHANNELS"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_tenant_reaches_nothing_of_anothers(server: int, command: tuple[str, ...]) -> None:
    with pytest.raises(redis.ResponseError, match=r"has no permissions|can't access at least one of the keys"):
        connect(server, "other-gb", "other-gb-new").execute_command(*command)
