"""The types of things that hold data: what each holds where nobody has said, and what kind of thing it is."""

from collections.abc import Mapping
from dataclasses import dataclass

from domicile_catalog import DataClass

# What nobody has classified may be anything that its type can hold, and is judged as the worst of it.
_PLAYERS = (DataClass.PLAYER_IDENTITY, DataClass.WAGERING)
_COPIES = (DataClass.BACKUP,)
_KEYS = (DataClass.KEYS,)
_PROGRAMS = (DataClass.GAME_SERVER,)
_TELEMETRY = (DataClass.TELEMETRY,)
_AUDIT = (DataClass.AUDIT_LOG,)


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of thing. `is_copy` marks snapshots and backups."""

    classes: tuple[DataClass, ...]
    is_copy: bool = False


KINDS: Mapping[str, Kind] = {
    "s3:bucket": Kind(_PLAYERS),
    "ec2:volume": Kind(_PLAYERS),
    "ec2:snapshot": Kind(_COPIES, is_copy=True),
    "ec2:image": Kind(_PROGRAMS, is_copy=True),
    "rds:db": Kind(_PLAYERS),
    "rds:cluster": Kind(_PLAYERS),
    "rds:global-cluster": Kind(_PLAYERS),
    "rds:snapshot": Kind(_COPIES, is_copy=True),
    "rds:cluster-snapshot": Kind(_COPIES, is_copy=True),
    "dynamodb:table": Kind(_PLAYERS),
    "dynamodb:backup": Kind(_COPIES, is_copy=True),
    "elasticache:replicationgroup": Kind(_PLAYERS),
    "elasticache:cluster": Kind(_PLAYERS),
    "elasticache:serverlesscache": Kind(_PLAYERS),
    "elasticache:snapshot": Kind(_COPIES, is_copy=True),
    "memorydb:cluster": Kind(_PLAYERS),
    "memorydb:snapshot": Kind(_COPIES, is_copy=True),
    "elasticfilesystem:file-system": Kind(_PLAYERS),
    "fsx:file-system": Kind(_PLAYERS),
    "fsx:backup": Kind(_COPIES, is_copy=True),
    "ecr:repository": Kind(_PROGRAMS),
    "secretsmanager:secret": Kind(_KEYS),
    "ssm:parameter": Kind(_KEYS),
    "kms:key": Kind(_KEYS),
    "sqs:queue": Kind(_PLAYERS),
    "sns:topic": Kind(_PLAYERS),
    "kinesis:stream": Kind(_PLAYERS),
    "firehose:deliverystream": Kind(_PLAYERS),
    "mq:broker": Kind(_PLAYERS),
    "kafka:cluster": Kind(_PLAYERS),
    "logs:log-group": Kind(_TELEMETRY),
    "cloudtrail:trail": Kind(_AUDIT),
    "es:domain": Kind(_PLAYERS),
    "redshift:cluster": Kind(_PLAYERS),
    "redshift:snapshot": Kind(_COPIES, is_copy=True),
    "backup:backup-vault": Kind(_COPIES),
    "backup:backup-plan": Kind(_COPIES),
    "backup:recovery-point": Kind(_COPIES, is_copy=True),
    "glacier:vault": Kind(_COPIES),
    "athena:workgroup": Kind(_PLAYERS),
    "glue:catalog": Kind(_KEYS),
    "eks:cluster": Kind(_PROGRAMS),
    "lambda:function": Kind(_PROGRAMS),
    "dms:rep": Kind(_PLAYERS),
    "datasync:task": Kind(_PLAYERS),
    "timestream:database": Kind(_PLAYERS),
    "ram:resource-share": Kind(_PLAYERS),
    "kubernetes:node": Kind((*_PROGRAMS, *_TELEMETRY)),
    "kubernetes:persistentvolume": Kind(_PLAYERS),
    "kubernetes:secrets": Kind(_KEYS),
    "kubernetes:tenant": Kind((*_PLAYERS, *_PROGRAMS)),
}

_NAMELESS = {"s3": "bucket", "sqs": "queue", "sns": "topic"}
"""Services whose ARNs do not say what kind of thing they are of."""

# What holds no data of its own, whatever its tags say: networks, rules, roles, schedules, what holds data together.
_HOLDS_NOTHING = {
    "access-analyzer": "analyzer",
    "acm": "certificate",
    "autoscaling": "autoScalingGroup",
    "backup": "backup-selection",
    "cloudwatch": "alarm dashboard",
    "config": "config-rule",
    "dms": "endpoint task es subgrp cert",
    "ec2": (
        "customer-gateway dhcp-options elastic-ip egress-only-internet-gateway flow-log vpc-flow-log flow-logs "
        "instance internet-gateway key-pair launch-template natgateway network-acl network-interface prefix-list "
        "route-table security-group security-group-rule subnet transit-gateway transit-gateway-attachment "
        "transit-gateway-route-table vpc vpc-endpoint vpc-endpoint-service vpc-peering-connection vpn-connection "
        "vpn-gateway"
    ),
    "eks": "access-entry addon nodegroup podidentityassociation fargateprofile",
    "elasticache": "parametergroup securitygroup subnetgroup user usergroup cluster",
    "elasticloadbalancing": "listener listener-rule loadbalancer targetgroup",
    "events": "event-bus rule",
    "guardduty": "detector",
    "iam": "instance-profile oidc-provider policy role saml-provider user",
    "kms": "alias",
    "logs": "destination",
    "memorydb": "acl parametergroup subnetgroup user",
    "network-firewall": "firewall firewall-policy stateful-rulegroup stateless-rulegroup",
    "organizations": "account ou policy",
    "rds": "cluster-endpoint cluster-pg es og pg proxy secgrp subgrp target-group",
    "redshift": "parametergroup securitygroup subnetgroup",
    "route53": "healthcheck hostedzone",
    "route53resolver": "resolver-endpoint resolver-rule",
    "securityhub": "hub",
    "sso": "permissionSet",
    "states": "activity",
    "tag": "resource",
    "wafv2": "global regional",
}
HOLDS_NOTHING = frozenset(f"{service}:{kind}" for service, kinds in _HOLDS_NOTHING.items() for kind in kinds.split())
"""Types of things that bear tags and hold no data."""


def type_of(arn: str) -> str:
    """The type of what an ARN names, as `service:type`."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return "unknown"
    service, rest = parts[2], parts[5]
    if service in _NAMELESS:
        return f"{service}:{_NAMELESS[service]}"
    kind = rest.lstrip("/").replace(":", "/").split("/", 1)[0]
    return f"{service}:{kind}"
