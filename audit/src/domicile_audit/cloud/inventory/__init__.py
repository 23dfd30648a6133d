"""Every collector: what it is called in an evidence file, and how it reads."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from domicile_audit.cloud.inventory import (
    analytics,
    backups,
    caches,
    ec2,
    files,
    logs,
    messaging,
    nosql,
    programs,
    rds,
    s3,
    secrets,
    tagging,
)
from domicile_audit.cloud.reader import Reader
from domicile_audit.holding import Holding, Key, Tagged


@dataclass(frozen=True, slots=True)
class Collector:
    """Reads one type of thing. `regional` is False of a service that lists an account's things of all regions."""

    name: str
    read: Callable[[Reader], Iterable[Holding | Key | Tagged]]
    regional: bool = True


COLLECTORS = (
    Collector("s3 buckets", s3.buckets, regional=False),
    Collector("ec2 volumes", ec2.volumes),
    Collector("ec2 snapshots", ec2.snapshots),
    Collector("ec2 images", ec2.images),
    Collector("rds instances", rds.instances),
    Collector("rds clusters", rds.clusters),
    Collector("rds global clusters", rds.global_clusters),
    Collector("rds snapshots", rds.instance_snapshots),
    Collector("rds cluster snapshots", rds.cluster_snapshots),
    Collector("dynamodb tables", nosql.tables),
    Collector("dynamodb backups", nosql.table_backups),
    Collector("timestream databases", nosql.timestream_databases),
    Collector("elasticache replication groups", caches.replication_groups),
    Collector("elasticache clusters", caches.lone_clusters),
    Collector("elasticache serverless caches", caches.serverless_caches),
    Collector("elasticache snapshots", caches.cache_snapshots),
    Collector("memorydb clusters", caches.memorydb_clusters),
    Collector("memorydb snapshots", caches.memorydb_snapshots),
    Collector("efs file systems", files.elastic_file_systems),
    Collector("fsx file systems", files.fsx_file_systems),
    Collector("fsx backups", files.fsx_backups),
    Collector("ecr repositories", programs.repositories),
    Collector("secretsmanager secrets", secrets.secrets),
    Collector("ssm parameters", secrets.parameters),
    Collector("kms keys", secrets.kms_keys),
    Collector("sqs queues", messaging.queues),
    Collector("sns topics", messaging.topics),
    Collector("mq brokers", messaging.brokers),
    Collector("kafka clusters", messaging.kafka_clusters),
    Collector("kinesis streams", messaging.streams),
    Collector("firehose delivery streams", messaging.delivery_streams),
    Collector("logs log groups", logs.log_groups),
    Collector("cloudtrail trails", logs.trails),
    Collector("opensearch domains", analytics.search_domains),
    Collector("redshift clusters", analytics.warehouses),
    Collector("redshift snapshots", analytics.warehouse_snapshots),
    Collector("athena workgroups", analytics.workgroups),
    Collector("glue catalogues", analytics.data_catalogs),
    Collector("dms replication instances", analytics.replication_instances),
    Collector("backup vaults", backups.vaults),
    Collector("backup plans", backups.plans),
    Collector("glacier vaults", backups.archives),
    Collector("eks clusters", programs.clusters),
    Collector("lambda functions", programs.functions),
    Collector("datasync tasks", programs.transfer_tasks),
    Collector("ram shares", programs.shares),
    Collector("tagged resources", tagging.tagged),
)
