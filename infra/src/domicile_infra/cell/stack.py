"""A cell's stack: its components in the order in which they need each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws
import pulumi_kubernetes as kubernetes

from domicile_infra.cell.backup import Backup, BackupArgs
from domicile_infra.cell.cache import Cache, CacheArgs
from domicile_infra.cell.cluster import Cluster, ClusterArgs
from domicile_infra.cell.database import Database, DatabaseArgs
from domicile_infra.cell.dns import Dns, DnsArgs
from domicile_infra.cell.edge import Edge, EdgeArgs
from domicile_infra.cell.egress import Egress, EgressArgs
from domicile_infra.cell.endpoints import Endpoints, EndpointsArgs
from domicile_infra.cell.keys import Keys, KeysArgs
from domicile_infra.cell.logins import Logins, LoginsArgs
from domicile_infra.cell.monitoring import Monitoring, MonitoringArgs
from domicile_infra.cell.network import Network, NetworkArgs
from domicile_infra.cell.object_store import ObjectStore, ObjectStoreArgs
from domicile_infra.cell.registry import Registry, RegistryArgs
from domicile_infra.cell.web_firewall import WebFirewall, WebFirewallArgs
from domicile_infra.cell.workloads import Workloads, WorkloadsArgs
from domicile_infra.plan.cell import CellPlan
from domicile_infra.plan.documents.keys import KeyPurpose
from domicile_infra.plan.errors import PlanError
from domicile_infra.plan.manifests import Manifest


@dataclass(frozen=True)
class CellOutputs:
    """What a cell's stack exports. `key_arns` are by purpose, `buckets` by purpose, `egress_addresses` by zone."""

    vpc_id: pulumi.Output[str]
    egress_addresses: Mapping[str, pulumi.Output[str]]
    cluster_name: pulumi.Output[str]
    cluster_endpoint: pulumi.Output[str]
    cluster_ca_data: pulumi.Output[str]
    cluster_issuer: pulumi.Output[str]
    kubeconfig: pulumi.Output[str]
    database_endpoint: pulumi.Output[str]
    database_reader_endpoint: pulumi.Output[str]
    database_secret_arn: pulumi.Output[str]
    cache_endpoint: pulumi.Output[str]
    buckets: Mapping[str, pulumi.Output[str]]
    key_arns: Mapping[str, pulumi.Output[str]]
    registry_url: pulumi.Output[str]
    backup_vault_arn: pulumi.Output[str]
    backup_copy_vault_arn: pulumi.Output[str] | None
    name_servers: pulumi.Output[list[str]]
    load_balancer_dns_name: pulumi.Output[str]
    target_group_arn: pulumi.Output[str]
    alarms_topic_arn: pulumi.Output[str]


