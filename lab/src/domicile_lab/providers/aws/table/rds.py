"""Amazon RDS: Aurora clusters. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Update, Wait
from domicile_lab.providers.aws.table._groups import TAG_READ, TAGS, batches, description, parameters, subnet_group

ENGINES: Final = {
    "performanceInsightsEnabled": "EnablePerformanceInsights",
    "caCertIdentifier": "CACertificateIdentifier",
}


def _now(facts: Facts, _: Cloud) -> bool:
    return bool(facts.inputs.get("applyImmediately"))


def _exports(cloud: Cloud, facts: Facts) -> None:
    before, after = (set(each.get("enabledCloudwatchLogsExports") or ()) for each in (facts.old, facts.inputs))
    change = {"EnableLogTypes": sorted(after - before), "DisableLogTypes": sorted(before - after)}
    request = {"DBClusterIdentifier": facts.id, "CloudwatchLogsExportConfiguration": change}
    cloud.call("rds", "ModifyDBCluster", request)


def _parameters(cloud: Cloud, facts: Facts) -> None:
    """Set what is given; give back to the family's default what is given no more."""

    def wired(parameters: Any) -> dict[str, dict[str, str]]:
        return {
            each["name"]: {
                "ParameterName": each["name"],
                "ParameterValue": str(each["value"]),
                "ApplyMethod": each.get("applyMethod") or "immediate",
            }
            for each in parameters or ()
        }

    changed, dropped = parameters(wired(facts.old.get("parameters")), wired(facts.inputs.get("parameters")))
    reset = [{key: each[key] for key in ("ParameterName", "ApplyMethod")} for each in dropped]
    for operation, items in (("ModifyDBClusterParameterGroup", changed), ("ResetDBClusterParameterGroup", reset)):
        for some in batches(items):
            cloud.call("rds", operation, {"DBClusterParameterGroupName": facts.id, "Parameters": some})


def _set_parameters(answer: Any, _: Facts) -> Any:
    """The parameters that somebody set."""
    return {
        "Parameters": [
            each for each in answer or () if each.get("Source", "user") == "user" and "ParameterValue" in each
        ]
    }


def _member(found: Any, facts: Facts) -> Any:
    return next((each for each in found or () if each.get("DBInstanceIdentifier") == facts.id), None)


def _managed(cluster: Any) -> bool | None:
    return True if cluster.get("MasterUserSecret") else None


