"""Databases and caches: what moto forgets of them, or does not do."""

from __future__ import annotations

from functools import wraps
from typing import Any

from moto.core.responses import ActionResult
from moto.elasticache.models import ElastiCacheBackend, ReplicationGroup
from moto.rds.models import RDSBackend
from moto.rds.responses import RDSResponse

from domicile_lab.cloud.corrections.overlay import lay

# Parameters of an instance that moto drops, with the attributes under which it would tell them.
_FORGOTTEN = {
    "enable_performance_insights": "performance_insights_enabled",
    "performance_insights_kms_key_id": "performance_insights_kms_key_id",
    "performance_insights_retention_period": "performance_insights_retention_period",
}


def apply() -> None:
    """Lay these corrections over moto."""
    _cluster_parameters()
    _clusters()
    _instances()
    _subnet_groups()
    _replication_groups()


def _cluster_parameters() -> None:
    """moto neither resets a cluster's parameters nor switches its data API."""

    def reset(self: Any) -> ActionResult:
        name = self.params.get("DBClusterParameterGroupName")
        group = self.backend.db_cluster_parameter_groups[name]
        if self.params.get("ResetAllParameters"):
            group.parameters.clear()
        for one in self.params.get("Parameters", []):
            group.parameters.pop(one.original_dict()["ParameterName"], None)
        return ActionResult({"DBClusterParameterGroupName": name})

    def switched(to: bool) -> Any:
        def switch(self: Any) -> ActionResult:
            arn = self.params.get("ResourceArn")
            cluster = self.backend.clusters[arn.rpartition(":")[2]]
            cluster._enable_http_endpoint = to
            return ActionResult({"ResourceArn": arn, "HttpEndpointEnabled": to})

        return switch

    lay(
        RDSResponse,
        reset_db_cluster_parameter_group=reset,
        enable_http_endpoint=switched(True),
        disable_http_endpoint=switched(False),
    )


def _clusters() -> None:
    """With a cluster go its automated snapshots, which AWS keeps only where it is asked to; moto keeps them."""
    delete = RDSBackend.delete_db_cluster

    @wraps(delete)
    def deleted(self: Any, cluster_identifier: str, *rest: Any, **more: Any) -> Any:
        gone = delete(self, cluster_identifier, *rest, **more)
        for name, snapshot in list(self.cluster_snapshots.items()):
            if snapshot.snapshot_type == "automated" and snapshot.cluster.db_cluster_identifier == cluster_identifier:
                del self.cluster_snapshots[name]
        return gone

    lay(RDSBackend, delete_db_cluster=deleted)


def _instances() -> None:
    """moto forgets whether an instance's performance is recorded, and with which key."""
    create, modify = RDSBackend.create_db_instance, RDSBackend.modify_db_instance

    def kept(instance: Any, given: Any) -> Any:
        for parameter, attribute in _FORGOTTEN.items():
            if (value := given.get(parameter)) is not None:
                setattr(instance, attribute, value)
        return instance

    @wraps(create)
    def create_db_instance(self: Any, db_kwargs: Any) -> Any:
        return kept(create(self, db_kwargs), db_kwargs)

    @wraps(modify)
    def modify_db_instance(self: Any, db_instance_identifier: str, db_kwargs: Any) -> Any:
        return kept(modify(self, db_instance_identifier, db_kwargs), db_kwargs)

    lay(RDSBackend, create_db_instance=create_db_instance, modify_db_instance=modify_db_instance)


def _subnet_groups() -> None:
    """moto loses a group of subnets that is changed."""
    modify = RDSBackend.modify_db_subnet_group

    @wraps(modify)
    def modify_db_subnet_group(self: Any, *args: Any, **given: Any) -> Any:
        group = modify(self, *args, **given)
        self.subnet_groups[group.name] = group
        return group

    lay(RDSBackend, modify_db_subnet_group=modify_db_subnet_group)


def _replication_groups() -> None:
    """moto makes one node however many are asked for, and a deleted group stays."""
    fill, delete = ReplicationGroup._set_node_members_clusters_disabled, ElastiCacheBackend.delete_replication_group

    @wraps(fill)
    def filled(self: Any, *, num_cache_clusters: int, replicas_per_node_group: int, **given: Any) -> None:
        replicas = replicas_per_node_group or (num_cache_clusters or 1) - 1
        fill(self, num_cache_clusters=num_cache_clusters, replicas_per_node_group=replicas, **given)

    @wraps(delete)
    def delete_replication_group(self: Any, replication_group_id: str, *args: Any, **given: Any) -> Any:
        group = delete(self, replication_group_id, *args, **given)
        self.replication_groups.pop(replication_group_id, None)
        return group

    lay(ReplicationGroup, _set_node_members_clusters_disabled=filled)
    lay(ElastiCacheBackend, delete_replication_group=delete_replication_group)
