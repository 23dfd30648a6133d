"""What somebody must hear of, and what they then look at: alarms and the dashboard of a cell.

A dimension's value in braces is a thing of the cell ({database}, {load_balancer}, ...); whoever makes the alarm knows
what it is called. Metrics are those, and the dimensions all those, with which each service publishes them: an alarm
that leaves one out watches a metric that nobody writes.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import Any

from domicile_infra.plan.cidr import zone_letter


@dataclass(frozen=True, slots=True)
class Alarm:
    """A metric that crosses `threshold` in `periods` periods of `period` seconds in a row.

    `missing` says what no data means: `breaching` where silence is itself the fault. `below` turns the comparison.
    """

    name: str
    says: str
    namespace: str
    metric: str
    dimensions: Mapping[str, str]
    threshold: float
    statistic: str = "Average"
    period: int = 60
    periods: int = 5
    below: bool = False
    missing: str = "notBreaching"

    @property
    def comparison(self) -> str:
        """CloudWatch's word for the comparison."""
        return "LessThanThreshold" if self.below else "GreaterThanThreshold"


_DATABASE = {"DBClusterIdentifier": "{database}"}
_EDGE = {"LoadBalancer": "{load_balancer}"}
_TARGETS = {"LoadBalancer": "{load_balancer}", "TargetGroup": "{target_group}"}
GIB = 2**30

_OF_THE_CELL = (
    Alarm("database-cpu", "The database computes all the time.", "AWS/RDS", "CPUUtilization", _DATABASE, 80),
    Alarm(
        "database-memory",
        "The database has little memory left.",
        "AWS/RDS",
        "FreeableMemory",
        _DATABASE,
        GIB,
        below=True,
    ),
    Alarm("database-lag", "The database's replicas are behind.", "AWS/RDS", "AuroraReplicaLagMaximum", _DATABASE, 1000),
    Alarm(
        "database-transaction-ids",
        "The database needs vacuuming before its transaction numbers run out.",
        "AWS/RDS",
        "MaximumUsedTransactionIDs",
        _DATABASE,
        1_000_000_000,
        statistic="Maximum",
    ),
    Alarm(
        "edge-errors",
        "Players get errors from the casinos.",
        "AWS/ApplicationELB",
        "HTTPCode_Target_5XX_Count",
        _EDGE,
        50,
        statistic="Sum",
    ),
    Alarm(
        "edge-refusals",
        "Players get errors from the load balancer.",
        "AWS/ApplicationELB",
        "HTTPCode_ELB_5XX_Count",
        _EDGE,
        50,
        statistic="Sum",
    ),
    Alarm(
        "edge-targets",
        "No pod of the ingress controller is well.",
        "AWS/ApplicationELB",
        "HealthyHostCount",
        _TARGETS,
        1,
        statistic="Minimum",
        below=True,
        missing="breaching",
    ),
    Alarm(
        "web-firewall-blocks",
        "The web firewall blocks many requests.",
        "AWS/WAFV2",
        "BlockedRequests",
        {"WebACL": "{web_acl}", "Region": "{region}", "Rule": "ALL"},
        5000,
        statistic="Sum",
        period=300,
        periods=1,
    ),
    Alarm(
        "backups-failed",
        "A backup failed.",
        "AWS/Backup",
        "NumberOfBackupJobsFailed",
        {"BackupVaultName": "{vault}"},
        0,
        statistic="Sum",
        period=3600,
        periods=1,
    ),
    Alarm(
        "backups-missing",
        "There was no backup for a day.",
        "AWS/Backup",
        "NumberOfBackupJobsCompleted",
        {"BackupVaultName": "{vault}"},
        1,
        statistic="Sum",
        period=86400,
        periods=1,
        below=True,
        missing="breaching",
    ),
)


def _of_a_node(at: int) -> tuple[Alarm, ...]:
    """Alarms of the cache's node of that number, by the name that ElastiCache gives it."""
    node = {"CacheClusterId": f"{{cache}}-{at:03}"}
    return (
        Alarm(
            f"cache-memory-{at}",
            "The cache is nearly full, and will refuse writes.",
            "AWS/ElastiCache",
            "DatabaseMemoryUsagePercentage",
            node,
            80,
        ),
        Alarm(
            f"cache-engine-{at}",
            "The cache's one thread computes all the time.",
            "AWS/ElastiCache",
            "EngineCPUUtilization",
            node,
            80,
        ),
    )


def _of_a_zone(zone: str) -> Alarm:
    """The alarm of the firewall's endpoint in a zone."""
    return Alarm(
        f"egress-drops-{zone_letter(zone)}",
        "The firewall drops much of what wants out: a new host is missing in the list, or something tries others.",
        "AWS/NetworkFirewall",
        "DroppedPackets",
        {"FirewallName": "{firewall}", "AvailabilityZone": zone, "Engine": "Stateful"},
        1000,
        statistic="Sum",
    )


def alarms(cache_nodes: int, availability_zones: Iterable[str]) -> tuple[Alarm, ...]:
    """The alarms of a cell with so many nodes of its cache, in these zones."""
    nodes = [alarm for at in range(1, cache_nodes + 1) for alarm in _of_a_node(at)]
    return (*_OF_THE_CELL, *nodes, *(_of_a_zone(zone) for zone in availability_zones))


def things(watched: Iterable[Alarm]) -> frozenset[str]:
    """The names that dimensions use, for whoever has to know what they are called."""
    values = (value for alarm in watched for value in alarm.dimensions.values())
    return frozenset(name for value in values for _, name, _, _ in Formatter().parse(value) if name)


def dimensions_of(alarm: Alarm, called: Mapping[str, str]) -> dict[str, str]:
    """The alarm's dimensions with what its things are called."""
    return {key: value.format(**called) for key, value in alarm.dimensions.items()}


def dashboard(watched: Sequence[Alarm], called: Mapping[str, str], region: str, alarm_arns: Sequence[str]) -> str:
    """The dashboard's body: the alarms' state, then a graph of each one's metric."""
    widgets: list[dict[str, Any]] = [
        {
            "type": "alarm",
            "x": 0,
            "y": 0,
            "width": 24,
            "height": 3,
            "properties": {"title": "Alarms", "alarms": list(alarm_arns)},
        }
    ]
    for at, alarm in enumerate(watched):
        pairs = [one for pair in dimensions_of(alarm, called).items() for one in pair]
        widgets.append(
            {
                "type": "metric",
                "x": at % 3 * 8,
                "y": 3 + at // 3 * 6,
                "width": 8,
                "height": 6,
                "properties": {
                    "title": alarm.name,
                    "region": region,
                    "stat": alarm.statistic,
                    "period": alarm.period,
                    "metrics": [[alarm.namespace, alarm.metric, *pairs]],
                    "annotations": {"horizontal": [{"value": alarm.threshold, "label": "alarm"}]},
                },
            }
        )
    return json.dumps({"widgets": widgets}, sort_keys=True)
