"""The cell's cache: ElastiCache over TLS, for the users that the operator makes, one for each tenant."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_catalog import DataClass

from domicile_infra.cell.component import CellComponent
from domicile_infra.cell.logs import make_log_group
from domicile_infra.cell.network import Network
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.cell_config import REDIS_PORT
from domicile_infra.plan.cidr import SubnetRole
from domicile_infra.plan.names import REPLICATION_GROUP, fit
from domicile_infra.plan.sizes import CACHE, CACHE_ENGINE, CACHE_FAMILY

HOLDS = (DataClass.PLAYER_IDENTITY, DataClass.WAGERING)
SNAPSHOTS_DAYS = 7


@dataclass(frozen=True)
class CacheArgs:
    """`data_key_arn` closes the data, `telemetry_key_arn` the log."""

    plan: CellPlan
    network: Network
    data_key_arn: pulumi.Input[str]
    telemetry_key_arn: pulumi.Input[str]


class Cache(CellComponent):
    """`endpoint` is the primary's host."""

    arn: pulumi.Output[str]
    identifier: str
    endpoint: pulumi.Output[str]
    reader_endpoint: pulumi.Output[str]

    def __init__(self, name: str, args: CacheArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan = args.plan
        self.identifier = fit(plan.name, REPLICATION_GROUP)
        subnets = aws.elasticache.SubnetGroup(
            "cache",
            name=self.identifier,
            description=f"Data subnets of {plan.name}",
            subnet_ids=args.network.ids(SubnetRole.DATA),
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        parameters = aws.elasticache.ParameterGroup(
            "cache",
            name=f"{self.identifier}-{CACHE_FAMILY}",
            family=CACHE_FAMILY,
            description=f"Cache of {plan.name}",
            # Counters of fraud and sessions are not for eviction: a full cache refuses, and an alarm comes first.
            parameters=[{"name": "maxmemory-policy", "value": "noeviction"}],
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        log = make_log_group(self, "cache-log", plan, f"/domicile/{plan.name}/cache", args.telemetry_key_arn)
        group = aws.elasticache.ReplicationGroup(
            "cache",
            replication_group_id=self.identifier,
            description=f"Cache of {plan.name}",
            engine=CACHE_ENGINE,
            engine_version=CACHE,
            node_type=plan.size.cache_class,
            num_cache_clusters=plan.size.cache_nodes,
            port=REDIS_PORT,
            automatic_failover_enabled=True,
            multi_az_enabled=True,
            at_rest_encryption_enabled=True,
            kms_key_id=args.data_key_arn,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            user_group_ids=[self._users(plan)],
            subnet_group_name=subnets.name,
            parameter_group_name=parameters.name,
            security_group_ids=[self._group(args)],
            snapshot_retention_limit=SNAPSHOTS_DAYS,
            snapshot_window="03:00-04:00",
            maintenance_window="tue:04:30-tue:05:30",
            auto_minor_version_upgrade=False,
            apply_immediately=False,
            log_delivery_configurations=[
                {
                    "destination": log.name,
                    "destination_type": "cloudwatch-logs",
                    "log_format": "json",
                    "log_type": "engine-log",
                }
            ],
            tags=plan.tags.tags(HOLDS),
            opts=self.child(stateful=True),
        )
        self.arn = group.arn
        self.endpoint, self.reader_endpoint = group.primary_endpoint_address, group.reader_endpoint_address
        self.register_outputs({"endpoint": self.endpoint})

    def _users(self, plan: CellPlan) -> pulumi.Output[str]:
        """The group that the cache admits. The operator puts tenants' users into it; here it has one who may nothing.

        Valkey needs no default user, so that nobody is let in who was not named.
        """
        user = aws.elasticache.User(
            "nobody",
            user_id=f"{plan.cache_users}-nobody",
            user_name=f"{plan.cache_users}-nobody",  # IAM compares the two
            engine=CACHE_ENGINE,
            access_string="off -@all",
            authentication_mode={"type": "iam"},
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        users = aws.elasticache.UserGroup(
            "users",
            user_group_id=plan.cache_users,
            engine=CACHE_ENGINE,
            user_ids=[user.user_id],
            tags=plan.tags.tags(),
            # The others are the operator's.
            opts=self.child(ignore_changes=["userIds"]),
        )
        return users.user_group_id

    def _group(self, args: CacheArgs) -> pulumi.Output[str]:
        plan = args.plan
        group = aws.ec2.SecurityGroup(
            "cache",
            name=f"{plan.name}-cache",
            description="The cache",
            vpc_id=args.network.vpc_id,
            tags=plan.tags.tags(name=f"{plan.name}-cache"),
            opts=self.child(),
        )
        aws.vpc.SecurityGroupIngressRule(
            "cache-from-workloads",
            security_group_id=group.id,
            referenced_security_group_id=args.network.workloads_id,
            description="Redis from the cluster",
            ip_protocol="tcp",
            from_port=REDIS_PORT,
            to_port=REDIS_PORT,
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        return group.id
