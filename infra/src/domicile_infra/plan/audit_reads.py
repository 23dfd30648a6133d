"""The calls that `domicile audit` makes of a cloud account: its role may make these, and no other.

None of them returns what a resource holds: no object, no secret's value, no log line, no row.
"""

from typing import Any

READS: dict[str, tuple[str, ...]] = {
    "athena": (
        "GetWorkGroup",
        "ListTagsForResource",
        "ListWorkGroups",
    ),
    "backup": (
        "GetBackupPlan",
        "GetBackupVaultAccessPolicy",
        "ListBackupPlans",
        "ListBackupVaults",
        "ListRecoveryPointsByBackupVault",
        "ListTags",
    ),
    "cloudtrail": (
        "DescribeTrails",
        "ListTags",
    ),
    "datasync": (
        "DescribeTask",
        "ListLocations",
        "ListTagsForResource",
        "ListTasks",
    ),
    "dms": (
        "DescribeEndpoints",
        "DescribeReplicationInstances",
        "DescribeReplicationTasks",
        "ListTagsForResource",
    ),
    "dynamodb": (
        "DescribeBackup",
        "DescribeTable",
        "GetResourcePolicy",
        "ListBackups",
        "ListTables",
        "ListTagsOfResource",
    ),
    "ec2": (
        "DescribeImageAttribute",
        "DescribeImages",
        "DescribeRegions",
        "DescribeSnapshotAttribute",
        "DescribeSnapshots",
        "DescribeVolumes",
    ),
    "ecr": (
        "DescribeRegistry",
        "DescribeRepositories",
        "GetRegistryPolicy",
        "GetRepositoryPolicy",
        "ListTagsForResource",
    ),
    "eks": (
        "DescribeCluster",
        "ListClusters",
    ),
    "elasticache": (
        "DescribeCacheClusters",
        "DescribeGlobalReplicationGroups",
        "DescribeReplicationGroups",
        "DescribeServerlessCaches",
        "DescribeSnapshots",
        "ListTagsForResource",
    ),
    "elasticfilesystem": (
        "DescribeFileSystemPolicy",
        "DescribeFileSystems",
        "DescribeReplicationConfigurations",
    ),
    "es": (
        "DescribeDomain",
        "ListDomainNames",
        "ListTags",
    ),
    "firehose": (
        "DescribeDeliveryStream",
        "ListDeliveryStreams",
        "ListTagsForDeliveryStream",
    ),
    "fsx": (
        "DescribeBackups",
        "DescribeFileSystems",
    ),
    "glacier": (
        "GetVaultAccessPolicy",
        "ListTagsForVault",
        "ListVaults",
    ),
    "glue": (
        "GetDataCatalogEncryptionSettings",
        "GetDatabases",
        "GetResourcePolicy",
    ),
    "kafka": (
        "GetClusterPolicy",
        "ListClustersV2",
    ),
    "kinesis": (
        "DescribeStreamSummary",
        "GetResourcePolicy",
        "ListStreams",
        "ListTagsForStream",
    ),
    "kms": (
        "DescribeKey",
        "GetKeyPolicy",
        "ListAliases",
        "ListGrants",
        "ListKeys",
        "ListResourceTags",
    ),
    "lambda": (
        "GetPolicy",
        "ListFunctions",
        "ListTags",
    ),
    "logs": (
        "DescribeLogGroups",
        "DescribeSubscriptionFilters",
        "ListTagsForResource",
    ),
    "memorydb": (
        "DescribeClusters",
        "DescribeMultiRegionClusters",
        "DescribeSnapshots",
        "ListTags",
    ),
    "mq": (
        "DescribeBroker",
        "ListBrokers",
    ),
    "organizations": (
        "DescribeOrganization",
        "ListAccounts",
    ),
    "ram": (
        "GetResourceShareAssociations",
        "GetResourceShares",
    ),
    "rds": (
        "DescribeDBClusterParameters",
        "DescribeDBClusterSnapshotAttributes",
        "DescribeDBClusterSnapshots",
        "DescribeDBClusters",
        "DescribeDBInstanceAutomatedBackups",
        "DescribeDBInstances",
        "DescribeDBParameters",
        "DescribeDBSnapshotAttributes",
        "DescribeDBSnapshots",
        "DescribeGlobalClusters",
    ),
    "redshift": (
        "DescribeClusterSnapshots",
        "DescribeClusters",
        "DescribeDataShares",
    ),
    "s3": (
        "GetAccountPublicAccessBlock",
        "GetBucketAcl",
        "GetBucketLocation",
        "GetBucketObjectLockConfiguration",
        "GetBucketPolicy",
        "GetBucketPolicyStatus",
        "GetBucketPublicAccessBlock",
        "GetBucketTagging",
        "GetEncryptionConfiguration",
        "GetReplicationConfiguration",
        "ListAllMyBuckets",
    ),
    "secretsmanager": (
        "DescribeSecret",
        "GetResourcePolicy",
        "ListSecrets",
    ),
    "sns": (
        "GetTopicAttributes",
        "ListSubscriptions",
        "ListTagsForResource",
        "ListTopics",
    ),
    "sqs": (
        "GetQueueAttributes",
        "ListQueueTags",
        "ListQueues",
    ),
    "ssm": (
        "DescribeParameters",
        "GetResourcePolicies",
        "ListTagsForResource",
    ),
    "sts": ("GetCallerIdentity",),
    "tag": ("GetResources",),
    "timestream": (
        "DescribeEndpoints",
        "ListDatabases",
        "ListTagsForResource",
    ),
}
"""The actions, by the service's prefix in IAM."""


def audit_document() -> dict[str, Any]:
    """The policy of the audit's role."""
    actions = sorted(f"{service}:{action}" for service, calls in READS.items() for action in calls)
    statement = {"Sid": "ReadBackWhatExists", "Effect": "Allow", "Action": actions, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}
