"""Endpoints of the cell's network, and what may be done through them: by the organisation, to the organisation."""

from collections.abc import Mapping

from domicile_infra.plan.documents.statements import ANYONE, Document, Scope, Statement, document

# What is called through each interface endpoint, as its service's actions begin.
INTERFACES: Mapping[str, tuple[str, ...]] = {
    "autoscaling": ("autoscaling:Describe*",),
    "ec2": (
        "ec2:AssignPrivateIpAddresses",
        "ec2:AttachNetworkInterface",
        "ec2:AttachVolume",
        "ec2:CreateNetworkInterface",
        "ec2:CreateSnapshot",
        "ec2:CreateTags",
        "ec2:CreateVolume",
        "ec2:DeleteNetworkInterface",
        "ec2:DeleteSnapshot",
        "ec2:DeleteVolume",
        "ec2:Describe*",
        "ec2:DetachNetworkInterface",
        "ec2:DetachVolume",
        "ec2:ModifyNetworkInterfaceAttribute",
        "ec2:ModifyVolume",
        "ec2:UnassignPrivateIpAddresses",
    ),
    "ecr.api": ("ecr:*",),
    "ecr.dkr": ("ecr:*",),
    "eks": ("eks:*",),
    "eks-auth": ("eks-auth:AssumeRoleForPodIdentity",),
    "elasticache": (
        "elasticache:AddTagsToResource",
        "elasticache:CreateUser",
        "elasticache:DeleteUser",
        "elasticache:DescribeUserGroups",
        "elasticache:DescribeUsers",
        "elasticache:ModifyUser",
        "elasticache:ModifyUserGroup",
    ),
    "elasticloadbalancing": ("elasticloadbalancing:*",),
    "kms": ("kms:*",),
    "logs": ("logs:*",),
    "monitoring": ("cloudwatch:*",),
    "secretsmanager": ("secretsmanager:*",),
    "sts": ("sts:*",),
}

_PULL = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetAuthorizationToken",
    "ecr:GetDownloadUrlForLayer",
)


def interface_policy(scope: Scope, service: str) -> Document:
    """What may be done through the interface endpoint of a service."""
    allowed = _own(scope, INTERFACES[service], "*")
    if service.startswith("ecr."):
        # EKS's own images are in accounts of AWS's, in this region.
        images = f"arn:aws:ecr:{scope.region}:*:repository/"
        names = [f"{images}{name}" for name in ("eks/*", "amazon-k8s-cni*", "amazon/*")]
        return document([allowed, _of_aws("PullImagesOfAws", _PULL[:2] + _PULL[3:], names)])
    return document([allowed])


def gateway_policy(scope: Scope) -> Document:
    """What may be done through the gateway endpoint of S3."""
    # ECR keeps the layers of images in a bucket of its own in each region, nodes their packages in another.
    theirs = [
        f"arn:aws:s3:::prod-{scope.region}-starport-layer-bucket/*",
        f"arn:aws:s3:::al2023-repos-{scope.region}-de612dc2/*",
    ]
    return document([_own(scope, ("s3:*",), "*"), _of_aws("ReadLayersAndPackagesOfAws", ("s3:GetObject",), theirs)])


def _own(scope: Scope, actions: tuple[str, ...], resource: str) -> Statement:
    organization = {"aws:PrincipalOrgID": scope.organization_id, "aws:ResourceOrgID": scope.organization_id}
    return {
        "Sid": "ByTheOrganizationToTheOrganization",
        "Effect": "Allow",
        "Principal": ANYONE,
        "Action": list(actions),
        "Resource": resource,
        "Condition": {"StringEquals": organization},
    }


def _of_aws(sid: str, actions: tuple[str, ...], resources: list[str]) -> Statement:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": ANYONE,
        "Action": list(actions),
        "Resource": resources,
    }
