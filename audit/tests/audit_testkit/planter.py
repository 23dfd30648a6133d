"""Plants what an audit must find: every type of thing that holds data, with each fault that the type can have.

It makes things as somebody would who goes past the policies: with the cloud's own API.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from audit_testkit import databases, services, storage
from audit_testkit.faults import Fault, Spec, spec
from audit_testkit.world import BESIDE, BEYOND, CELL, World

W, S, U, R = Fault.WRONG_PLACE, Fault.SHARED_OUTSIDE, Fault.UNENCRYPTED, Fault.REPLICATED
_USUAL = {
    W: {"wrong-place"},
    S: {"shared-outside"},
    U: {"unencrypted"},
    R: {"replicated-outside"},
    Fault.NONE: set(),
}
_COPY = {W: {"backup-outside"}}
_PROVIDER = {U: {"key-not-ours"}}
_PUBLIC = {S: {"public"}}
_ELSEWHERE = {S: {"replicated-outside"}}

NO_SHARING = "it has no policy and no permission, and is reached through its network alone"
NO_COPYING = "it copies nothing by itself; a copy is another thing of its type, planted in the wrong place"
NOTHING_AT_REST = "it holds no data itself"


@dataclass(frozen=True)
class Plant:
    """How a type is made. `rules` says which rules a fault breaks where they are not the usual ones.

    `cannot` says why the type cannot have a fault. `account` says where a fault is planted
    that is of everything in an account.
    """

    make: Callable[[Spec], str]
    rules: Mapping[Fault, set[str]] = field(default_factory=dict)
    cannot: Mapping[Fault, str] = field(default_factory=dict)
    account: Mapping[Fault, str] = field(default_factory=dict)

    def expected(self, fault: Fault) -> set[str]:
        """The ids of the rules that the fault breaks, and no others."""
        return {**_USUAL, **self.rules}[fault]


PLANTS: Mapping[str, Plant] = {
    "s3:bucket": Plant(storage.bucket),
    "ec2:volume": Plant(storage.volume, cannot={S: "only its snapshots can be shared", R: NO_COPYING}),
    "ec2:snapshot": Plant(storage.snapshot, _COPY, {R: NO_COPYING}),
    "ec2:image": Plant(storage.image, _COPY, {R: NO_COPYING}),
    "rds:db": Plant(databases.instance, _PUBLIC),
    "rds:cluster": Plant(databases.cluster, _PUBLIC),
    "rds:global-cluster": Plant(
        databases.global_cluster,
        cannot={
            W: "it stands in no region; its members do",
            S: NO_SHARING,
            U: "its storage is its members'",
        },
    ),
    "rds:snapshot": Plant(databases.instance_snapshot, _COPY, {R: NO_COPYING}),
    "rds:cluster-snapshot": Plant(databases.cluster_snapshot, _COPY, {R: NO_COPYING}),
    "dynamodb:table": Plant(databases.table, _PROVIDER),
    "dynamodb:backup": Plant(databases.table_backup, _COPY | _PROVIDER, {S: "it cannot be shared", R: NO_COPYING}),
    "timestream:database": Plant(databases.timestream_database, _PROVIDER, {S: NO_SHARING, R: NO_COPYING}),
    "elasticache:replicationgroup": Plant(databases.replication_group, cannot={S: NO_SHARING}),
    "elasticache:cluster": Plant(
        databases.lone_cache,
        {W: {"wrong-place", "unencrypted"}},
        {Fault.NONE: "it cannot be encrypted, so that none is lawful", S: NO_SHARING, R: NO_COPYING},
    ),
    "elasticache:serverlesscache": Plant(databases.serverless_cache, _PROVIDER, {S: NO_SHARING, R: NO_COPYING}),
    "elasticache:snapshot": Plant(
        databases.cache_snapshot, _COPY, {S: "it is shared by exporting it to a bucket", R: NO_COPYING}
    ),
    "memorydb:cluster": Plant(databases.memorydb_cluster, _PROVIDER, {S: NO_SHARING}),
    "memorydb:snapshot": Plant(
        databases.memorydb_snapshot,
        _COPY | _PROVIDER,
        {S: "it is shared by exporting it to a bucket", R: NO_COPYING},
    ),
    "elasticfilesystem:file-system": Plant(storage.elastic_file_system),
    "fsx:file-system": Plant(storage.fsx_file_system, _PROVIDER, {S: NO_SHARING}),
    "fsx:backup": Plant(storage.fsx_backup, _COPY | _PROVIDER, {S: "it cannot be shared", R: NO_COPYING}),
    "ecr:repository": Plant(storage.repository, _PROVIDER, account={R: BESIDE}),
    "secretsmanager:secret": Plant(services.secret, _PROVIDER),
    "ssm:parameter": Plant(services.parameter, cannot={R: NO_COPYING}),
    "kms:key": Plant(
        services.key,
        {R: {"replicated-outside", "multi-region-key"}},
        {U: "it is what encrypts"},
    ),
    "sqs:queue": Plant(services.queue, cannot={R: NO_COPYING}),
    "sns:topic": Plant(services.topic),
    "mq:broker": Plant(services.broker, _PROVIDER | _PUBLIC, {R: NO_COPYING}),
    "kafka:cluster": Plant(services.kafka, _PROVIDER, {R: NO_COPYING}),
    "kinesis:stream": Plant(services.stream, cannot={R: NO_COPYING}),
    "firehose:deliverystream": Plant(services.delivery_stream, _ELSEWHERE),
    "logs:log-group": Plant(services.log_group, _PROVIDER | _ELSEWHERE),
    "cloudtrail:trail": Plant(services.trail, _PROVIDER | _ELSEWHERE),
    "es:domain": Plant(services.search_domain, cannot={R: NO_COPYING}),
    "redshift:cluster": Plant(databases.warehouse, _PUBLIC),
    "redshift:snapshot": Plant(databases.warehouse_snapshot, _COPY, {R: NO_COPYING}),
    "backup:backup-vault": Plant(storage.backup_vault, _PROVIDER, {R: "plans copy, and are planted as such"}),
    "backup:backup-plan": Plant(
        storage.backup_plan, _ELSEWHERE | {W: {"wrong-place", "replicated-outside"}}, {U: NOTHING_AT_REST}
    ),
    "backup:recovery-point": Plant(
        storage.recovery_point, _COPY, {S: "it is shared as its vault is", R: "plans copy, and are planted as such"}
    ),
    "glacier:vault": Plant(
        storage.archive, cannot={U: "it is always encrypted, with a key of the service's", R: NO_COPYING}
    ),
    "athena:workgroup": Plant(services.workgroup, _ELSEWHERE),
    "glue:catalog": Plant(
        services.data_catalog,
        cannot={R: NO_COPYING},
        account={S: BESIDE, U: BEYOND},
    ),
    "eks:cluster": Plant(services.kubernetes, _PUBLIC, {R: NO_COPYING}),
    "lambda:function": Plant(services.function, _PROVIDER, {R: NO_COPYING}),
    "dms:rep": Plant(services.replication_instance, _PROVIDER | _PUBLIC),
    "datasync:task": Plant(services.transfer_task, _ELSEWHERE, {U: NOTHING_AT_REST}),
    "ram:resource-share": Plant(
        services.resource_share, cannot={U: NOTHING_AT_REST, R: "whoever it lets in copies; it does not"}
    ),
}
"""Every type that the audit reads."""


def cases() -> list[tuple[str, Fault]]:
    """Every type with every fault that it can have, lawful things among them."""
    return [(kind, fault) for kind, plant in PLANTS.items() for fault in Fault if fault not in plant.cannot]


def plant(world: World, kind: str, fault: Fault) -> str:
    """Makes a thing of the type with the fault; its ARN."""
    one = PLANTS[kind]
    return one.make(spec(world, fault, one.account.get(fault, CELL)))
