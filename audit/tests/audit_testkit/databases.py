"""Builds databases and caches, with their snapshots."""

from typing import Any

from audit_testkit.faults import Spec, tags
from audit_testkit.world import AWAY, STRANGER

_POSTGRESQL = {"Engine": "postgres", "EngineVersion": "16.4"}
_AURORA = {"Engine": "aurora-postgresql", "EngineVersion": "16.4"}
_LOGIN = {"MasterUsername": "owner", "MasterUserPassword": "not-a-real-password"}


def _storage(spec: Spec) -> dict[str, Any]:
    return {"StorageEncrypted": True, "KmsKeyId": spec.key} if spec.encrypted else {"StorageEncrypted": False}


def _instance(spec: Spec, **more: Any) -> dict[str, Any]:
    made = spec("rds").create_db_instance(
        DBInstanceIdentifier=spec.name("db"),
        DBInstanceClass="db.m7g.large",
        AllocatedStorage=20,
        PubliclyAccessible=more.pop("public", False),
        Tags=tags(),
        **_POSTGRESQL,
        **_LOGIN,
        **_storage(spec),
    )
    return dict(made["DBInstance"])


def instance(spec: Spec) -> str:
    one = _instance(spec, public=spec.shared)
    if spec.replicated:
        far = spec.hand.elsewhere(AWAY)
        # Encrypted and tagged as it should be: where it stands is what is wrong with it.
        far("rds").create_db_instance_read_replica(
            DBInstanceIdentifier=spec.name("replica"),
            SourceDBInstanceIdentifier=one["DBInstanceArn"],
            KmsKeyId=far.key,
            Tags=tags(),
        )
    return str(one["DBInstanceArn"])


def _cluster(spec: Spec, **more: Any) -> dict[str, Any]:
    made = spec("rds").create_db_cluster(
        DBClusterIdentifier=spec.name("cluster"), Tags=tags(), **_AURORA, **_LOGIN, **_storage(spec), **more
    )
    return dict(made["DBCluster"])


def cluster(spec: Spec) -> str:
    one = _cluster(spec)
    arn = str(one["DBClusterArn"])

    def change(answer: dict[str, Any]) -> None:
        # moto keeps neither of a cluster.
        for each in answer.get("DBClusters", ()):
            if each["DBClusterArn"] == arn and spec.shared:
                each["PubliclyAccessible"] = True
            if each["DBClusterArn"] == arn and spec.replicated:
                each["ReadReplicaIdentifiers"] = [f"arn:aws:rds:{AWAY}:{spec.account}:cluster:replica"]

    spec.amend("rds", "DescribeDBClusters", change)
    return arn


def global_cluster(spec: Spec) -> str:
    name = spec.name("global")
    made = spec("rds").create_global_cluster(GlobalClusterIdentifier=name, StorageEncrypted=True, **_AURORA)
    arn = str(made["GlobalCluster"]["GlobalClusterArn"])

    def change(answer: dict[str, Any]) -> None:
        # moto has no tags of global clusters, and no members but those of its own region.
        for each in answer.get("GlobalClusters", ()):
            if each["GlobalClusterArn"] == arn:
                each["TagList"] = tags()
                regions = [spec.region, AWAY] if spec.replicated else [spec.region]
                each["GlobalClusterMembers"] = [
                    {"DBClusterArn": f"arn:aws:rds:{region}:{spec.account}:cluster:{name}"} for region in regions
                ]

    for region in (spec.region, AWAY):
        spec.hand.world.shelf.amend("rds", "DescribeGlobalClusters", spec.account, region, change)
    return arn


def instance_snapshot(spec: Spec) -> str:
    one, rds = _instance(spec), spec("rds")
    made = rds.create_db_snapshot(
        DBSnapshotIdentifier=spec.name("snapshot"), DBInstanceIdentifier=one["DBInstanceIdentifier"], Tags=tags()
    )["DBSnapshot"]
    rds.delete_db_instance(DBInstanceIdentifier=one["DBInstanceIdentifier"], SkipFinalSnapshot=True)
    if spec.shared:
        rds.modify_db_snapshot_attribute(
            DBSnapshotIdentifier=made["DBSnapshotIdentifier"], AttributeName="restore", ValuesToAdd=[STRANGER]
        )
    return str(made["DBSnapshotArn"])


def cluster_snapshot(spec: Spec) -> str:
    one, rds = _cluster(spec), spec("rds")
    made = rds.create_db_cluster_snapshot(
        DBClusterSnapshotIdentifier=spec.name("snapshot"), DBClusterIdentifier=one["DBClusterIdentifier"], Tags=tags()
    )["DBClusterSnapshot"]
    rds.delete_db_cluster(DBClusterIdentifier=one["DBClusterIdentifier"], SkipFinalSnapshot=True)
    if spec.shared:
        rds.modify_db_cluster_snapshot_attribute(
            DBClusterSnapshotIdentifier=made["DBClusterSnapshotIdentifier"],
            AttributeName="restore",
            ValuesToAdd=[STRANGER],
        )
    return str(made["DBClusterSnapshotArn"])


