"""The cell's PostgreSQL: Aurora over three zones, reached by the cluster alone, over TLS."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
from domicile_catalog import DataClass

from domicile_infra.cell.component import CellComponent
from domicile_infra.cell.logs import make_log_group
from domicile_infra.cell.network import Network
from domicile_infra.cell.roles import make_role
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.cell_config import POSTGRESQL_PORT
from domicile_infra.plan.cidr import SubnetRole
from domicile_infra.plan.documents.roles import RolePurpose
from domicile_infra.plan.names import DATABASE, fit
from domicile_infra.plan.sizes import POSTGRESQL, POSTGRESQL_FAMILY

HOLDS = (DataClass.PLAYER_IDENTITY, DataClass.WAGERING)
RETENTION_DAYS = 35
"""How far back the database can be set to any moment, in days (Aurora's longest)."""
AUTHORITY = "rds-ca-ecc384-g1"
"""The CA of its certificates, which the cell's ca.crt must hold."""

PARAMETERS = {
    "rds.force_ssl": "1",
    "ssl_min_protocol_version": "TLSv1.2",
    "password_encryption": "scram-sha-256",
    "log_connections": "1",
    "log_disconnections": "1",
    # Who changed what the database is. Statements that touch rows would put players' data into the log.
    "log_statement": "ddl",
    "pgaudit.log": "ddl,role",
}
AT_RESTART = {"shared_preload_libraries": "pg_stat_statements,pgaudit"}


@dataclass(frozen=True)
class DatabaseArgs:
    """`data_key_arn` closes the data and the administrator's password, `telemetry_key_arn` the log."""

    plan: CellPlan
    network: Network
    data_key_arn: pulumi.Input[str]
    telemetry_key_arn: pulumi.Input[str]


class Database(CellComponent):
    """`endpoint` is the writer's host. The administrator's password is RDS's own secret, `secret_arn`."""

    arn: pulumi.Output[str]
    identifier: str
    endpoint: pulumi.Output[str]
    reader_endpoint: pulumi.Output[str]
    secret_arn: pulumi.Output[str]

    def __init__(self, name: str, args: DatabaseArgs, opts: pulumi.ResourceOptions) -> None:
        super().__init__(name, opts)
        plan = args.plan
        self.identifier = fit(plan.name, DATABASE)
        metrics = make_role(self, plan, RolePurpose.DATABASE_METRICS)
        log = make_log_group(
            self, "database-log", plan, f"/aws/rds/cluster/{self.identifier}/postgresql", args.telemetry_key_arn
        )
        cluster = self._cluster(args, log)
        for at in range(plan.size.database_instances):
            aws.rds.ClusterInstance(
                f"instance-{at}",
                identifier=f"{self.identifier}-{at}",
                cluster_identifier=cluster.id,
                engine=aws.rds.EngineType.AURORA_POSTGRESQL,
                engine_version=POSTGRESQL,
                instance_class=plan.size.database_class,
                promotion_tier=at,
                publicly_accessible=False,
                auto_minor_version_upgrade=False,
                ca_cert_identifier=AUTHORITY,
                copy_tags_to_snapshot=True,
                monitoring_interval=60,
                monitoring_role_arn=metrics.arn,
                performance_insights_enabled=True,
                performance_insights_kms_key_id=args.data_key_arn,
                tags=plan.tags.tags(HOLDS),
                opts=self.child(stateful=True, after=metrics.ready),
            )
        self.arn, self.endpoint, self.reader_endpoint = cluster.arn, cluster.endpoint, cluster.reader_endpoint
        self.secret_arn = cluster.master_user_secrets.apply(
            lambda found: (found[0].secret_arn if found else None) or ""
        )
        self.register_outputs({"endpoint": self.endpoint, "arn": self.arn})

    def _cluster(self, args: DatabaseArgs, log: aws.cloudwatch.LogGroup) -> aws.rds.Cluster:
        plan = args.plan
        subnets = aws.rds.SubnetGroup(
            "database",
            name=self.identifier,
            description=f"Data subnets of {plan.name}",
            subnet_ids=args.network.ids(SubnetRole.DATA),
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        parameters = aws.rds.ClusterParameterGroup(
            "database",
            name=f"{self.identifier}-{POSTGRESQL_FAMILY}",
            family=POSTGRESQL_FAMILY,
            description=f"PostgreSQL of {plan.name}",
            parameters=[
                aws.rds.ClusterParameterGroupParameterArgs(name=key, value=value, apply_method=when)
                for when, values in (("immediate", PARAMETERS), ("pending-reboot", AT_RESTART))
                for key, value in values.items()
            ],
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        return aws.rds.Cluster(
            "database",
            cluster_identifier=self.identifier,
            engine=aws.rds.EngineType.AURORA_POSTGRESQL,
            engine_mode="provisioned",
            engine_version=POSTGRESQL,
            port=POSTGRESQL_PORT,
            master_username="domicile_admin",
            # RDS makes the password, keeps it and turns it: it is in no state file.
            manage_master_user_password=True,
            master_user_secret_kms_key_id=args.data_key_arn,
            iam_database_authentication_enabled=True,
            storage_encrypted=True,
            kms_key_id=args.data_key_arn,
            db_subnet_group_name=subnets.name,
            db_cluster_parameter_group_name=parameters.name,
            vpc_security_group_ids=[self._group(args)],
            backup_retention_period=RETENTION_DAYS,
            preferred_backup_window="02:00-03:00",
            preferred_maintenance_window="tue:03:30-tue:04:30",
            copy_tags_to_snapshot=True,
            delete_automated_backups=False,
            deletion_protection=True,
            skip_final_snapshot=False,
            final_snapshot_identifier=f"{self.identifier}-final",
            enabled_cloudwatch_logs_exports=["postgresql"],
            tags=plan.tags.tags(HOLDS),
            opts=self.child(stateful=True, after=[log]),
        )

    def _group(self, args: DatabaseArgs) -> pulumi.Output[str]:
        plan = args.plan
        group = aws.ec2.SecurityGroup(
            "database",
            name=f"{plan.name}-database",
            description="The database",
            vpc_id=args.network.vpc_id,
            tags=plan.tags.tags(name=f"{plan.name}-database"),
            opts=self.child(),
        )
        aws.vpc.SecurityGroupIngressRule(
            "database-from-workloads",
            security_group_id=group.id,
            referenced_security_group_id=args.network.workloads_id,
            description="PostgreSQL from the cluster",
            ip_protocol="tcp",
            from_port=POSTGRESQL_PORT,
            to_port=POSTGRESQL_PORT,
            tags=plan.tags.tags(),
            opts=self.child(),
        )
        return group.id
