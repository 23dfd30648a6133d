"""The roles of a cell: who takes each, and what little it may do.

Names are the cell's, so that documents may name a role before it exists. They begin as the organisation's policies know
them (`domicile_policies.exemptions`): by that only the deployer changes them, and AWS Backup's is told from the others.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from domicile_policies.names import CELL_ROLE

from domicile_infra.plan.documents.statements import Document, Scope, Statement, document
from domicile_infra.plan.names import ROLE, fit

MANAGED = "arn:aws:iam::aws:policy/"


class RolePurpose(StrEnum):
    """What a role is for."""

    CLUSTER = "cluster"
    NODES = "nodes"
    NETWORK = "pod-network"
    VOLUMES = "volumes"
    TARGETS = "load-balancer-targets"
    OPENBAO = "openbao"
    OPERATOR = "operator"
    LOGINS = "database-logins"
    DATABASE_METRICS = "database-metrics"
    FLOW_LOGS = "flow-logs"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """A Kubernetes service account, which takes a role by EKS Pod Identity."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """Who takes a role: a service of AWS, or a service account of the cluster. `managed` are policies of AWS's."""

    description: str
    taken_by: str | ServiceAccount
    managed: tuple[str, ...] = ()


ROLES: Mapping[RolePurpose, RoleSpec] = {
    RolePurpose.CLUSTER: RoleSpec("The cluster's control plane", "eks", ("AmazonEKSClusterPolicy",)),
    RolePurpose.NODES: RoleSpec(
        "The cluster's nodes",
        "ec2",
        # The minimal one lacks ec2:DescribeInstances, which the image's own set-up (nodeadm) asks before it joins.
        ("AmazonEKSWorkerNodePolicy", "AmazonEC2ContainerRegistryPullOnly"),
    ),
    RolePurpose.NETWORK: RoleSpec(
        "Addresses for pods", ServiceAccount("kube-system", "aws-node"), ("AmazonEKS_CNI_Policy",)
    ),
    RolePurpose.VOLUMES: RoleSpec(
        "Volumes for pods",
        ServiceAccount("kube-system", "ebs-csi-controller-sa"),
        ("service-role/AmazonEBSCSIDriverPolicy",),
    ),
    RolePurpose.TARGETS: RoleSpec(
        "Registers the ingress controller's pods with the load balancer",
        ServiceAccount("kube-system", "aws-load-balancer-controller"),
    ),
    RolePurpose.OPENBAO: RoleSpec("Unseals OpenBao", ServiceAccount("openbao", "openbao")),
    RolePurpose.OPERATOR: RoleSpec(
        "Makes the cache's users for tenants", ServiceAccount("domicile-system", "domicile-operator")
    ),
    RolePurpose.LOGINS: RoleSpec(
        "Makes the database's first logins", ServiceAccount("domicile-system", "domicile-logins")
    ),
    RolePurpose.DATABASE_METRICS: RoleSpec(
        "Metrics of the database's machines", "monitoring.rds", ("service-role/AmazonRDSEnhancedMonitoringRole",)
    ),
    RolePurpose.FLOW_LOGS: RoleSpec("Flow logs of the network", "vpc-flow-logs"),
    RolePurpose.BACKUP: RoleSpec(
        "Backs up and restores",
        "backup",
        (
            "service-role/AWSBackupServiceRolePolicyForBackup",
            "service-role/AWSBackupServiceRolePolicyForRestores",
            "AWSBackupServiceRolePolicyForS3Backup",
            "AWSBackupServiceRolePolicyForS3Restore",
        ),
    ),
}


def role_name(scope: Scope, purpose: RolePurpose) -> str:
    """The role's name."""
    return fit(f"{CELL_ROLE}{purpose}-{scope.cell}", ROLE)


