"""What the audit knows to hold data, the rules on plans know as well: neither part has a list of its own memory."""

from __future__ import annotations

import pytest
from domicile_audit.kinds import KINDS
from domicile_policies.plan.holding import holdings, is_kept
from domicile_policies.plan.tokens import aws, kubernetes

# Each kind of the audit, by the types of the provider that make it, and by () where none does.
MADE_BY: dict[str, tuple[str, ...]] = {
    "s3:bucket": (aws("s3", "Bucket"), aws("s3", "DirectoryBucket")),
    "ec2:volume": (aws("ebs", "Volume"), aws("ec2", "Instance")),
    "ec2:snapshot": (aws("ebs", "Snapshot"), aws("ebs", "SnapshotCopy"), aws("ebs", "SnapshotImport")),
    "ec2:image": (aws("ec2", "Ami"), aws("ec2", "AmiCopy"), aws("ec2", "AmiFromInstance")),
    "rds:db": (aws("rds", "Instance"), aws("rds", "ClusterInstance"), aws("docdb", "ClusterInstance")),
    "rds:cluster": (aws("rds", "Cluster"), aws("docdb", "Cluster"), aws("neptune", "Cluster")),
    "rds:global-cluster": (aws("rds", "GlobalCluster"),),
    "rds:snapshot": (aws("rds", "Snapshot"), aws("rds", "SnapshotCopy")),
    "rds:cluster-snapshot": (aws("rds", "ClusterSnapshot"), aws("rds", "ClusterSnapshotCopy")),
    "dynamodb:table": (aws("dynamodb", "Table"), aws("dynamodb", "GlobalTable")),
    "dynamodb:backup": (),
    "elasticache:replicationgroup": (aws("elasticache", "ReplicationGroup"),),
    "elasticache:cluster": (aws("elasticache", "Cluster"),),
    "elasticache:serverlesscache": (aws("elasticache", "ServerlessCache"),),
    "elasticache:snapshot": (),
    "memorydb:cluster": (aws("memorydb", "Cluster"),),
    "memorydb:snapshot": (aws("memorydb", "Snapshot"),),
    "elasticfilesystem:file-system": (aws("efs", "FileSystem"),),
    "fsx:file-system": (aws("fsx", "LustreFileSystem"), aws("fsx", "OntapFileSystem"), aws("fsx", "WindowsFileSystem")),
    "fsx:backup": (aws("fsx", "Backup"),),
    "ecr:repository": (aws("ecr", "Repository"),),
    "secretsmanager:secret": (aws("secretsmanager", "Secret"),),
    "ssm:parameter": (aws("ssm", "Parameter"),),
    "kms:key": (aws("kms", "Key"),),
    "sqs:queue": (aws("sqs", "Queue"),),
    "sns:topic": (aws("sns", "Topic"),),
    "kinesis:stream": (aws("kinesis", "Stream"),),
    "firehose:deliverystream": (aws("kinesis", "FirehoseDeliveryStream"),),
    "mq:broker": (aws("mq", "Broker"),),
    "kafka:cluster": (aws("msk", "Cluster"), aws("msk", "ServerlessCluster")),
    "logs:log-group": (aws("cloudwatch", "LogGroup"),),
    "cloudtrail:trail": (aws("cloudtrail", "Trail"),),
    "es:domain": (aws("opensearch", "Domain"), aws("elasticsearch", "Domain")),
    "redshift:cluster": (aws("redshift", "Cluster"),),
    "redshift:snapshot": (aws("redshift", "ClusterSnapshot"),),
    "backup:backup-vault": (aws("backup", "Vault"),),
    "backup:backup-plan": (aws("backup", "Plan"),),
    "backup:recovery-point": (),
    "glacier:vault": (aws("glacier", "Vault"),),
    "athena:workgroup": (aws("athena", "Workgroup"),),
    "glue:catalog": (aws("glue", "Catalog"), aws("glue", "CatalogDatabase"), aws("glue", "Connection")),
    "eks:cluster": (aws("eks", "Cluster"),),
    "lambda:function": (aws("lambda", "Function"),),
    "dms:rep": (aws("dms", "ReplicationInstance"),),
    "datasync:task": (aws("datasync", "Task"),),
    "timestream:database": (aws("timestreamwrite", "Database"),),
    "ram:resource-share": (aws("ram", "ResourceShare"),),
    "kubernetes:node": (),
    "kubernetes:persistentvolume": (kubernetes("core/v1", "PersistentVolume"),),
    "kubernetes:secrets": (),
    "kubernetes:tenant": (kubernetes("casino.domicile.dev/v1alpha1", "CasinoTenant"),),
}
PASSES_THROUGH = {
    "sns:topic", "firehose:deliverystream", "backup:backup-plan", "athena:workgroup", "datasync:task",
    "ram:resource-share",
}  # fmt: skip
"""Kinds that the audit looks at because of where they send data; it rests where they send it."""


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_audit_knows_to_hold_data_the_rules_on_plans_keep(kind: str) -> None:
    assert kind in MADE_BY, f"say which of the provider's types make a {kind}, and put them into holding.yaml"
    for token in MADE_BY[kind]:
        assert token in holdings(), f"{token} makes a {kind} and is in no class of holding.yaml"
        assert is_kept(token) is (kind not in PASSES_THROUGH), token


def test_no_kind_stands_here_that_the_audit_does_not_know() -> None:
    assert MADE_BY.keys() == KINDS.keys() and KINDS.keys() >= PASSES_THROUGH
