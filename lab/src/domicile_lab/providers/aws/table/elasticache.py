"""Amazon ElastiCache. https://docs.aws.amazon.com/AmazonElastiCache/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Update, Wait
from domicile_lab.providers.aws.table._groups import (
    TAG_READ,
    TAGS,
    batches,
    description,
    joining,
    parameters,
    subnet_group,
)


def _logs(configurations: Any) -> list[dict[str, Any]]:
    """Log deliveries; the kind of destination decides where its name goes."""
    found = []
    for each in configurations:
        firehose = each["destinationType"] == "kinesis-firehose"
        details = (
            {"KinesisFirehoseDetails": {"DeliveryStream": each["destination"]}}
            if firehose
            else {"CloudWatchLogsDetails": {"LogGroup": each["destination"]}}
        )
        found.append({
            "LogType": each["logType"],
            "LogFormat": each["logFormat"],
            "DestinationType": each["destinationType"],
            "DestinationDetails": details,
        })  # fmt: skip
    return found


def _told_logs(group: Any) -> list[dict[str, Any]]:
    found = []
    for each in group.get("LogDeliveryConfigurations") or ():
        details = each.get("DestinationDetails") or {}
        name = (details.get("CloudWatchLogsDetails") or {}).get("LogGroup") or (
            details.get("KinesisFirehoseDetails") or {}
        ).get("DeliveryStream")
        found.append({
            "destination": name,
            "destinationType": each.get("DestinationType"),
            "logFormat": each.get("LogFormat"),
            "logType": each.get("LogType"),
        })  # fmt: skip
    return found


def _on(member: str) -> Any:
    """A feature told as enabled, disabled, enabling ..."""
    return lambda group: str(group.get(member, "disabled")).startswith("enabl")


def _replicas(group: Any) -> int | None:
    nodes = group.get("NodeGroups") or []
    members = nodes[0].get("NodeGroupMembers") if nodes else None
    return len(members) - 1 if members else None


def _mode(user: Any) -> dict[str, Any] | None:
    """ElastiCache takes `no-password-required` and `iam`, and tells `no-password` and `iam`."""
    kind = (user.get("Authentication") or {}).get("Type")
    return {"type": {"no-password": "no-password-required"}.get(kind, kind)} if kind else None


def _parameters(cloud: Cloud, facts: Facts) -> None:
    def wired(values: Any) -> dict[str, dict[str, str]]:
        return {
            each["name"]: {"ParameterName": each["name"], "ParameterValue": str(each["value"])} for each in values or ()
        }

    changed, dropped = parameters(wired(facts.old.get("parameters")), wired(facts.inputs.get("parameters")))
    for operation, items in (("ModifyCacheParameterGroup", changed), ("ResetCacheParameterGroup", dropped)):
        for some in batches(items):
            request = {"CacheParameterGroupName": facts.id, "ParameterNameValues": some}
            cloud.call("elasticache", operation, request)


def _users(cloud: Cloud, facts: Facts) -> None:
    request = {"UserGroupId": facts.id, **joining(facts, "userIds", "UserIds")}
    cloud.call("elasticache", "ModifyUserGroup", request)


def _groups(cloud: Cloud, facts: Facts) -> None:
    members = joining(facts, "userGroupIds", "UserGroupIds")
    request = {"ReplicationGroupId": facts.id, "ApplyImmediately": True, **members}
    cloud.call("elasticache", "ModifyReplicationGroup", request)


def _replica_count(cloud: Cloud, facts: Facts) -> None:
    count = facts.inputs.get("replicasPerNodeGroup")
    if count is None and facts.inputs.get("numCacheClusters"):
        count = facts.inputs["numCacheClusters"] - 1
    held = facts.outputs.get("replicasPerNodeGroup") or 0
    if count is not None and count != held:
        operation = "IncreaseReplicaCount" if count > held else "DecreaseReplicaCount"
        request = {"ReplicationGroupId": facts.id, "NewReplicaCount": count, "ApplyImmediately": True}
        cloud.call("elasticache", operation, request)


GROUP_MEMBERS: Final = {
    "description": "ReplicationGroupDescription",
    "maintenanceWindow": "PreferredMaintenanceWindow",
    "multiAzEnabled": "MultiAZEnabled",
    "nodeType": "CacheNodeType",
    "parameterGroupName": "CacheParameterGroupName",
    "subnetGroupName": "CacheSubnetGroupName",
    "nodeGroupConfigurations": "NodeGroupConfiguration",
    "securityGroupNames": "CacheSecurityGroupNames",
}

RESOURCES: Final = (
    subnet_group("elasticache", "Cache", fields={}),
    Resource(
        type="aws:elasticache/parameterGroup:ParameterGroup",
        service="elasticache",
        create=Call("CreateCacheParameterGroup", {"Description": description}),
        id="{name}",
        id_parts=("name",),
        reads=(
            Read(
                "DescribeCacheParameterGroups",
                {"CacheParameterGroupName": "{id}"},
                at="CacheParameterGroups",
            ),
            Read(
                "DescribeCacheParameters",
                {"CacheParameterGroupName": "{id}", "Source": "user"},
                only=("parameters",),
            ),
            TAG_READ,
        ),
        updates=(Custom(("parameters",), _parameters, on_create=True),),
        delete=Call("DeleteCacheParameterGroup", {"CacheParameterGroupName": "{id}"}),
        tags=TAGS,
        names={
            "name": "CacheParameterGroupName",
            "family": "CacheParameterGroupFamily",
            "parameters.name": "ParameterName",
            "parameters.value": "ParameterValue",
        },
        folded=("name",),
        autoname="name",
        autoname_length=255,
    ),
    Resource(
        type="aws:elasticache/replicationGroup:ReplicationGroup",
        service="elasticache",
        create=Call("CreateReplicationGroup"),
        id="=ReplicationGroup.ReplicationGroupId",
        reads=(
            Read(
                "DescribeReplicationGroups",
                {"ReplicationGroupId": "{id}"},
                at="ReplicationGroups",
                gone=("ReplicationGroupNotFoundFault",),
                # One on its way out is none to keep, and moto's never arrive.
                pick=lambda found, _: next((each for each in found or () if each.get("Status") != "deleting"), None),
                fields={
                    "automaticFailoverEnabled": _on("AutomaticFailover"),
                    "configurationEndpointAddress": "ConfigurationEndpoint.Address",
                    "description": "Description",
                    "logDeliveryConfigurations": _told_logs,
                    "multiAzEnabled": _on("MultiAZ"),
                    "numCacheClusters": "length(MemberClusters)",
                    "numNodeGroups": "length(NodeGroups)",
                    "primaryEndpointAddress": "NodeGroups[0].PrimaryEndpoint.Address",
                    "readerEndpointAddress": "NodeGroups[0].ReaderEndpoint.Address",
                    "replicasPerNodeGroup": _replicas,
                    "nodeGroupConfigurations": lambda _: None,
                },
            ),
            Read(
                "DescribeCacheClusters",
                {"CacheClusterId": lambda facts, _: (facts.outputs.get("memberClusters") or [None])[0]},
                at="CacheClusters",
                only=("engineVersion", "maintenanceWindow", "notificationTopicArn"),
                fields={
                    "engineVersionActual": "EngineVersion",
                    "parameterGroupName": "CacheParameterGroup.CacheParameterGroupName",
                    "subnetGroupName": "CacheSubnetGroupName",
                    "securityGroupIds": "SecurityGroups[].SecurityGroupId",
                    "notificationTopicArn": "NotificationConfiguration.TopicArn",
                    "port": "CacheNodes[0].Endpoint.Port || ConfigurationEndpoint.Port",
                },
            ),
            TAG_READ,
        ),
        wait=Wait("Status", ("available",), ("create-failed",)),
        wait_gone=True,
        updates=(
            Update(
                Call(
                    "ModifyReplicationGroup",
                    {
                        "ReplicationGroupId": "{id}",
                        "ApplyImmediately": lambda facts, _: bool(facts.inputs.get("applyImmediately")),
                    },
                )
            ),
            Custom(("userGroupIds",), _groups),
            Custom(("numCacheClusters", "replicasPerNodeGroup"), _replica_count),
        ),
        delete=Call(
            "DeleteReplicationGroup",
            {"ReplicationGroupId": "{id}", "FinalSnapshotIdentifier": "{finalSnapshotIdentifier}"},
        ),
        tags=TAGS,
        names=GROUP_MEMBERS,
        write={"logDeliveryConfigurations": _logs},
        same=lambda path, given, found: path == "engineVersion" and str(found).startswith(f"{given}."),
        folded=("replicationGroupId",),
        autoname="replicationGroupId",
        autoname_length=40,
        local=("applyImmediately", "finalSnapshotIdentifier"),
        untold=("authToken", "authTokenUpdateStrategy", "preferredCacheClusterAzs"),
        quiet=(
            "autoMinorVersionUpgrade",
            "clusterMode",
            "dataTieringEnabled",
            "engine",
            "engineVersion",
            "ipDiscovery",
            "logDeliveryConfigurations",
            "maintenanceWindow",
            "networkType",
            "notificationTopicArn",
            "numNodeGroups",
            "parameterGroupName",
            "port",
            "replicasPerNodeGroup",
            "securityGroupIds",
            "snapshotWindow",
            "subnetGroupName",
            "transitEncryptionMode",
            "userGroupIds",
        ),
        unsupported=(
            "globalReplicationGroupId",
            "nodeGroupConfigurations",
            "securityGroupNames",
            "snapshotArns",
            "snapshotName",
        ),
        replaces=("replicationGroupId",),
    ),
    Resource(
        type="aws:elasticache/user:User",
        service="elasticache",
        create=Call("CreateUser"),
        id="{userId}",
        id_parts=("userId",),
        reads=(
            Read(
                "DescribeUsers",
                {"UserId": "{id}"},
                at="Users",
                gone=("UserNotFound",),
                fields={"authenticationMode": _mode},
            ),
            TAG_READ,
        ),
        updates=(Update(Call("ModifyUser", {"UserId": "{id}"})),),
        delete=Call("DeleteUser", {"UserId": "{id}"}),
        tags=TAGS,
        untold=("passwords", "noPasswordRequired"),
        quiet=("authenticationMode",),
        told=("authenticationMode.passwordCount",),
        unsupported=("passwordsWo", "passwordsWoVersion"),
        replaces=("userName",),
    ),
    Resource(
        type="aws:elasticache/userGroup:UserGroup",
        service="elasticache",
        create=Call("CreateUserGroup"),
        id="{userGroupId}",
        id_parts=("userGroupId",),
        reads=(
            Read("DescribeUserGroups", {"UserGroupId": "{id}"}, at="UserGroups", gone=("UserGroupNotFound",)),
            TAG_READ,
        ),
        updates=(Update(Call("ModifyUserGroup", {"UserGroupId": "{id}"})), Custom(("userIds",), _users)),
        delete=Call("DeleteUserGroup", {"UserGroupId": "{id}"}),
        tags=TAGS,
        folded=("engine",),
    ),
)
