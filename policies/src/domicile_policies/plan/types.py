"""The resource types that a stack may have, and what each can be: tagged, encrypted, copied.

Tables of pulumi_aws 7. A type that is in none of the first two tables is refused: nobody has asked yet what it can do
with data. It is added with its lines in the tables below.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domicile_policies.plan.tokens import aws

Path = tuple[str, ...]

_TAGGED: dict[str, Path] = {
    "accessanalyzer": ("Analyzer",),
    "acm": ("Certificate",),
    "backup": ("Plan", "Vault"),
    "budgets": ("Budget",),
    "cloudtrail": ("Trail",),
    "cloudwatch": ("EventRule", "LogGroup", "MetricAlarm"),
    "ec2": (
        "DefaultSecurityGroup",
        "Eip",
        "FlowLog",
        "InternetGateway",
        "LaunchTemplate",
        "NatGateway",
        "RouteTable",
        "SecurityGroup",
        "Subnet",
        "Vpc",
        "VpcEndpoint",
    ),
    "ecr": ("Repository",),
    "eks": ("AccessEntry", "Addon", "Cluster", "NodeGroup", "PodIdentityAssociation"),
    "elasticache": ("ParameterGroup", "ReplicationGroup", "SubnetGroup", "User", "UserGroup"),
    "guardduty": ("Detector",),
    "iam": ("InstanceProfile", "OpenIdConnectProvider", "Policy", "Role"),
    "kms": ("Key",),
    "lb": ("Listener", "LoadBalancer", "TargetGroup"),
    "networkfirewall": ("Firewall", "FirewallPolicy", "RuleGroup"),
    "organizations": ("Account", "OrganizationalUnit", "Policy"),
    "rds": ("Cluster", "ClusterInstance", "ClusterParameterGroup", "SubnetGroup"),
    "route53": ("Zone",),
    "s3": ("Bucket",),
    "secretsmanager": ("Secret",),
    "sns": ("Topic",),
    "ssoadmin": ("PermissionSet",),
    "vpc": ("SecurityGroupEgressRule", "SecurityGroupIngressRule"),
    "wafv2": ("WebAcl",),
}
_UNTAGGED: dict[str, Path] = {
    "account": ("AlternativeContact", "Region"),
    "acm": ("CertificateValidation",),
    "backup": ("Selection", "VaultLockConfiguration", "VaultPolicy"),
    "cfg": ("DeliveryChannel", "Recorder", "RecorderStatus"),
    "cloudwatch": ("Dashboard", "EventTarget", "LogMetricFilter", "LogResourcePolicy"),
    "costexplorer": ("CostAllocationTag",),
    "ebs": ("DefaultKmsKey", "EncryptionByDefault"),
    "ec2": ("Route", "RouteTableAssociation"),
    "ecr": ("LifecyclePolicy", "RegistryScanningConfiguration"),
    "eks": ("AccessPolicyAssociation",),
    "guardduty": (
        "DetectorFeature",
        "OrganizationAdminAccount",
        "OrganizationConfiguration",
        "OrganizationConfigurationFeature",
    ),
    "iam": ("AccountAlias", "AccountPasswordPolicy", "RolePolicy", "RolePolicyAttachment"),
    "kms": ("Alias",),
    "networkfirewall": ("LoggingConfiguration",),
    "organizations": ("DelegatedAdministrator", "Organization", "PolicyAttachment"),
    "route53": ("Record",),
    "s3": (
        "AccountPublicAccessBlock",
        "BucketLifecycleConfiguration",
        "BucketLogging",
        "BucketObjectLockConfiguration",
        "BucketOwnershipControls",
        "BucketPolicy",
        "BucketPublicAccessBlock",
        "BucketServerSideEncryptionConfiguration",
        "BucketVersioning",
    ),
    "secretsmanager": ("SecretVersion",),
    "securityhub": (
        "Account",
        "Member",
        "OrganizationAdminAccount",
        "OrganizationConfiguration",
        "StandardsSubscription",
    ),
    "sns": ("TopicPolicy", "TopicSubscription"),
    "ssoadmin": ("AccountAssignment", "ManagedPolicyAttachment", "PermissionSetInlinePolicy"),
    "wafv2": ("WebAclAssociation", "WebAclLoggingConfiguration"),
}


def _tokens(table: dict[str, Path]) -> frozenset[str]:
    return frozenset(aws(module, name) for module, names in table.items() for name in names)


TAGGABLE = _tokens(_TAGGED)
KNOWN = TAGGABLE | _tokens(_UNTAGGED)
BUCKET = aws("s3", "Bucket")

KEEPS_BACKUPS = frozenset(
    {
        aws("backup", "LogicallyAirGappedVault"),
        aws("backup", "Vault"),
        aws("backup", "VaultLockConfiguration"),
        aws("backup", "VaultNotifications"),
        aws("backup", "VaultPolicy"),
        aws("kms", "Alias"),
        aws("kms", "Key"),
        aws("kms", "KeyPolicy"),
    }
)
"""What stands where backups are copied to: the vault, and the key that closes it."""

ENCRYPTED: Mapping[str, tuple[Path, ...]] = MappingProxyType(
    {
        aws("elasticache", "ReplicationGroup"): (("atRestEncryptionEnabled",),),
        aws("rds", "Cluster"): (("storageEncrypted",),),
    }
)
"""Settings that encrypt, and may be off."""

KEYED: Mapping[str, Path] = MappingProxyType(
    {
        aws("backup", "Vault"): ("kmsKeyArn",),
        aws("cloudtrail", "Trail"): ("kmsKeyId",),
        aws("cloudwatch", "LogGroup"): ("kmsKeyId",),
        aws("ecr", "Repository"): ("encryptionConfigurations", "kmsKey"),
        aws("eks", "Cluster"): ("encryptionConfig", "provider", "keyArn"),
        aws("elasticache", "ReplicationGroup"): ("kmsKeyId",),
        aws("rds", "Cluster"): ("kmsKeyId",),
        aws("secretsmanager", "Secret"): ("kmsKeyId",),
        aws("sns", "Topic"): ("kmsMasterKeyId",),
    }
)
"""Where a type names the key that it is under."""

LISTENERS = frozenset({aws("lb", "Listener")})

FORCE_TLS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "aurora-postgresql": ("rds.force_ssl",),
        "postgres": ("rds.force_ssl",),
        "aurora-mysql": ("require_secure_transport",),
        "mysql": ("require_secure_transport",),
        "mariadb": ("require_secure_transport",),
    }
)
"""The parameters that refuse connections without TLS, by the beginning of the family's name."""

