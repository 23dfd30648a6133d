"""Databases of RDS and Aurora, and of Neptune and DocumentDB, which answer through the same API."""

from collections.abc import Iterator
from typing import Any

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader, tag_mapping
from domicile_audit.holding import ANYBODY, GLOBAL, UNENCRYPTED, Access, Encryption, Flow, Holding
from domicile_audit.resource_policy import account_of

_FORCES_TLS = {"rds.force_ssl": {"1", "true", "on"}, "require_secure_transport": {"1", "on", "true"}}
_POSTGRESQL_DEFAULTS_TO_TLS = 15
"""From this major version on, rds.force_ssl is 1 where nobody set it (RDS user guide, "Requiring SSL")."""


def instances(reader: Reader) -> Iterator[Holding]:
    """Every instance. What one of a cluster asks of its clients is its cluster's to say."""
    listed = reader.pages("rds", "describe_db_instances", "DBInstances")
    copied = _copied_backups(reader) if listed else {}
    groups: dict[str, dict[str, str]] = {}
    for one in listed:
        arn = str(one["DBInstanceArn"])
        replicas = [str(name) for name in one.get("ReadReplicaDBInstanceIdentifiers") or ()]
        group = next((str(used["DBParameterGroupName"]) for used in one.get("DBParameterGroups") or ()), "")
        yield holding(
            reader,
            "rds:db",
            arn,
            tag_mapping(one.get("TagList")),
            encryption=_encryption(one),
            shared_with=_reachable(one),
            flows=(*_replicas(reader, "db", replicas), *copied.get(arn, ())),
            plaintext=None
            if one.get("DBClusterIdentifier")
            else _plaintext(one, _parameters(reader, groups, "describe_db_parameters", group)),
        )


def clusters(reader: Reader) -> Iterator[Holding]:
    """Every cluster, whatever its engine."""
    groups: dict[str, dict[str, str]] = {}
    for one in reader.pages("rds", "describe_db_clusters", "DBClusters"):
        replicas = [str(name) for name in one.get("ReadReplicaIdentifiers") or ()]
        group = str(one.get("DBClusterParameterGroup") or "")
        yield holding(
            reader,
            "rds:cluster",
            str(one["DBClusterArn"]),
            tag_mapping(one.get("TagList")),
            encryption=_encryption(one),
            shared_with=_reachable(one),
            flows=_replicas(reader, "cluster", replicas),
            plaintext=_plaintext(one, _parameters(reader, groups, "describe_db_cluster_parameters", group)),
        )


def global_clusters(reader: Reader) -> Iterator[Holding]:
    """Every global cluster, which carries data to the region of each of its members."""
    for one in reader.pages("rds", "describe_global_clusters", "GlobalClusters"):
        members = [str(member["DBClusterArn"]) for member in one.get("GlobalClusterMembers") or ()]
        arn = str(one["GlobalClusterArn"])
        yield holding(
            reader,
            "rds:global-cluster",
            arn,
            tag_mapping(one.get("TagList")),
            region=GLOBAL,
            # Its storage is its members', each of which is a holding of its own.
            flows=tuple(_flow(member, "member of the global cluster") for member in members),
        )


def instance_snapshots(reader: Reader) -> Iterator[Holding]:
    """Every snapshot of an instance, by hand or automatic, and whom it lets restore it."""
    for one in reader.pages("rds", "describe_db_snapshots", "DBSnapshots"):
        name = str(one["DBSnapshotIdentifier"])
        answer = reader.ask("rds", "describe_db_snapshot_attributes", about=name, DBSnapshotIdentifier=name) or {}
        attributes = answer.get("DBSnapshotAttributesResult", {}).get("DBSnapshotAttributes", ())
        yield holding(
            reader,
            "rds:snapshot",
            str(one["DBSnapshotArn"]),
            _snapshot_tags(one),
            encryption=Encryption.by(one.get("KmsKeyId")) if one.get("Encrypted") else UNENCRYPTED,
            shared_with=_restorable(reader, attributes),
        )


