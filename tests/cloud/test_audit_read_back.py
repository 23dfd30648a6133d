"""`domicile audit` of what the real engine built: lawful as it stands, and not once somebody went past the policies."""

from __future__ import annotations

import json
from typing import Any

from tests.cloud.world import GB, Up, World

REGIONS = ("eu-west-1", "eu-west-2", "sa-east-1", "us-east-1")
"""Those in use, and with them the one that every account has: all of them take a minute more."""
STRANGER = "999988887777"


def audit(world: World) -> dict[str, Any]:
    """What `domicile audit --json` prints, and what it exits with."""
    narrowed = [f"--region={one}" for one in REGIONS]
    process = world.start("domicile", "audit", "environments/lab", "--no-sign", "--json", *narrowed)
    output, _ = process.communicate(timeout=600)
    told: dict[str, Any] = json.loads(output[output.index("{") :])
    return told | {"exit": process.returncode}


def test_what_the_engine_built_is_lawful_and_read_whole(world: World, cell: Up) -> None:
    told = audit(world)
    assert (told["findings"], told["unread"], told["exit"]) == ([], [], 0)
    assert len(told["holdings"]) > 40


def test_what_somebody_made_past_the_policies_is_found_wherever_it_is(world: World, cell: Up) -> None:
    british, brazilian = world.accounts[GB], world.accounts["br-lab"]
    tags = {"domicile:data-class": "wagering", "domicile:jurisdiction": "BR"}
    queues = world.raw("sqs", brazilian, "eu-west-1")  # a service that no account may use, in a region it may not
    url = queues.create_queue(QueueName="bets", tags=tags)["QueueUrl"]
    database = world.raw("rds", british, "eu-west-2")
    database.create_db_cluster_snapshot(DBClusterSnapshotIdentifier="taken", DBClusterIdentifier="gb-lab")
    database.modify_db_cluster_snapshot_attribute(
        DBClusterSnapshotIdentifier="taken", AttributeName="restore", ValuesToAdd=[STRANGER]
    )
    try:
        told = audit(world)
    finally:
        queues.delete_queue(QueueUrl=url)
        database.delete_db_cluster_snapshot(DBClusterSnapshotIdentifier="taken")
    found = {(one["rule"], one["resource"].rpartition(":")[2]) for one in told["findings"]}
    assert {("wrong-place", "bets"), ("shared-outside", "taken")} <= found
    assert {one for _, one in found} == {"bets", "taken"}
    assert (told["unread"], told["exit"]) == ([], 1)