LISTS_REGIONS = frozenset({aws("organizations", "Policy")})
"""Types whose texts name regions in order to deny them."""

_AWAY = "would carry data to another region"
_TO_OTHERS = "would hand data to other accounts"
REPLICATES: Mapping[str, str] = MappingProxyType(
    {
        **{
            aws(module, name): _AWAY
            for module, name in (
                ("dynamodb", "GlobalTable"),
                ("dynamodb", "TableReplica"),
                ("ebs", "SnapshotCopy"),
                ("ec2", "AmiCopy"),
                ("ec2", "VpcPeeringConnection"),
                ("ec2transitgateway", "PeeringAttachment"),
                ("ecr", "ReplicationConfiguration"),
                ("efs", "ReplicationConfiguration"),
                ("elasticache", "GlobalReplicationGroup"),
                ("kms", "ReplicaExternalKey"),
                ("kms", "ReplicaKey"),
                ("rds", "ClusterSnapshotCopy"),
                ("rds", "GlobalCluster"),
                ("rds", "InstanceAutomatedBackupsReplication"),
                ("rds", "SnapshotCopy"),
                ("s3", "BucketReplicationConfig"),
                ("s3control", "MultiRegionAccessPoint"),
            )
        },
        **{
            aws(module, name): _TO_OTHERS
            for module, name in (
                ("cloudwatch", "LogDestination"),
                ("cloudwatch", "LogSubscriptionFilter"),
                ("ec2", "AmiLaunchPermission"),
                ("ec2", "SnapshotCreateVolumePermission"),
                ("ram", "ResourceShare"),
                ("rds", "ExportTask"),
            )
        },
    }
)
"""Types that copy or share by themselves, and what each would do."""