RESOURCES: Final = (
    subnet_group("rds", "DB", fields={"arn": "DBSubnetGroupArn"}, unsupported=("namePrefix",)),
    Resource(
        type="aws:rds/clusterParameterGroup:ClusterParameterGroup",
        service="rds",
        create=Call("CreateDBClusterParameterGroup", {"Description": description}),
        id="{name}",
        id_parts=("name",),
        reads=(
            Read(
                "DescribeDBClusterParameterGroups",
                {"DBClusterParameterGroupName": "{id}"},
                at="DBClusterParameterGroups",
                fields={"arn": "DBClusterParameterGroupArn"},
            ),
            Read(
                "DescribeDBClusterParameters",
                {"DBClusterParameterGroupName": "{id}", "Source": "user"},
                at="Parameters",
                pick=_set_parameters,
                only=("parameters",),
            ),
            TAG_READ,
        ),
        updates=(Custom(("parameters",), _parameters, on_create=True),),
        delete=Call("DeleteDBClusterParameterGroup", {"DBClusterParameterGroupName": "{id}"}),
        tags=TAGS,
        names={
            "name": "DBClusterParameterGroupName",
            "family": "DBParameterGroupFamily",
            "parameters.name": "ParameterName",
            "parameters.value": "ParameterValue",
        },
        quiet=("parameters",),
        folded=("name",),
        autoname="name",
        autoname_length=255,
        unsupported=("namePrefix",),
    ),
    Resource(
        type="aws:rds/cluster:Cluster",
        service="rds",
        create=Call("CreateDBCluster"),
        id="=DBCluster.DBClusterIdentifier",
        reads=(
            Read(
                "DescribeDBClusters",
                {"DBClusterIdentifier": "{id}"},
                at="DBClusters",
                gone=("DBClusterNotFoundFault",),
                fields={
                    "arn": "DBClusterArn",
                    "clusterMembers": "DBClusterMembers[].DBInstanceIdentifier",
                    "dbClusterParameterGroupName": "DBClusterParameterGroup",
                    "dbSubnetGroupName": "DBSubnetGroup",
                    "enableHttpEndpoint": "HttpEndpointEnabled",
                    "enabledCloudwatchLogsExports": "EnabledCloudwatchLogsExports",
                    "engineVersionActual": "EngineVersion",
                    "iamDatabaseAuthenticationEnabled": "IAMDatabaseAuthenticationEnabled",
                    "manageMasterUserPassword": _managed,
                    "masterUserSecretKmsKeyId": "MasterUserSecret.KmsKeyId",
                    "performanceInsightsEnabled": "PerformanceInsightsEnabled",
                    "vpcSecurityGroupIds": "VpcSecurityGroups[].VpcSecurityGroupId",
                },
                tags="DBClusters[0].TagList",
            ),
        ),
        wait=Wait("Status", ("available",), ("failed", "inaccessible-encryption-credentials")),
        wait_gone=True,
        updates=(
            Update(Call("ModifyDBCluster", {"DBClusterIdentifier": "{id}", "ApplyImmediately": _now})),
            Custom(("enabledCloudwatchLogsExports",), _exports),
        ),
        delete=Call(
            "DeleteDBCluster",
            {
                "DBClusterIdentifier": "{id}",
                "SkipFinalSnapshot": lambda facts, _: bool(facts.get("skipFinalSnapshot")),
                "FinalDBSnapshotIdentifier": lambda facts, _: (
                    None if facts.get("skipFinalSnapshot") else facts.get("finalSnapshotIdentifier")
                ),
                "DeleteAutomatedBackups": "{deleteAutomatedBackups}",
            },
        ),
        tags=TAGS,
        names={
            "clusterIdentifier": "DBClusterIdentifier",
            "enabledCloudwatchLogsExports": "EnableCloudwatchLogsExports",
            "iamDatabaseAuthenticationEnabled": "EnableIAMDatabaseAuthentication",
            "masterPassword": "MasterUserPassword",
            "masterPasswordWo": "MasterUserPassword",
            "performanceInsightsEnabled": "EnablePerformanceInsights",
        },
        same=lambda path, given, found: path == "engineVersion" and str(found).startswith(f"{given}."),
        folded=("clusterIdentifier",),
        autoname="clusterIdentifier",
        autoname_length=63,
        defaults={"deletionProtection": False, "storageEncrypted": False, "engineMode": "provisioned"},
        local=(
            "applyImmediately",
            "deleteAutomatedBackups",
            "finalSnapshotIdentifier",
            "masterPasswordWoVersion",
            "skipFinalSnapshot",
        ),
        untold=("allowMajorVersionUpgrade", "dbInstanceParameterGroupName", "masterPassword", "masterPasswordWo"),
        replaces=("clusterIdentifier", "storageType", "allocatedStorage", "networkType"),
        unsupported=(
            "backtrackWindow",
            "caCertificateIdentifier",
            "clusterIdentifierPrefix",
            "clusterMembers",
            "clusterScalabilityType",
            "dbSystemId",
            "domain",
            "domainIamRoleName",
            "enableGlobalWriteForwarding",
            "enableLocalWriteForwarding",
            "globalClusterIdentifier",
            "iamRoles",
            "replicationSourceIdentifier",
            "restoreToPointInTime",
            "s3Import",
            "scalingConfiguration",
            "snapshotIdentifier",
            "sourceRegion",
        ),
        quiet=(
            "databaseInsightsMode",
            "engineLifecycleSupport",
            "monitoringInterval",
            "monitoringRoleArn",
            "performanceInsightsEnabled",
            "performanceInsightsKmsKeyId",
            "performanceInsightsRetentionPeriod",
            "manageMasterUserPassword",
            "masterUserSecretKmsKeyId",
            "enabledCloudwatchLogsExports",
            "dbClusterInstanceClass",
        ),
    ),
    Resource(
        type="aws:rds/clusterInstance:ClusterInstance",
        service="rds",
        create=Call("CreateDBInstance"),
        id="=DBInstance.DBInstanceIdentifier",
        reads=(
            Read(
                "DescribeDBInstances",
                {"DBInstanceIdentifier": "{id}"},
                at="DBInstances",
                gone=("DBInstanceNotFound",),
                fields={
                    "arn": "DBInstanceArn",
                    "dbParameterGroupName": "DBParameterGroups[0].DBParameterGroupName",
                    "dbSubnetGroupName": "DBSubnetGroup.DBSubnetGroupName",
                    "endpoint": "Endpoint.Address",
                    "engineVersionActual": "EngineVersion",
                    "performanceInsightsEnabled": "PerformanceInsightsEnabled",
                    "port": "Endpoint.Port",
                },
                tags="DBInstances[0].TagList",
            ),
            Read(
                "DescribeDBClusters",
                {"DBClusterIdentifier": "{clusterIdentifier}"},
                at="DBClusters[0].DBClusterMembers",
                pick=_member,
                only=(),
                fields={"writer": "IsClusterWriter"},
            ),
        ),
        wait=Wait("DBInstanceStatus", ("available",), ("failed", "incompatible-parameters", "incompatible-network")),
        wait_gone=True,
        updates=(Update(Call("ModifyDBInstance", {"DBInstanceIdentifier": "{id}", "ApplyImmediately": _now})),),
        delete=Call("DeleteDBInstance", {"DBInstanceIdentifier": "{id}", "SkipFinalSnapshot": True}),
        tags=TAGS,
        names={
            "identifier": "DBInstanceIdentifier",
            "instanceClass": "DBInstanceClass",
            "clusterIdentifier": "DBClusterIdentifier",
            **ENGINES,
        },
        same=lambda path, given, found: path == "engineVersion" and str(found).startswith(f"{given}."),
        folded=("identifier", "clusterIdentifier"),
        autoname="identifier",
        autoname_length=63,
        defaults={"autoMinorVersionUpgrade": True},
        local=("applyImmediately", "forceDestroy"),
        untold=("performanceInsightsEnabled",),  # moto never tells
        replaces=("identifier", "engineVersion"),
        unsupported=("customIamInstanceProfile", "identifierPrefix"),
        quiet=(
            "performanceInsightsKmsKeyId",
            "performanceInsightsRetentionPeriod",
            "preferredMaintenanceWindow",
            "caCertIdentifier",
            "promotionTier",
            "monitoringInterval",
            "monitoringRoleArn",
            "availabilityZone",
        ),
    ),
)
