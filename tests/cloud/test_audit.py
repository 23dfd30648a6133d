"""`domicile audit` of what the real engine built: lawful as it stands, and not once somebody went past the policies."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.world import BR, GB, Up, World

REGIONS = ("eu-west-1", "eu-west-2", "sa-east-1", "us-east-1")
"""Those in use, and with them the one that every account has: all of them take a minute more."""
STRANGER = "999988887777"
TAGS = {"domicile:data-class": "wagering", "domicile:jurisdiction": "BR"}


@pytest.fixture(scope="module")
def key(world: World) -> str:
    """The auditor's SSH key."""
    path = world.folder / "auditor"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return str(path)


def audit(world: World, key: str) -> dict[str, Any]:
    """What `domicile audit --json` prints, and what it exits with."""
    narrowed = [f"--region={one}" for one in REGIONS]
    process = world.start("domicile", "audit", "environments/lab", "--sign", key, "--json", *narrowed)
    output, _ = process.communicate(timeout=600)
    told: dict[str, Any] = json.loads(output[output.index("{") :])
    return told | {"exit": process.returncode}


@pytest.fixture(scope="module")
def lawful(world: World, cell: Up, key: str) -> dict[str, Any]:
    """What the audit finds of what the engine built."""
    return audit(world, key)


def test_what_the_engine_built_is_lawful_and_answers_whatever_is_asked(lawful: dict[str, Any]) -> None:
    told = lawful
    assert (told["findings"], told["unread"], told["verdict"], told["exit"]) == ([], [], "partial", 4)
    assert told["extent"]["narrowed_to"] == list(REGIONS)
    assert len(told["holdings"]) > 40


@pytest.fixture(scope="module")
def planted(world: World, cell: Up, key: str) -> tuple[dict[str, Any], str]:
    """What the audit finds when somebody went past the policies, and the volume that was made so."""
    british, brazilian = world.accounts[GB], world.accounts[BR]
    queues = world.raw("sqs", brazilian, "eu-west-1")  # a service that no account may use, in a region it may not
    url = queues.create_queue(QueueName="bets", tags=TAGS)["QueueUrl"]
    database = world.raw("rds", british, "eu-west-2")
    database.create_db_cluster_snapshot(DBClusterSnapshotIdentifier="taken", DBClusterIdentifier=GB)
    database.modify_db_cluster_snapshot_attribute(
        DBClusterSnapshotIdentifier="taken", AttributeName="restore", ValuesToAdd=[STRANGER]
    )
    volumes = world.raw("ec2", british, "eu-west-2")
    marked = [{"ResourceType": "volume", "Tags": [{"Key": key, "Value": value} for key, value in TAGS.items()]}]
    plain = volumes.create_volume(AvailabilityZone="eu-west-2a", Size=1, Encrypted=False, TagSpecifications=marked)
    secrets = world.raw("secretsmanager", brazilian, "sa-east-1")
    secrets.create_secret(Name="copied", SecretString="x", AddReplicaRegions=[{"Region": "us-east-1"}])
    try:
        told = audit(world, key)
    finally:
        queues.delete_queue(QueueUrl=url)
        database.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="taken")
        volumes.delete_volume(VolumeId=plain["VolumeId"])
        secrets.remove_regions_from_replication(SecretId="copied", RemoveReplicaRegions=["us-east-1"])
        secrets.delete_secret(SecretId="copied", ForceDeleteWithoutRecovery=True)
    return told, plain["VolumeId"]


def test_what_somebody_made_past_the_policies_is_found_wherever_it_is(planted: tuple[dict[str, Any], str]) -> None:
    told, volume = planted
    names = ("bets", "taken", volume, "copied")
    found = {
        (one["rule"], next((name for name in names if name in one["resource"]), one["resource"]))
        for one in told["findings"]
    }
    planted = {
        ("wrong-place", "bets"),
        ("shared-outside", "taken"),
        ("unencrypted", volume),
        ("replicated-outside", "copied"),
    }
    assert planted <= found, found
    assert {one for _, one in found} == set(names), found
    assert (told["unread"], told["exit"]) == ([], 1)


def test_the_evidence_is_a_chain_that_is_checked(
    world: World, lawful: dict[str, Any], planted: tuple[dict[str, Any], str]
) -> None:
    world.domicile("audit", "--verify")
    kept = sorted((world.project / "evidence" / "lab").glob("*.json"))
    assert {path.name for path in kept} == {Path(one["evidence"]["file"]).name for one in (lawful, planted[0])}
    tamper(kept[0])
    assert kept[0].name in world.domicile("audit", "--verify", fails=True)


def tamper(file: Path) -> None:
    text = file.read_text()
    assert "eu-west-2" in text
    file.write_text(text.replace("eu-west-2", "eu-west-3"))
