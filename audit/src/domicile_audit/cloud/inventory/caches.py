"""ElastiCache and MemoryDB: clusters, serverless caches, snapshots, and what makes them global."""

from collections.abc import Iterator
from typing import Any

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader
from domicile_audit.holding import UNENCRYPTED, Encryption, Flow, Holding, KeyKind

_NO_TLS = "transit encryption is off"


def _tags(reader: Reader, arn: str) -> dict[str, str]:
    return reader.tags("elasticache", "list_tags_for_resource", "TagList", about=arn, ResourceName=arn)


def replication_groups(reader: Reader) -> Iterator[Holding]:
    """Every replication group, with the other regions of its global datastore."""
    for one in reader.pages("elasticache", "describe_replication_groups", "ReplicationGroups"):
        arn = str(one["ARN"])
        yield holding(
            reader,
            "elasticache:replicationgroup",
            arn,
            _tags(reader, arn),
            encryption=Encryption.by(one.get("KmsKeyId")) if one.get("AtRestEncryptionEnabled") else UNENCRYPTED,
            flows=_global_members(reader, one),
            plaintext=_plaintext(one),
        )


def lone_clusters(reader: Reader) -> Iterator[Holding]:
    """Every cluster that is of no replication group: such a one cannot be encrypted at rest."""
    for one in reader.pages("elasticache", "describe_cache_clusters", "CacheClusters"):
        if one.get("ReplicationGroupId"):
            continue
        arn = str(one["ARN"])
        yield holding(
            reader,
            "elasticache:cluster",
            arn,
            _tags(reader, arn),
            encryption=UNENCRYPTED,
            plaintext=_plaintext(one),
        )


def serverless_caches(reader: Reader) -> Iterator[Holding]:
    """Every serverless cache; those always ask for TLS."""
    for one in reader.pages("elasticache", "describe_serverless_caches", "ServerlessCaches"):
        arn = str(one["ARN"])
        encryption = Encryption.by(one.get("KmsKeyId"))
        yield holding(reader, "elasticache:serverlesscache", arn, _tags(reader, arn), encryption=encryption)


def cache_snapshots(reader: Reader) -> Iterator[Holding]:
    """Every snapshot of a replication group or cluster."""
    for one in reader.pages("elasticache", "describe_snapshots", "Snapshots"):
        arn = str(one["ARN"])
        encryption = Encryption.by(one.get("KmsKeyId"), otherwise=KeyKind.NONE)
        yield holding(reader, "elasticache:snapshot", arn, _tags(reader, arn), encryption=encryption)


def memorydb_clusters(reader: Reader) -> Iterator[Holding]:
    """Every MemoryDB cluster. At rest it is always encrypted."""
    for one in reader.pages("memorydb", "describe_clusters", "Clusters"):
        arn = str(one["ARN"])
        yield holding(
            reader,
            "memorydb:cluster",
            arn,
            _memorydb_tags(reader, arn),
            encryption=Encryption.by(one.get("KmsKeyId")),
            flows=_multi_region_members(reader, one.get("MultiRegionClusterName")),
            plaintext=None if one.get("TLSEnabled") else "TLS is off",
        )


def memorydb_snapshots(reader: Reader) -> Iterator[Holding]:
    """Every snapshot of a MemoryDB cluster."""
    for one in reader.pages("memorydb", "describe_snapshots", "Snapshots"):
        arn = str(one["ARN"])
        encryption = Encryption.by(one.get("KmsKeyId"))
        yield holding(reader, "memorydb:snapshot", arn, _memorydb_tags(reader, arn), encryption=encryption)


def _memorydb_tags(reader: Reader, arn: str) -> dict[str, str]:
    return reader.tags("memorydb", "list_tags", "TagList", about=arn, ResourceArn=arn)


def _plaintext(one: dict[str, Any]) -> str | None:
    if not one.get("TransitEncryptionEnabled"):
        return _NO_TLS
    return "transit encryption is preferred, not required" if one.get("TransitEncryptionMode") == "preferred" else None


def _global_members(reader: Reader, group: dict[str, Any]) -> tuple[Flow, ...]:
    """Where a global datastore has its other members; only one that is of a global datastore is asked."""
    name = (group.get("GlobalReplicationGroupInfo") or {}).get("GlobalReplicationGroupId")
    if not name:
        return ()
    listed = reader.details(
        "elasticache",
        "describe_global_replication_groups",
        "GlobalReplicationGroups",
        about=name,
        GlobalReplicationGroupId=name,
        ShowMemberInfo=True,
    )
    return tuple(
        Flow(
            target=f"{member['ReplicationGroupId']} in {member['ReplicationGroupRegion']}",
            by=f"global datastore {name}",
            region=str(member["ReplicationGroupRegion"]),
        )
        for one in listed
        for member in one.get("Members") or ()
        if member.get("ReplicationGroupRegion") != reader.region
    )


def _multi_region_members(reader: Reader, name: str | None) -> tuple[Flow, ...]:
    if not name:
        return ()
    listed = reader.details(
        "memorydb",
        "describe_multi_region_clusters",
        "MultiRegionClusters",
        about=name,
        MultiRegionClusterName=name,
        ShowClusterDetails=True,
    )
    return tuple(
        Flow(target=str(member["ARN"]), by=f"multi-region cluster {name}", region=str(member["Region"]))
        for one in listed
        for member in one.get("Clusters") or ()
        if member.get("Region") != reader.region
    )
