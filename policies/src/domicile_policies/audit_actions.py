"""The actions of IAM that the audit's role needs: the calls that the audit makes, and no other.

The audit makes them and the organisation's stack allows them; a test holds this list against the audit's source. None
returns what a thing holds. Source for the names: the
service authorization reference; S3's differ from its operations.
"""

_OPERATIONS = {
    "athena": "GetWorkGroup ListTagsForResource ListWorkGroups",
    "backup": (
        "GetBackupPlan GetBackupVaultAccessPolicy ListBackupPlans ListBackupVaults "
        "ListRecoveryPointsByBackupVault ListTags"
    ),
    "cloudtrail": "DescribeTrails ListTags",
    "datasync": "DescribeTask ListLocations ListTagsForResource ListTasks",
    "dms": "DescribeEndpoints DescribeReplicationInstances DescribeReplicationTasks ListTagsForResource",
    "dynamodb": "DescribeBackup DescribeTable GetResourcePolicy ListBackups ListTables ListTagsOfResource",
    "ec2": (
        "DescribeImageAttribute DescribeImages DescribeRegions DescribeSnapshotAttribute "
        "DescribeSnapshots DescribeVolumes"
    ),
    "ecr": "DescribeRegistry DescribeRepositories GetRegistryPolicy GetRepositoryPolicy ListTagsForResource",
    "eks": "DescribeCluster ListClusters",
    "elasticache": (
        "DescribeCacheClusters DescribeGlobalReplicationGroups DescribeReplicationGroups "
        "DescribeServerlessCaches DescribeSnapshots ListTagsForResource"
    ),
    "elasticfilesystem": "DescribeFileSystemPolicy DescribeFileSystems DescribeReplicationConfigurations",
    "es": "DescribeDomain ListDomainNames ListTags",
    "firehose": "DescribeDeliveryStream ListDeliveryStreams ListTagsForDeliveryStream",
    "fsx": "DescribeBackups DescribeFileSystems",
    "glacier": "GetVaultAccessPolicy ListTagsForVault ListVaults",
    "glue": "GetDataCatalogEncryptionSettings GetDatabases GetResourcePolicy",
    "kafka": "GetClusterPolicy ListClustersV2",
    "kinesis": "DescribeStreamSummary GetResourcePolicy ListStreams ListTagsForStream",
    "kms": "DescribeKey GetKeyPolicy ListAliases ListGrants ListKeys ListResourceTags",
    "lambda": "GetPolicy ListFunctions ListTags",
    "logs": "DescribeLogGroups DescribeSubscriptionFilters ListTagsForResource",
    "memorydb": "DescribeClusters DescribeMultiRegionClusters DescribeSnapshots ListTags",
    "mq": "DescribeBroker ListBrokers",
    "organizations": "DescribeOrganization ListAccounts",
    "ram": "GetResourceShareAssociations GetResourceShares",
    "rds": (
        "DescribeDBClusterParameters DescribeDBClusterSnapshotAttributes DescribeDBClusterSnapshots "
        "DescribeDBClusters DescribeDBInstanceAutomatedBackups DescribeDBInstances DescribeDBParameters "
        "DescribeDBSnapshotAttributes DescribeDBSnapshots DescribeGlobalClusters"
    ),
    "redshift": "DescribeClusterSnapshots DescribeClusters DescribeDataShares",
    "s3": (
        "GetAccountPublicAccessBlock GetBucketAcl GetBucketLocation GetBucketObjectLockConfiguration "
        "GetBucketPolicy GetBucketPolicyStatus GetBucketPublicAccessBlock GetBucketTagging "
        "GetEncryptionConfiguration GetReplicationConfiguration ListAllMyBuckets"
    ),
    "secretsmanager": "DescribeSecret GetResourcePolicy ListSecrets",
    "sns": "GetTopicAttributes ListSubscriptions ListTagsForResource ListTopics",
    "sqs": "GetQueueAttributes ListQueueTags ListQueues",
    "ssm": "DescribeParameters GetResourcePolicies ListTagsForResource",
    "sts": "GetCallerIdentity",
    "tag": "GetResources",
    "timestream": "DescribeEndpoints ListDatabases ListTagsForResource",
}
_RENAMED_OF_S3 = {
    "GetBucketEncryption": "GetEncryptionConfiguration",
    "GetBucketReplication": "GetReplicationConfiguration",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "ListBuckets": "ListAllMyBuckets",
}
_PREFIXES = {
    "efs": "elasticfilesystem",
    "opensearch": "es",
    "resourcegroupstaggingapi": "tag",
    "timestream-write": "timestream",
}

ACTIONS = frozenset(f"{prefix}:{name}" for prefix, names in _OPERATIONS.items() for name in names.split())
"""As IAM spells them, such as `s3:ListAllMyBuckets`."""


def action_of(service: str, operation: str) -> str:
    """The action that a call of boto3's service and an API's operation needs."""
    if service == "s3control":
        return "s3:GetAccountPublicAccessBlock"
    name = _RENAMED_OF_S3.get(operation, operation) if service == "s3" else operation
    return f"{_PREFIXES.get(service, service)}:{name}"
