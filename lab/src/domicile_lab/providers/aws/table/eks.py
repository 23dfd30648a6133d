"""Amazon Elastic Kubernetes Service. https://docs.aws.amazon.com/eks/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update, Wait
from domicile_lab.providers.interface import ProviderError

TAGS: Final = Tags(
    Call("TagResource", {"resourceArn": "{arn}"}),
    Call("UntagResource", {"resourceArn": "{arn}"}),
    create="tags",
    form="map",
    tag_param="tags",
    untag_param="tagKeys",
)
LOG_TYPES: Final = ("api", "audit", "authenticator", "controllerManager", "scheduler")


def _tags(arn: str) -> Tags:
    return Tags(
        Call("TagResource", {"resourceArn": arn}),
        Call("UntagResource", {"resourceArn": arn}),
        create="tags",
        form="map",
        tag_param="tags",
        untag_param="tagKeys",
    )


def _logging(types: Any) -> dict[str, Any]:
    """Log types that are on, and those that are off."""
    parts = (
        (True, [each for each in LOG_TYPES if each in types]),
        (False, [each for each in LOG_TYPES if each not in types]),
    )
    return {"clusterLogging": [{"types": names, "enabled": enabled} for enabled, names in parts if names]}


def _one(*takes: str) -> Update:
    """UpdateClusterConfig changes one thing at a time."""
    return Update(Call("UpdateClusterConfig", {"name": "{id}"}, takes=takes))


def _network(cloud: Cloud, facts: Facts) -> None:
    """Only what differs, since an update of subnets and one of endpoints cannot be one."""
    before, after = facts.old.get("vpcConfig") or {}, facts.inputs.get("vpcConfig") or {}
    for keys in (
        ("endpointPrivateAccess", "endpointPublicAccess", "publicAccessCidrs"),
        ("subnetIds", "securityGroupIds"),
    ):
        change = {key: after[key] for key in keys if key in after and after[key] != before.get(key)}
        if change:
            cloud.call("eks", "UpdateClusterConfig", {"name": facts.id, "resourcesVpcConfig": change})


def _access(cloud: Cloud, facts: Facts) -> None:
    """Of the access configuration the mode alone can change."""
    mode = {"authenticationMode": facts.inputs["accessConfig"]["authenticationMode"]}
    cloud.call("eks", "UpdateClusterConfig", {"name": facts.id, "accessConfig": mode})


def _labels(cloud: Cloud, facts: Facts) -> None:
    before, after = facts.old.get("labels") or {}, facts.inputs.get("labels") or {}
    change = {
        "addOrUpdateLabels": {key: value for key, value in after.items() if before.get(key) != value},
        "removeLabels": [key for key in before if key not in after],
    }
    change = {key: value for key, value in change.items() if value}
    cloud.call("eks", "UpdateNodegroupConfig", {**_names(facts), "labels": change})


def _taints(cloud: Cloud, facts: Facts) -> None:
    before, after = facts.old.get("taints") or [], facts.inputs.get("taints") or []
    change = {
        "addOrUpdateTaints": [each for each in after if each not in before],
        "removeTaints": [
            each
            for each in before
            if (each["key"], each["effect"]) not in [(other["key"], other["effect"]) for other in after]
        ],
    }
    cloud.call("eks", "UpdateNodegroupConfig", {**_names(facts), "taints": {k: v for k, v in change.items() if v}})


def _names(facts: Facts) -> dict[str, str]:
    cluster, _, group = facts.id.partition(":")
    return {"clusterName": cluster, "nodegroupName": group}


def _template(group: Any) -> dict[str, Any] | None:
    found = group.get("launchTemplate")
    return {key: value for key, value in found.items() if value is not None} if found else None


def _associate(cloud: Cloud, facts: Facts) -> Any:
    inputs = facts.inputs
    scope = {key: value for key, value in inputs["accessScope"].items() if value}
    request = {
        "clusterName": inputs["clusterName"],
        "principalArn": inputs["principalArn"],
        "policyArn": inputs["policyArn"],
        "accessScope": scope,
    }
    return cloud.call("eks", "AssociateAccessPolicy", request)


def _association(found: Any, facts: Facts) -> Any:
    return next((each for each in found or () if each["policyArn"] == facts.get("policyArn")), None)


def _identity_id(answer: Any, facts: Facts) -> str:
    found = (answer.get("association") or {}).get("associationId")
    if not found:
        raise ProviderError("EKS answered without the association's id")
    return f"{facts.inputs['clusterName']}:{found}"


NODES: Final = {"clusterName": "{clusterName}", "nodegroupName": "{nodeGroupName}"}
ENTRY: Final = {"clusterName": "{clusterName}", "principalArn": "{principalArn}"}
ADDON: Final = {"clusterName": "{clusterName}", "addonName": "{addonName}"}
IDENTITY: Final = {"clusterName": "{clusterName}", "associationId": "{associationId}"}

RESOURCES: Final = (
    Resource(
        type="aws:eks/cluster:Cluster",
        service="eks",
        create=Call("CreateCluster"),
        id="{name}",
        id_parts=("name",),
        reads=(
            Read(
                "DescribeCluster",
                {"name": "{id}"},
                at="cluster",
                fields={
                    "enabledClusterLogTypes": "logging.clusterLogging[?enabled].types[]",
                    "vpcConfig": "resourcesVpcConfig",
                    "clusterId": "id",
                },
                tags="cluster.tags",
            ),
        ),
        wait=Wait("status", ("ACTIVE",), ("FAILED",)),
        wait_gone=True,
        updates=(
            Custom(("vpcConfig",), _network),
            _one("enabledClusterLogTypes"),
            Custom(("accessConfig",), _access),
            _one("upgradePolicy"),
            _one("zonalShiftConfig"),
            _one("deletionProtection"),
            Update(Call("UpdateClusterVersion", {"name": "{id}"}, takes=("version",))),
        ),
        delete=Call("DeleteCluster", {"name": "{id}"}),
        tags=TAGS,
        names={
            "vpcConfig": "resourcesVpcConfig",
            "enabledClusterLogTypes": "logging",
            "encryptionConfig": "encryptionConfig",
            "kubernetesNetworkConfig.ipFamily": "ipFamily",
        },
        write={"enabledClusterLogTypes": _logging},
        told=("vpcConfig.clusterSecurityGroupId", "vpcConfig.vpcId", "kubernetesNetworkConfig.serviceIpv6Cidr"),
        autoname="name",
        autoname_length=100,
        local=("defaultAddonsToRemoves", "forceUpdateVersion"),
        untold=("bootstrapSelfManagedAddons",),
        quiet=("accessConfig", "deletionProtection", "upgradePolicy", "zonalShiftConfig"),
        unsupported=(
            "computeConfig",
            "controlPlaneScalingConfig",
            "outpostConfig",
            "remoteNetworkConfig",
            "storageConfig",
        ),
    ),
    Resource(
        type="aws:eks/nodeGroup:NodeGroup",
        service="eks",
        create=Call("CreateNodegroup"),
        id="{clusterName}:{nodeGroupName}",
        id_parts=("clusterName", "nodeGroupName"),
        reads=(
            Read(
                "DescribeNodegroup",
                NODES,
                at="nodegroup",
                fields={"arn": "nodegroupArn", "subnetIds": "subnets", "launchTemplate": _template},
                tags="nodegroup.tags",
            ),
        ),
        wait=Wait("status", ("ACTIVE",), ("CREATE_FAILED", "DEGRADED")),
        wait_gone=True,
        updates=(
            Update(Call("UpdateNodegroupConfig", NODES, takes=("scalingConfig", "updateConfig", "nodeRepairConfig"))),
            Custom(("labels",), _labels),
            Custom(("taints",), _taints),
            Update(Call("UpdateNodegroupVersion", {**NODES, "force": "{forceUpdateVersion}"})),
        ),
        delete=Call("DeleteNodegroup", NODES),
        tags=TAGS,
        names={
            "nodeRoleArn": "nodeRole",
            "subnetIds": "subnets",
            "remoteAccess.sourceSecurityGroupIds": "sourceSecurityGroups",
        },
        autoname="nodeGroupName",
        autoname_length=63,
        local=("forceUpdateVersion",),
        quiet=("nodeRepairConfig", "updateConfig", "releaseVersion", "version"),
        unsupported=("nodeGroupNamePrefix",),
    ),
    Resource(
        type="aws:eks/addon:Addon",
        service="eks",
        create=Call("CreateAddon", {"resolveConflicts": "{resolveConflictsOnCreate}"}),
        id="{clusterName}:{addonName}",
        id_parts=("clusterName", "addonName"),
        reads=(
            Read(
                "DescribeAddon",
                ADDON,
                at="addon",
                fields={
                    "arn": "addonArn",
                    "podIdentityAssociations": lambda _: None,  # told as ARNs only; they are resources of their own
                },
                tags="addon.tags",
            ),
        ),
        wait=Wait("status", ("ACTIVE",), ("CREATE_FAILED", "DEGRADED")),
        wait_gone=True,
        updates=(Update(Call("UpdateAddon", {**ADDON, "resolveConflicts": "{resolveConflictsOnUpdate}"})),),
        delete=Call("DeleteAddon", {**ADDON, "preserve": "{preserve}"}),
        tags=TAGS,
        json=("configurationValues",),
        local=("preserve", "resolveConflictsOnCreate", "resolveConflictsOnUpdate"),
        untold=("podIdentityAssociations",),
        replaces=("addonName", "clusterName"),
    ),
    Resource(
        type="aws:eks/accessEntry:AccessEntry",
        service="eks",
        create=Call("CreateAccessEntry"),
        id="{clusterName}:{principalArn}",
        id_parts=("clusterName", "principalArn"),
        reads=(Read("DescribeAccessEntry", ENTRY, at="accessEntry", tags="accessEntry.tags"),),
        updates=(Update(Call("UpdateAccessEntry", ENTRY)),),
        delete=Call("DeleteAccessEntry", ENTRY),
        tags=_tags("{accessEntryArn}"),
        defaults={"type": "STANDARD"},
    ),
    Resource(
        type="aws:eks/accessPolicyAssociation:AccessPolicyAssociation",
        service="eks",
        create=_associate,
        id="{clusterName}#{principalArn}#{policyArn}",
        id_parts=("clusterName", "principalArn", "policyArn"),
        id_separator="#",
        reads=(Read("ListAssociatedAccessPolicies", ENTRY, at="associatedAccessPolicies", pick=_association),),
        updates=(Custom(("accessScope",), _associate),),
        delete=Call("DisassociateAccessPolicy", {**ENTRY, "policyArn": "{policyArn}"}),
    ),
    Resource(
        type="aws:eks/podIdentityAssociation:PodIdentityAssociation",
        service="eks",
        create=Call("CreatePodIdentityAssociation"),
        id=_identity_id,
        id_parts=("clusterName", "associationId"),
        reads=(Read("DescribePodIdentityAssociation", IDENTITY, at="association", tags="association.tags"),),
        updates=(Update(Call("UpdatePodIdentityAssociation", IDENTITY)),),
        delete=Call("DeletePodIdentityAssociation", IDENTITY),
        tags=_tags("{associationArn}"),
    ),
)