def trust_policy(scope: Scope, purpose: RolePurpose, cluster: str) -> Document:
    """Who may take the role; `cluster` is the name of the cell's EKS cluster."""
    taken_by = ROLES[purpose].taken_by
    if isinstance(taken_by, ServiceAccount):
        return document(
            [
                {
                    "Sid": "TakenByServiceAccountsOfThisCluster",
                    "Effect": "Allow",
                    "Principal": {"Service": "pods.eks.amazonaws.com"},
                    "Action": ["sts:AssumeRole", "sts:TagSession"],
                    "Condition": {
                        "StringEquals": {
                            "aws:SourceAccount": scope.account_id,
                            "aws:RequestTag/eks-cluster-arn": scope.arn("eks", f"cluster/{cluster}"),
                            "aws:RequestTag/kubernetes-namespace": taken_by.namespace,
                            "aws:RequestTag/kubernetes-service-account": taken_by.name,
                        }
                    },
                }
            ]
        )
    statement: Statement = {
        "Sid": "TakenByTheService",
        "Effect": "Allow",
        "Principal": {"Service": f"{taken_by}.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    if taken_by != "ec2":  # EC2 says for which account it acts in no key that a trust policy could compare.
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": scope.account_id}}
    return document([statement])


def openbao_policy(key_arn: str) -> Document:
    """OpenBao opens its own seal with one key and does nothing else (OpenBao, "awskms seal", key permissions)."""
    actions = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt"]
    return document([{"Sid": "Unseal", "Effect": "Allow", "Action": actions, "Resource": key_arn}])


CACHE_USERS = "casino-*"
"""The tenants' users of the cache, by the operator's name for them; nobody else's begins so."""


def operator_policy(scope: Scope, user_group: str) -> Document:
    """The operator makes the tenants' users and puts them into the one group that the cell's cache admits.

    Which actions take which resources: service authorization reference, ElastiCache.
    """
    users = scope.arn("elasticache", f"user:{CACHE_USERS}")
    group = scope.arn("elasticache", f"usergroup:{user_group}")
    make = ["AddTagsToResource", "CreateUser", "DeleteUser", "DescribeUsers", "ModifyUser"]
    return document(
        [
            {
                "Sid": "UsersOfTenants",
                "Effect": "Allow",
                "Action": [f"elasticache:{action}" for action in make],
                "Resource": users,
            },
            {
                "Sid": "AdmitThem",
                "Effect": "Allow",
                "Action": ["elasticache:DescribeUserGroups", "elasticache:ModifyUserGroup"],
                "Resource": [group, users],
            },
        ]
    )


def logins_policy(scope: Scope, secret_arn: str, key_arn: str) -> Document:
    """Whoever makes the database's first logins reads its administrator's password, which RDS keeps."""
    via = {"StringEquals": {"kms:ViaService": f"secretsmanager.{scope.region}.amazonaws.com"}}
    return document(
        [
            {"Sid": "Read", "Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": secret_arn},
            {"Sid": "Open", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": key_arn, "Condition": via},
        ]
    )


def flow_log_policy(log_group_arn: str) -> Document:
    """The network's flow logs go to one log group, which exists before them."""
    actions = ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]
    return document(
        [{"Sid": "Write", "Effect": "Allow", "Action": actions, "Resource": [log_group_arn, f"{log_group_arn}:*"]}]
    )


def targets_policy(target_group_arn: str) -> Document:
    """The controller in the cluster puts pods into one target group; it makes and changes no load balancer."""
    return document(
        [
            {
                "Sid": "Register",
                "Effect": "Allow",
                "Action": ["elasticloadbalancing:DeregisterTargets", "elasticloadbalancing:RegisterTargets"],
                "Resource": target_group_arn,
            },
            {
                # None of these can be narrowed to a resource.
                "Sid": "Look",
                "Effect": "Allow",
                "Action": [
                    "ec2:DescribeAvailabilityZones",
                    "ec2:DescribeInstances",
                    "ec2:DescribeNetworkInterfaces",
                    "ec2:DescribeSecurityGroups",
                    "ec2:DescribeSubnets",
                    "ec2:DescribeVpcs",
                    "elasticloadbalancing:DescribeTargetGroups",
                    "elasticloadbalancing:DescribeTargetHealth",
                ],
                "Resource": "*",
            },
        ]
    )
