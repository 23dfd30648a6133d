"""`domicile audit` of what `pulumi up` built: lawful as it stands, and not with what was planted behind its back."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest

from tests.cloud.world import GB, Up, World


@pytest.fixture(scope="module")
def key(world: World) -> str:
    path = world.folder / "auditor"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return str(path)


def audit(world: World, key: str, *, fails: bool = False) -> dict[str, Any]:
    output = world.domicile("audit", "--sign", key, "--json", fails=fails)
    found: dict[str, Any] = json.loads(output[output.index("{") :])
    return found


def test_what_was_built_is_lawful_and_the_evidence_says_so(world: World, cell: Up, key: str) -> None:
    told = audit(world, key)
    stopping = [one for one in told["findings"] if one["severity"] == "violation"]
    assert stopping == []
    assert told["evidence"]["signed"] and len(told["holdings"]) > 15


@pytest.mark.parametrize("plant", ["wrong place", "shared", "plain", "replicated"])
def test_what_is_planted_behind_the_policies_back_is_found(world: World, cell: Up, key: str, plant: str) -> None:
    account = world.accounts[GB]
    undo = PLANTS[plant](world, account)
    try:
        told = audit(world, key, fails=True)
        found = {(one["rule"], one["arn"].split(":")[-1]) for one in told["findings"] if one["severity"] == "violation"}
        assert any(rule == EXPECTED[plant] and "planted" in name for rule, name in found), found
    finally:
        undo()


EXPECTED = {
    "wrong place": "wrong-place",
    "shared": "shared-outside",
    "plain": "unencrypted",
    "replicated": "replicated-outside",
}


def _table(world: World, account: str) -> Any:
    client = world.raw("dynamodb", account, "us-west-2")
    client.create_table(
        TableName="planted",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "a", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "a", "KeyType": "HASH"}],
    )
    return lambda: client.delete_table(TableName="planted")


def _queue(world: World, account: str) -> Any:
    client = world.raw("sqs", account, "eu-west-2")
    open_to_all = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}, "Action": "sqs:*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [open_to_all | {"Resource": "*"}]})
    url = client.create_queue(QueueName="planted", Attributes={"Policy": policy})["QueueUrl"]
    return lambda: client.delete_queue(QueueUrl=url)


def _plain(world: World, account: str) -> Any:
    client = world.raw("rds", account, "eu-west-2")
    client.create_db_instance(
        DBInstanceIdentifier="planted", DBInstanceClass="db.t4g.micro", Engine="postgres", AllocatedStorage=20,
        MasterUsername="u", MasterUserPassword="p" * 12, StorageEncrypted=False,
    )  # fmt: skip
    return lambda: client.delete_db_instance(DBInstanceIdentifier="planted", SkipFinalSnapshot=True)


def _secret(world: World, account: str) -> Any:
    client = world.raw("secretsmanager", account, "eu-west-2")
    client.create_secret(Name="planted", SecretString="x", AddReplicaRegions=[{"Region": "us-west-2"}])
    return lambda: client.delete_secret(SecretId="planted", ForceDeleteWithoutRecovery=True)


PLANTS = {"wrong place": _table, "shared": _queue, "plain": _plain, "replicated": _secret}


def test_the_evidence_is_a_chain_that_can_be_checked(world: World, cell: Up, key: str) -> None:
    audit(world, key)
    assert world.domicile("audit", "--verify")
    (first, *_) = sorted((world.project / "evidence" / "lab").glob("*.json"))
    first.write_text(first.read_text().replace("eu-west-2", "eu-west-3"))
    broken = world.domicile("audit", "--verify", fails=True)
    assert first.name in broken
