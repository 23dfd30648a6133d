"""Where the types of resource say who may come to them, and what an identity may do.

Tables of pulumi_aws 7. They go beyond the types that a stack may have: a type that is let in one day is judged already.
"""

from collections.abc import Mapping
from types import MappingProxyType

from domicile_policies.plan.tokens import aws

Path = tuple[str, ...]

PUBLIC_WHEN: Mapping[str, tuple[tuple[Path, str], ...]] = MappingProxyType(
    {
        aws("apprunner", "Service"): (
            (("networkConfiguration", "ingressConfiguration", "isPubliclyAccessible"), "true"),
        ),
        aws("dms", "ReplicationInstance"): ((("publiclyAccessible",), "true"),),
        aws("ec2", "Instance"): ((("associatePublicIpAddress",), "true"),),
        aws("ec2", "LaunchConfiguration"): ((("associatePublicIpAddress",), "true"),),
        aws("ec2", "LaunchTemplate"): ((("networkInterfaces", "associatePublicIpAddress"), "true"),),
        aws("ec2", "Subnet"): ((("mapPublicIpOnLaunch",), "true"), (("assignIpv6AddressOnCreation",), "true")),
        aws("lambda", "FunctionUrl"): ((("authorizationType",), "NONE"),),
        aws("lightsail", "Database"): ((("publiclyAccessible",), "true"),),
        aws("mq", "Broker"): ((("publiclyAccessible",), "true"),),
        aws("msk", "Cluster"): (
            (("brokerNodeGroupInfo", "connectivityInfo", "publicAccess", "type"), "SERVICE_PROVIDED_EIPS"),
        ),
        aws("neptune", "ClusterInstance"): ((("publiclyAccessible",), "true"),),
        aws("neptunegraph", "Graph"): ((("publicConnectivity",), "true"),),
        aws("rds", "ClusterInstance"): ((("publiclyAccessible",), "true"),),
        aws("rds", "Instance"): ((("publiclyAccessible",), "true"),),
        aws("redshift", "Cluster"): ((("publiclyAccessible",), "true"),),
        aws("redshiftserverless", "Workgroup"): ((("publiclyAccessible",), "true"),),
        aws("s3", "Bucket"): ((("acl",), "public-read"), (("acl",), "public-read-write")),
        aws("s3", "BucketAcl"): ((("acl",), "public-read"), (("acl",), "public-read-write")),
        aws("timestreaminfluxdb", "DbCluster"): ((("publiclyAccessible",), "true"),),
        aws("timestreaminfluxdb", "DbInstance"): ((("publiclyAccessible",), "true"),),
    }
)
"""A setting, and its value that makes something public."""

PUBLIC_UNLESS: Mapping[str, tuple[Path, str | None]] = MappingProxyType(
    {
        aws("apigateway", "DomainName"): (("endpointConfiguration", "types"), "PRIVATE"),
        aws("apigateway", "RestApi"): (("endpointConfiguration", "types"), "PRIVATE"),
        aws("elasticsearch", "Domain"): (("vpcOptions",), None),
        aws("opensearch", "Domain"): (("vpcOptions",), None),
        aws("sagemaker", "NotebookInstance"): (("directInternetAccess",), "Disabled"),
        aws("transfer", "Server"): (("endpointType",), "VPC"),
    }
)
"""A setting without which, or with another value than this (None: any), something is public."""

ALWAYS_PUBLIC = frozenset(
    {aws("apigatewayv2", "Api"), aws("appsync", "Api"), aws("ecrpublic", "Repository"), aws("lightsail", "Bucket")}
)
"""What has an address on the internet whatever is set."""