def build_cell(
    plan: CellPlan,
    provider: aws.Provider,
    *,
    backup_provider: aws.Provider | None = None,
    manifests: Sequence[Manifest] | None = None,
    cluster_provider: kubernetes.Provider | None = None,
) -> CellOutputs:
    """Build the cell, in the account and region of `provider`.

    `backup_provider` is of the same account in the backup place, and needed exactly where that is another region.
    `manifests` are the operator's (`plan.manifests.read_manifests`); without them nothing is put into the cluster,
    whose API can be reached only from its network and from `plan.api_cidrs`. They go into the cell's own cluster, or
    into that of `cluster_provider`. Raises PlanError.
    """
    if (backup_provider is not None) != (plan.backup_place != plan.place):
        raise PlanError(
            f"{plan.name} is backed up in {plan.backup_place} and stands in {plan.place}: a provider of the backup "
            "place is needed where the two differ, and only there."
        )
    aws_options = pulumi.ResourceOptions(providers=[provider])
    keys = Keys("keys", KeysArgs(plan, backup_provider), aws_options)
    telemetry, data = keys.arns[KeyPurpose.TELEMETRY], keys.arns[KeyPurpose.DATA]
    network = Network("network", NetworkArgs(plan, telemetry), aws_options)
    egress = Egress("egress", EgressArgs(plan, network, telemetry), aws_options)
    tables = [*egress.private_route_tables.values(), egress.data_route_table]
    endpoints = Endpoints("endpoints", EndpointsArgs(plan, network, tables), aws_options)
    object_store = ObjectStore("object-store", ObjectStoreArgs(plan, keys.arns), aws_options)
    registry = Registry("registry", RegistryArgs(plan, keys.arns[KeyPurpose.CLUSTER]), aws_options)
    database = Database("database", DatabaseArgs(plan, network, data, telemetry), aws_options)
    cache = Cache("cache", CacheArgs(plan, network, data, telemetry), aws_options)
    cluster = Cluster("cluster", ClusterArgs(plan, network, endpoints, keys.arns), aws_options)
    backup = Backup(
        "backup",
        BackupArgs(
            plan,
            keys.arns[KeyPurpose.BACKUP],
            [database.arn, object_store.arns["documents"]],
            keys.copy_arn,
            backup_provider,
        ),
        aws_options,
    )
    dns = Dns("dns", DnsArgs(plan), aws_options)
    edge = Edge("edge", EdgeArgs(plan, network, object_store, dns, cluster), aws_options)
    firewall = WebFirewall("web-firewall", WebFirewallArgs(plan, edge.load_balancer_arn, telemetry), aws_options)
    called: Mapping[str, pulumi.Input[str]] = {
        "database": database.identifier,
        "cache": cache.identifier,
        "load_balancer": edge.dimension,
        "target_group": edge.target_dimension,
        "firewall": egress.firewall_name,
        "web_acl": firewall.acl_name,
        "region": plan.place,
        "vault": backup.vault_name,
    }
    monitoring = Monitoring("monitoring", MonitoringArgs(plan, called, telemetry), aws_options)
    if manifests is not None:
        logins = Logins("logins", LoginsArgs(plan, cluster.name, database.secret_arn, data), aws_options)
        target = cluster_provider or _provider_of(cluster)
        variables: Mapping[str, pulumi.Input[str]] = {
            "cluster": cluster.name,
            "region": plan.place,
            "targetGroupArn": edge.target_group_arn,
        }
        Workloads(
            "workloads",
            WorkloadsArgs(
                plan, manifests, database.endpoint, cache.endpoint, database.secret_arn, logins.ready, variables
            ),
            pulumi.ResourceOptions(providers=[target]),
        )
    return CellOutputs(
        vpc_id=network.vpc_id,
        egress_addresses=egress.addresses,
        cluster_name=cluster.name,
        cluster_endpoint=cluster.endpoint,
        cluster_ca_data=cluster.ca_data,
        cluster_issuer=cluster.issuer,
        kubeconfig=cluster.kubeconfig,
        database_endpoint=database.endpoint,
        database_reader_endpoint=database.reader_endpoint,
        database_secret_arn=database.secret_arn,
        cache_endpoint=cache.endpoint,
        buckets=object_store.names,
        key_arns={purpose.value: arn for purpose, arn in keys.arns.items()},
        registry_url=registry.url,
        backup_vault_arn=backup.vault_arn,
        backup_copy_vault_arn=backup.copy_vault_arn,
        name_servers=dns.name_servers,
        load_balancer_dns_name=edge.dns_name,
        target_group_arn=edge.target_group_arn,
        alarms_topic_arn=monitoring.topic_arn,
    )


def export(outputs: CellOutputs) -> None:
    """Export each output under its name, in the stack's camelCase."""
    for name, value in vars(outputs).items():
        if value is not None:
            head, *tail = name.split("_")
            pulumi.export(head + "".join(word.title() for word in tail), value)


def _provider_of(cluster: Cluster) -> kubernetes.Provider:
    return kubernetes.Provider(
        "cluster",
        kubeconfig=cluster.kubeconfig,
        # A changed ConfigMap would else be a new one, and the operator's mount of the old one would go.
        enable_config_map_mutable=True,
        opts=pulumi.ResourceOptions(depends_on=list(cluster.ready)),
    )