def cluster_snapshots(reader: Reader) -> Iterator[Holding]:
    """Every snapshot of a cluster, by hand or automatic, and whom it lets restore it."""
    for one in reader.pages("rds", "describe_db_cluster_snapshots", "DBClusterSnapshots"):
        name = str(one["DBClusterSnapshotIdentifier"])
        answer = reader.ask(
            "rds", "describe_db_cluster_snapshot_attributes", about=name, DBClusterSnapshotIdentifier=name
        )
        result = (answer or {}).get("DBClusterSnapshotAttributesResult", {})
        yield holding(
            reader,
            "rds:cluster-snapshot",
            str(one["DBClusterSnapshotArn"]),
            _snapshot_tags(one),
            encryption=_encryption(one),
            shared_with=_restorable(reader, result.get("DBClusterSnapshotAttributes", ())),
        )


def _encryption(one: dict[str, Any]) -> Encryption:
    return Encryption.by(one.get("KmsKeyId")) if one.get("StorageEncrypted") else UNENCRYPTED


def _snapshot_tags(one: dict[str, Any]) -> dict[str, str] | None:
    """An automatic snapshot has its source's tags where the source says so; where it has none, nobody left them out."""
    tags = tag_mapping(one.get("TagList"))
    return None if one.get("SnapshotType") == "automated" and not tags else tags


def _reachable(one: dict[str, Any]) -> tuple[Access, ...]:
    return (Access(principal=ANYBODY, by="a public address"),) if one.get("PubliclyAccessible") else ()


def _restorable(reader: Reader, attributes: Any) -> tuple[Access, ...]:
    names = [
        str(value)
        for one in attributes
        if one.get("AttributeName") == "restore"
        for value in one.get("AttributeValues") or ()
    ]
    strangers = (name for name in names if name not in reader.ours.accounts)
    return tuple(Access(principal=ANYBODY if name == "all" else name, by="attribute restore") for name in strangers)


def _replicas(reader: Reader, kind: str, names: list[str]) -> tuple[Flow, ...]:
    """Replicas in the same region are told by name, others by ARN."""
    arns = [
        name if name.startswith("arn:") else f"arn:aws:rds:{reader.region}:{reader.account}:{kind}:{name}"
        for name in names
    ]
    return tuple(_flow(arn, "read replica") for arn in arns)


def _copied_backups(reader: Reader) -> dict[str, tuple[Flow, ...]]:
    """Automated backups that are replicated to another region, by the ARN of their instance."""
    listed = reader.details(
        "rds", "describe_db_instance_automated_backups", "DBInstanceAutomatedBackups", about="all instances"
    )
    return {
        str(one["DBInstanceArn"]): tuple(
            _flow(str(copy["DBInstanceAutomatedBackupsArn"]), "replicated automated backups")
            for copy in one.get("DBInstanceAutomatedBackupsReplications") or ()
        )
        for one in listed
        if one.get("DBInstanceArn")
    }


def _flow(arn: str, by: str) -> Flow:
    return Flow(target=arn, by=by, region=arn.split(":")[3] or None, account=account_of(arn))


def _parameters(reader: Reader, known: dict[str, dict[str, str]], operation: str, group: str) -> dict[str, str]:
    """What somebody set in a parameter group, of the parameters that ask for TLS."""
    # What nobody set is the engine's default: a default group cannot be changed.
    if group and not group.startswith("default.") and group not in known:
        name = "DBClusterParameterGroupName" if "cluster" in operation else "DBParameterGroupName"
        listed = reader.details("rds", operation, "Parameters", about=group, **{name: group, "Source": "user"})
        known[group] = {
            str(one["ParameterName"]): str(one.get("ParameterValue", "")).lower()
            for one in listed
            if one.get("ParameterName") in _FORCES_TLS
        }
    return known.get(group, {})


def _plaintext(one: dict[str, Any], given: dict[str, str]) -> str | None:
    """How the database may be reached without TLS; engines that are not known to be asked for it are not judged."""
    engine, version = str(one.get("Engine", "")), str(one.get("EngineVersion", ""))
    if engine.endswith(("postgres", "postgresql")):
        name, major = "rds.force_ssl", version.split(".", maxsplit=1)[0]
        default = "1" if major.isdigit() and int(major) >= _POSTGRESQL_DEFAULTS_TO_TLS else "0"
    elif "mysql" in engine or engine == "mariadb":
        name, default = "require_secure_transport", "0"
    else:
        return None
    return None if given.get(name, default) in _FORCES_TLS[name] else f"{name} is off"