_POLICY = ("policy",)
RESOURCE_POLICIES: Mapping[str, Path] = MappingProxyType(
    {
        **{
            aws(module, name): _POLICY
            for module, names in {
                "acmpca": "Policy",
                "apigateway": "DomainName RestApi RestApiPolicy",
                "backup": "VaultPolicy",
                "cloudwatch": "EventBusPolicy",
                "codebuild": "ResourcePolicy",
                "dynamodb": "ResourcePolicy",
                "ecr": "RegistryPolicy RepositoryPolicy",
                "ecrpublic": "RepositoryPolicy",
                "efs": "FileSystemPolicy",
                "glacier": "VaultLock",
                "glue": "ResourcePolicy",
                "kinesis": "ResourcePolicy",
                "kms": "ExternalKey Key KeyPolicy ReplicaExternalKey ReplicaKey",
                "mediastore": "ContainerPolicy",
                "msk": "ClusterPolicy",
                "networkfirewall": "ResourcePolicy",
                "oam": "SinkPolicy",
                "redshift": "ResourcePolicy",
                "redshiftserverless": "ResourcePolicy",
                "s3": "AccessPoint Bucket BucketPolicy BucketV2 FilesFileSystemPolicy VectorsVectorBucketPolicy",
                "s3control": (
                    "AccessGrantsInstanceResourcePolicy AccessPointPolicy BucketPolicy ObjectLambdaAccessPointPolicy"
                ),
                "schemas": "RegistryPolicy",
                "secretsmanager": "Secret SecretPolicy",
                "ses": "IdentityPolicy",
                "sesv2": "EmailIdentityPolicy",
                "sns": "Topic TopicPolicy",
                "sqs": "Queue QueuePolicy",
                "vpclattice": "AuthPolicy ResourcePolicy",
            }.items()
            for name in names.split()
        },
        aws("amp", "ResourcePolicy"): ("policyDocument",),
        aws("cloudsearch", "DomainServiceAccessPolicy"): ("accessPolicy",),
        aws("cloudwatch", "LogDeliveryDestinationPolicy"): ("deliveryDestinationPolicy",),
        aws("cloudwatch", "LogDestinationPolicy"): ("accessPolicy",),
        aws("cloudwatch", "LogResourcePolicy"): ("policyDocument",),
        aws("codeartifact", "DomainPermissions"): ("policyDocument",),
        aws("codeartifact", "RepositoryPermissionsPolicy"): ("policyDocument",),
        aws("elasticsearch", "Domain"): ("accessPolicies",),
        aws("elasticsearch", "DomainPolicy"): ("accessPolicies",),
        aws("glacier", "Vault"): ("accessPolicy",),
        aws("iam", "Role"): ("assumeRolePolicy",),
        aws("opensearch", "Domain"): ("accessPolicies",),
        aws("opensearch", "DomainPolicy"): ("accessPolicies",),
        aws("s3control", "MultiRegionAccessPointPolicy"): ("details", "policy"),
        aws("s3tables", "TableBucketPolicy"): ("resourcePolicy",),
        aws("s3tables", "TablePolicy"): ("resourcePolicy",),
        aws("sagemaker", "ModelPackageGroupPolicy"): ("resourcePolicy",),
    }
)
"""Where a type has the policy that says who may come to it."""

GRANTS: Mapping[str, tuple[str, tuple[str, ...]]] = MappingProxyType(
    {
        aws("acmpca", "Permission"): ("principal", ("sourceAccount",)),
        aws("cloudwatch", "EventPermission"): ("principal", ("condition",)),
        aws("lambda", "LayerVersionPermission"): ("principal", ("organizationId",)),
        aws("lambda", "Permission"): ("principal", ("principalOrgId", "sourceAccount")),
    }
)
"""Types that are one grant by themselves: who gets it, and the properties of which each narrows it."""

IDENTITY_POLICIES: Mapping[str, tuple[Path, ...]] = MappingProxyType(
    {
        aws("iam", "GroupPolicy"): (_POLICY,),
        aws("iam", "Policy"): (_POLICY,),
        aws("iam", "Role"): (("inlinePolicies", "policy"),),
        aws("iam", "RolePolicy"): (_POLICY,),
        aws("iam", "UserPolicy"): (_POLICY,),
        aws("ssoadmin", "PermissionSetInlinePolicy"): (("inlinePolicy",),),
    }
)
"""Where a type says what an identity may do."""

ATTACHES_POLICY: Mapping[str, str] = MappingProxyType(
    {
        aws("iam", "GroupPolicyAttachment"): "policyArn",
        aws("iam", "GroupPolicyAttachmentsExclusive"): "policyArns",
        aws("iam", "PolicyAttachment"): "policyArn",
        aws("iam", "Role"): "managedPolicyArns",
        aws("iam", "RolePolicyAttachment"): "policyArn",
        aws("iam", "RolePolicyAttachmentsExclusive"): "policyArns",
        aws("iam", "UserPolicyAttachment"): "policyArn",
        aws("iam", "UserPolicyAttachmentsExclusive"): "policyArns",
        aws("quicksight", "IamPolicyAssignment"): "policyArn",
        aws("rolesanywhere", "Profile"): "managedPolicyArns",
        aws("ssoadmin", "ManagedPolicyAttachment"): "managedPolicyArn",
        aws("ssoadmin", "ManagedPolicyAttachmentsExclusive"): "managedPolicyArns",
    }
)
"""Where a type gives an identity policies that stand elsewhere, by their ARNs."""
