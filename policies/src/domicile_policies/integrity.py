"""Service control policy: what the program built is changed by the program, and by nobody beside it.

Pure. Ways in and out of a network, what opens keys and buckets, who enters a cluster, logs and alarms. The roles that
carry out the program are exempt; break-glass where an emergency may need it: networks and clusters. It is not exempt
from what would hide or open things: logs, alarms (its own among them), the policies of keys and buckets. Sources: the
service authorization reference; AWS Landing Zone Accelerator's guardrail policies.
"""

from domicile_policies.documents import Document, policy
from domicile_policies.exemptions import Exempt, deny
from domicile_policies.names import PLATFORM

# Every way in and out goes through the inspected one. Other ways, such as a VPN, nobody makes at all (residency).
NETWORK = (
    "ec2:*Address",  # an address of the internet's, and which interface or gateway has it
    "ec2:*AddressTransfer",
    "ec2:*InternetGateway",
    "ec2:*NatGateway",
    "ec2:*Route",
    "ec2:AssociateRouteTable",
    "ec2:DeleteRouteTable",
    "ec2:DeleteVpcEndpoints",
    "ec2:DisassociateRouteTable",
    "ec2:ModifyVpcEndpoint",
    "ec2:ReplaceRouteTableAssociation",
    "network-firewall:Associate*",
    "network-firewall:Delete*",
    "network-firewall:Disassociate*",
    "network-firewall:Update*",
)

# Who is let into a cluster, and which role its pods take.
CLUSTERS = (
    "eks:AssociateAccessPolicy",
    "eks:AssociateIdentityProviderConfig",
    "eks:CreateAccessEntry",
    "eks:CreatePodIdentityAssociation",
    "eks:DeleteAccessEntry",
    "eks:DisassociateAccessPolicy",
    "eks:UpdateAccessEntry",
    "eks:UpdateClusterConfig",
    "eks:UpdatePodIdentityAssociation",
)

# What says of itself who may open it.
OPENED = ("kms:PutKeyPolicy", "s3:DeleteBucketPolicy", "s3:PutBucketPolicy")

LOGS = (
    "ec2:DeleteFlowLogs",
    "logs:DeleteLogGroup",
    "logs:DeleteLogStream",
    "logs:DeleteRetentionPolicy",
    "logs:PutRetentionPolicy",
    "network-firewall:UpdateLoggingConfiguration",
    "s3:PutBucketLogging",
    "wafv2:DeleteLoggingConfiguration",
    "wafv2:PutLoggingConfiguration",
)

# An alarm is also silenced by another one of its name, and a subscription by a filter that lets nothing through.
ALARMS = (
    "cloudwatch:DeleteAlarms",
    "cloudwatch:DisableAlarmActions",
    "cloudwatch:PutAlarmMuteRule",
    "cloudwatch:PutMetricAlarm",
    "sns:AddPermission",
    "sns:DeleteTopic",
    "sns:RemovePermission",
    "sns:SetSubscriptionAttributes",
    "sns:SetTopicAttributes",
    "sns:Unsubscribe",
)
RULES = (
    "events:DeleteRule",
    "events:DisableRule",
    "events:PutRule",
    "events:PutTargets",
    "events:RemoveTargets",
)


def integrity_policy(exempt: Exempt | None = None) -> Document:
    """Deny changing networks, clusters' doors, keys' and buckets' policies, logs and alarms by hand."""
    roles = exempt or Exempt()
    return policy(
        deny("DenyChangingNetworks", NETWORK, but=roles.rescuers),
        deny("DenyOpeningClusters", CLUSTERS, but=roles.rescuers),
        deny("DenyOpeningKeysAndBuckets", OPENED, but=roles.operators),
        deny("DenyEndingLogs", LOGS, but=roles.operators),
        deny("DenySilencingAlarms", ALARMS, but=roles.operators),
        # The platform's rules alone: AWS Backup keeps one for each bucket, by the role of a cell.
        deny("DenySilencingRules", RULES, but=roles.operators) | {"Resource": f"arn:aws:events:*:*:rule/{PLATFORM}*"},
    )