def _table(spec: Spec, **more: Any) -> dict[str, Any]:
    key = {"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": spec.key}
    made = spec("dynamodb").create_table(
        TableName=spec.name("table"),
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        Tags=tags(),
        **({"SSESpecification": key} if spec.encrypted else {}),
        **more,
    )
    return dict(made["TableDescription"])


def table(spec: Spec) -> str:
    one = _table(spec, StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"})
    arn = str(one["TableArn"])
    if spec.shared:
        spec("dynamodb").put_resource_policy(ResourceArn=arn, Policy=spec.policy("dynamodb:GetItem", arn))

    def change(answer: dict[str, Any]) -> None:
        # moto has no replicas; AWS lists the table's own region among them.
        told = answer.get("Table", {})
        if told.get("TableArn") == arn and spec.replicated:
            told["Replicas"] = [{"RegionName": region, "ReplicaStatus": "ACTIVE"} for region in (spec.region, AWAY)]

    spec.amend("dynamodb", "DescribeTable", change)
    return arn


def table_backup(spec: Spec) -> str:
    one, dynamodb = _table(spec), spec("dynamodb")
    made = dynamodb.create_backup(TableName=one["TableName"], BackupName=spec.name("backup"))["BackupDetails"]
    dynamodb.delete_table(TableName=one["TableName"])
    arn = str(made["BackupArn"])

    def change(answer: dict[str, Any]) -> None:
        # moto keeps no key of a backup.
        told = answer.get("BackupDescription", {})
        if told.get("BackupDetails", {}).get("BackupArn") == arn and spec.encrypted:
            key = {"Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": spec.key}
            told.setdefault("SourceTableFeatureDetails", {})["SSEDescription"] = key

    spec.amend("dynamodb", "DescribeBackup", change)
    return arn


def timestream_database(spec: Spec) -> str:
    key = {"KmsKeyId": spec.key} if spec.encrypted else {}
    name = spec.name("database")
    made = spec("timestream-write").create_database(DatabaseName=name, Tags=tags(), **key)
    arn = str(made["Database"]["Arn"])

    def change(answer: dict[str, Any]) -> None:
        for one in answer.get("Databases", ()):
            if one["Arn"] == arn and not spec.encrypted:
                one["KmsKeyId"] = f"arn:aws:kms:{spec.region}:{spec.account}:alias/aws/timestream"

    spec.amend("timestream-write", "ListDatabases", change)
    return arn


def _group(spec: Spec) -> dict[str, Any]:
    key = {"AtRestEncryptionEnabled": True, "KmsKeyId": spec.key} if spec.encrypted else {}
    made = spec("elasticache").create_replication_group(
        ReplicationGroupId=spec.name("cache"),
        ReplicationGroupDescription="sessions",
        Engine="redis",
        CacheNodeType="cache.m7g.large",
        NumNodeGroups=1,
        ReplicasPerNodeGroup=0,
        TransitEncryptionEnabled=True,
        Tags=tags(),
        **key,
    )
    return dict(made["ReplicationGroup"])


def replication_group(spec: Spec) -> str:
    one = _group(spec)
    name, arn = one["ReplicationGroupId"], str(one["ARN"])
    if spec.replicated:
        datastore = spec.name("datastore")

        def change(answer: dict[str, Any]) -> None:
            for each in answer.get("ReplicationGroups", ()):
                if each["ReplicationGroupId"] == name:
                    each["GlobalReplicationGroupInfo"] = {
                        "GlobalReplicationGroupId": datastore,
                        "GlobalReplicationGroupMemberRole": "PRIMARY",
                    }

        spec.amend("elasticache", "DescribeReplicationGroups", change)
        members = [
            {"ReplicationGroupId": name, "ReplicationGroupRegion": spec.region, "Role": "PRIMARY"},
            {"ReplicationGroupId": name, "ReplicationGroupRegion": AWAY, "Role": "SECONDARY"},
        ]
        told = {"GlobalReplicationGroups": [{"GlobalReplicationGroupId": datastore, "Members": members}]}
        about = {"parameter": "GlobalReplicationGroupId", "value": datastore}
        spec.stock("elasticache", "DescribeGlobalReplicationGroups", told, **about)
    return arn


def lone_cache(spec: Spec) -> str:
    name = spec.name("lone")
    arn = spec.arn("elasticache", f"cluster:{name}")
    spec("elasticache").create_cache_cluster(
        CacheClusterId=name, Engine="redis", CacheNodeType="cache.t4g.small", NumCacheNodes=1, Tags=tags()
    )

    def change(answer: dict[str, Any]) -> None:
        for each in answer.get("CacheClusters", ()):
            if each["CacheClusterId"] == name:
                each.update(ARN=arn, TransitEncryptionEnabled=True)

    spec.amend("elasticache", "DescribeCacheClusters", change)
    return arn


def serverless_cache(spec: Spec) -> str:
    name = spec.name("serverless")
    arn = spec.arn("elasticache", f"serverlesscache:{name}")
    cache = {"ServerlessCacheName": name, "ARN": arn, **({"KmsKeyId": spec.key} if spec.encrypted else {})}
    spec.stock("elasticache", "DescribeServerlessCaches", {"ServerlessCaches": [cache]})
    spec.stock("elasticache", "ListTagsForResource", {"TagList": tags()}, parameter="ResourceName", value=arn)
    return arn


def cache_snapshot(spec: Spec) -> str:
    one, elasticache = _group(spec), spec("elasticache")
    name = spec.name("snapshot")
    key = {"KmsKeyId": spec.key} if spec.encrypted else {}
    made = elasticache.create_snapshot(
        SnapshotName=name, ReplicationGroupId=one["ReplicationGroupId"], Tags=tags(), **key
    )
    elasticache.delete_replication_group(ReplicationGroupId=one["ReplicationGroupId"])
    return str(made["Snapshot"]["ARN"])


def memorydb_cluster(spec: Spec) -> str:
    key = {"KmsKeyId": spec.key} if spec.encrypted else {}
    name = spec.name("memory")
    made = spec("memorydb").create_cluster(
        ClusterName=name, NodeType="db.r7g.large", ACLName="open-access", TLSEnabled=True, Tags=tags(), **key
    )
    if spec.replicated:
        group = spec.name("multi")

        def change(answer: dict[str, Any]) -> None:
            for each in answer.get("Clusters", ()):
                if each["Name"] == name:
                    each["MultiRegionClusterName"] = group

        spec.amend("memorydb", "DescribeClusters", change)
        members = [
            {"ClusterName": name, "Region": region, "ARN": f"arn:aws:memorydb:{region}:{spec.account}:cluster/{name}"}
            for region in (spec.region, AWAY)
        ]
        told = {"MultiRegionClusters": [{"MultiRegionClusterName": group, "Clusters": members}]}
        about = {"parameter": "MultiRegionClusterName", "value": group}
        spec.stock("memorydb", "DescribeMultiRegionClusters", told, **about)
    return str(made["Cluster"]["ARN"])


def memorydb_snapshot(spec: Spec) -> str:
    key = {"KmsKeyId": spec.key} if spec.encrypted else {}
    memorydb = spec("memorydb")
    name = spec.name("memory")
    memorydb.create_cluster(ClusterName=name, NodeType="db.r7g.large", ACLName="open-access", Tags=tags(), **key)
    made = memorydb.create_snapshot(ClusterName=name, SnapshotName=spec.name("snapshot"), Tags=tags(), **key)
    memorydb.delete_cluster(ClusterName=name)
    return str(made["Snapshot"]["ARN"])


def warehouse(spec: Spec) -> str:
    name = spec.name("warehouse")
    redshift = spec("redshift")
    key = {"KmsKeyId": spec.key} if spec.encrypted else {}
    redshift.create_cluster(
        ClusterIdentifier=name,
        NodeType="ra3.large",
        Encrypted=spec.encrypted,
        PubliclyAccessible=spec.shared,
        Tags=tags(),
        **_LOGIN,
        **key,
    )
    _automatic_snapshots_with_key(spec, name, key)
    if spec.replicated:
        redshift.enable_snapshot_copy(
            ClusterIdentifier=name, DestinationRegion=AWAY, SnapshotCopyGrantName=_copy_grant(spec)
        )
    return spec.arn("redshift", f"cluster:{name}")


def _automatic_snapshots_with_key(spec: Spec, name: str, key: dict[str, str]) -> None:
    """A cluster's own snapshots have its key; moto's have none."""

    def change(answer: dict[str, Any]) -> None:
        for each in answer.get("Snapshots", ()):
            if each["ClusterIdentifier"] == name:
                each.update(key)

    spec.amend("redshift", "DescribeClusterSnapshots", change)


def _copy_grant(spec: Spec) -> str:
    name = spec.name("grant")
    spec("redshift").create_snapshot_copy_grant(SnapshotCopyGrantName=name, KmsKeyId=spec.key)
    return name


def warehouse_snapshot(spec: Spec) -> str:
    redshift, name, taken = spec("redshift"), spec.name("warehouse"), spec.name("snapshot")
    key = {"KmsKeyId": spec.key} if spec.encrypted else {}
    redshift.create_cluster(
        ClusterIdentifier=name, NodeType="ra3.large", Encrypted=spec.encrypted, Tags=tags(), **_LOGIN, **key
    )
    redshift.create_cluster_snapshot(SnapshotIdentifier=taken, ClusterIdentifier=name, Tags=tags())
    redshift.delete_cluster(ClusterIdentifier=name, SkipFinalClusterSnapshot=True)
    arn = spec.arn("redshift", f"snapshot:{name}/{taken}")

    def change(answer: dict[str, Any]) -> None:
        for each in answer.get("Snapshots", ()):
            if each["SnapshotIdentifier"] == taken:
                each["SnapshotArn"] = arn
                # moto keeps neither.
                each.update(Encrypted=spec.encrypted, **key)
                if spec.shared:
                    each["AccountsWithRestoreAccess"] = [{"AccountId": STRANGER}]

    spec.amend("redshift", "DescribeClusterSnapshots", change)
    return arn
