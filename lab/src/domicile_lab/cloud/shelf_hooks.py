"""What the shelf's records need beyond data: what comes with them, changes them and goes with them."""

from __future__ import annotations

import base64
import json
import os
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from moto.backup.models import backup_backends
from moto.ec2.models import ec2_backends
from moto.guardduty.models import guardduty_backends

from domicile_lab.cloud.organization import accounts_beside
from domicile_lab.cloud.shelf_records import Place, Record, ShelfError

CLUSTER_FILE = "DOMICILE_CLOUD_CLUSTER_FILE"
"""Names the file that tells of the API server behind the clusters (state.CLUSTER_JSON)."""


def _firewall_endpoints(record: Record, given: Mapping[str, Any], place: Place) -> None:
    """An endpoint in each of the firewall's subnets, as AWS makes them: routes lead there."""
    ec2 = ec2_backends[place.account][place.region]
    states: dict[str, Any] = record.setdefault("_states", {})
    wanted = {mapping["SubnetId"] for mapping in record.get("SubnetMappings", ())}
    for subnet_id in sorted(wanted - {state["Attachment"]["SubnetId"] for state in states.values()}):
        subnet = ec2.get_subnet(subnet_id)
        endpoint = ec2.create_vpc_endpoint(
            vpc_id=record["VpcId"],
            service_name=f"com.amazonaws.vpce.{place.region}.vpce-svc-{uuid.uuid4().hex[:17]}",
            endpoint_type="GatewayLoadBalancer",
            policy_document=None,
            route_table_ids=[],
            subnet_ids=[subnet_id],
            tags={"Firewall": record["FirewallArn"], "AWSNetworkFirewallManaged": "true"},
        )
        attachment = {"SubnetId": subnet_id, "EndpointId": endpoint.id, "Status": "READY"}
        states[subnet.availability_zone] = {"Attachment": attachment}
    for zone in [zone for zone, state in states.items() if state["Attachment"]["SubnetId"] not in wanted]:
        ec2.vpc_end_points.pop(states.pop(zone)["Attachment"]["EndpointId"], None)
    record["_status"] = {
        "Status": "READY",
        "ConfigurationSyncStateSummary": "IN_SYNC",
        "SyncStates": states,
    }


def _no_firewall_endpoints(record: Record, given: Mapping[str, Any], place: Place) -> None:
    if record.get("DeleteProtection"):
        raise ShelfError("InvalidOperationException", f"Firewall {record['FirewallName']} is protected from deletion.")
    record["SubnetMappings"] = []
    _firewall_endpoints(record, given, place)


def _associated_subnets(record: Record, given: Mapping[str, Any], place: Place) -> None:
    record["SubnetMappings"] = [*record["SubnetMappings"], *given.get("SubnetMappings", ())]
    _firewall_endpoints(record, given, place)


def _disassociated_subnets(record: Record, given: Mapping[str, Any], place: Place) -> None:
    gone = given.get("SubnetIds", ())
    record["SubnetMappings"] = [one for one in record["SubnetMappings"] if one["SubnetId"] not in gone]
    _firewall_endpoints(record, given, place)


def _new_token(record: Record, given: Mapping[str, Any], place: Place) -> None:
    record["UpdateToken"] = str(uuid.uuid4())


def _logging_names(record: Record, given: Mapping[str, Any], place: Place) -> None:
    """A firewall is named by either, and found by both."""
    name = record.get("FirewallName") or str(record["FirewallArn"]).rpartition("/")[2]
    record["FirewallName"] = name
    record["FirewallArn"] = f"arn:aws:network-firewall:{place.region}:{place.account}:firewall/{name}"


def _cluster_details(record: Record, given: Mapping[str, Any], place: Place) -> None:
    """What EKS adds to a cluster; and the API server that stands behind all of them, where the lab has one."""
    config = record["resourcesVpcConfig"]
    for name, usual in (("endpointPublicAccess", True), ("endpointPrivateAccess", False)):
        config.setdefault(name, usual)
    if config["endpointPublicAccess"]:
        config.setdefault("publicAccessCidrs", ["0.0.0.0/0"])
    ec2 = ec2_backends[place.account][place.region]
    if "vpcId" not in config and config.get("subnetIds"):
        config["vpcId"] = ec2.get_subnet(config["subnetIds"][0]).vpc_id
        name = f"eks-cluster-sg-{record['name']}"
        config["clusterSecurityGroupId"] = ec2.create_security_group(name, name, vpc_id=config["vpcId"]).id
    record["identity"].setdefault("oidc", {}).setdefault(
        "issuer", f"https://oidc.eks.{place.region}.amazonaws.com/id/{uuid.uuid4().hex[:32].upper()}"
    )
    network = record.setdefault("kubernetesNetworkConfig", {})
    network.setdefault("serviceIpv4Cidr", "172.20.0.0/16")
    network.setdefault("ipFamily", "ipv4")
    if (file := os.environ.get(CLUSTER_FILE)) and Path(file).exists():
        told = json.loads(Path(file).read_text())
        authority = told["certificate_authority"]
        pem = authority.startswith("-----BEGIN")
        record["endpoint"] = told["endpoint"]
        record["certificateAuthority"] = {"data": base64.b64encode(authority.encode()).decode() if pem else authority}


def _cluster_deleted(record: Record, given: Mapping[str, Any], place: Place) -> None:
    if record.get("deletionProtection"):
        raise ShelfError("InvalidRequestException", f"Cluster {record['name']} is protected from deletion.")
    if group := record["resourcesVpcConfig"].get("clusterSecurityGroupId"):
        ec2_backends[place.account][place.region].delete_security_group(group_id=group)


def _access_entry_username(record: Record, given: Mapping[str, Any], place: Place) -> None:
    """The user name that EKS gives where none was asked for (EKS user guide, "Create access entries")."""
    kind, _, name = str(record["principalArn"]).rpartition(":")[2].rpartition("/")
    account = str(record["principalArn"]).split(":")[4]
    assumed = f"arn:aws:sts::{account}:assumed-role/{name}/{{{{SessionName}}}}"
    record.setdefault("username", assumed if kind.startswith("role") else record["principalArn"])


def _nodegroup_changes(record: Record, given: Mapping[str, Any], place: Place) -> None:
    """Labels and taints come as changes, not as what they shall be."""
    labels, taints = given.get("labels") or {}, given.get("taints") or {}
    kept = record.get("labels", {}) | (labels.get("addOrUpdateLabels") or {})
    record["labels"] = {key: value for key, value in kept.items() if key not in (labels.get("removeLabels") or ())}
    added, removed = taints.get("addOrUpdateTaints") or [], taints.get("removeTaints") or []
    changed = {(one.get("key"), one.get("effect")) for one in [*added, *removed]}
    rest = [one for one in record.get("taints", ()) if (one.get("key"), one.get("effect")) not in changed]
    record["taints"] = [*rest, *added]


def _notifications(record: Record, given: Mapping[str, Any], place: Place) -> list[Record]:
    """The notifications that a budget is made with."""
    account, name = record["AccountId"], record["BudgetName"]
    return [
        {**one, "AccountId": account, "BudgetName": name}
        for one in record.pop("NotificationsWithSubscribers", None) or ()
    ]


def _recovery_point(record: Record, given: Mapping[str, Any], place: Place) -> list[Record]:
    """What a backup job leaves in its vault; it is done at once."""
    vault = backup_backends[place.account][place.region].vaults[record["BackupVaultName"]]
    return [
        {
            "RecoveryPointArn": record["RecoveryPointArn"],
            "BackupVaultName": record["BackupVaultName"],
            "BackupVaultArn": vault.backup_vault_arn,
            "ResourceArn": record["ResourceArn"],
            "IamRoleArn": record["IamRoleArn"],
            "EncryptionKeyArn": vault.encryption_key_arn,
            "IsEncrypted": bool(vault.encryption_key_arn),
            "Lifecycle": record.get("Lifecycle"),
        }
    ]


def _notification_changed(record: Record, given: Mapping[str, Any], place: Place) -> None:
    record["Notification"] = given["NewNotification"]


def _subscriber_added(record: Record, given: Mapping[str, Any], place: Place) -> None:
    record["Subscribers"] = [*record.get("Subscribers", ()), given["Subscriber"]]


def _subscriber_removed(record: Record, given: Mapping[str, Any], place: Place) -> None:
    record["Subscribers"] = [one for one in record.get("Subscribers", ()) if one != given["Subscriber"]]


def _first_member(record: Record, given: Mapping[str, Any], place: Place) -> None:
    primary = record.pop("PrimaryReplicationGroupId")
    record["Members"] = [
        {
            "ReplicationGroupId": primary,
            "ReplicationGroupRegion": place.region,
            "Role": "PRIMARY",
            "Status": "associated",
        }
    ]


def _parameters(record: Record, given: Mapping[str, Any], place: Place) -> None:
    for one in given["ParameterNameValues"]:
        record["_values"][one["ParameterName"]] = {**one, "Source": "user", "IsModifiable": True}


def _parameters_reset(record: Record, given: Mapping[str, Any], place: Place) -> None:
    if given.get("ResetAllParameters"):
        record["_values"].clear()
    for one in given.get("ParameterNameValues", ()):
        record["_values"].pop(one["ParameterName"], None)


def _cache_subnets(record: Record, given: Mapping[str, Any], place: Place) -> None:
    subnets = [ec2_backends[place.account][place.region].get_subnet(one) for one in record["SubnetIds"]]
    record["VpcId"] = subnets[0].vpc_id
    record["Subnets"] = [
        {
            "SubnetIdentifier": one.id,
            "SubnetAvailabilityZone": {"Name": one.availability_zone},
            "SupportedNetworkTypes": ["ipv4"],
        }
        for one in subnets
    ]


def _cache_user(record: Record, given: Mapping[str, Any], place: Place) -> None:
    """How a user proves itself; passwords are counted and not kept."""
    mode = record.pop("AuthenticationMode", None) or {}
    passwords = record.pop("Passwords", None) or mode.get("Passwords") or ()
    if record.pop("NoPasswordRequired", False):
        mode = {"Type": "no-password-required"}
    if mode or passwords:
        kind = {"no-password-required": "no-password"}.get(mode.get("Type", "password"), mode.get("Type", "password"))
        record["Authentication"] = {"Type": kind} | ({"PasswordCount": len(passwords)} if kind == "password" else {})
    if more := record.pop("AppendAccessString", None):
        record["AccessString"] = f"{record.get('AccessString', '')} {more}".strip()


def _user_group_members(record: Record, given: Mapping[str, Any], place: Place) -> None:
    gone = given.get("UserIdsToRemove") or ()
    record["UserIds"] = [one for one in record["UserIds"] if one not in gone] + list(given.get("UserIdsToAdd") or ())


def _enrolment(record: Record, given: Mapping[str, Any], place: Place) -> None:
    """Features are given one by one and kept together; whoever is enrolled and has no detector gets one."""
    kept: dict[str, Any] = record.setdefault("_features", {})
    kept |= {one["Name"]: one for one in given.get("Features") or ()}
    record["Features"] = [kept[name] for name in sorted(kept)]
    if record.get("AutoEnableOrganizationMembers") != "ALL":
        return
    for account in accounts_beside(place.account):
        backend = guardduty_backends[account][place.region]
        if not backend.detectors:
            backend.create_detector(True, "SIX_HOURS", {}, {}, [])


HOOKS: Mapping[str, Callable[[Record, Mapping[str, Any], Place], Any]] = {
    "access entry": _access_entry_username,
    "associated subnets": _associated_subnets,
    "cache subnets": _cache_subnets,
    "cluster": _cluster_details,
    "cluster deleted": _cluster_deleted,
    "disassociated subnets": _disassociated_subnets,
    "first member": _first_member,
    "enrolment": _enrolment,
    "firewall endpoints": _firewall_endpoints,
    "logging names": _logging_names,
    "new token": _new_token,
    "no firewall endpoints": _no_firewall_endpoints,
    "nodegroup changes": _nodegroup_changes,
    "notification changed": _notification_changed,
    "notifications": _notifications,
    "parameters": _parameters,
    "parameters reset": _parameters_reset,
    "recovery point": _recovery_point,
    "subscriber added": _subscriber_added,
    "subscriber removed": _subscriber_removed,
    "user": _cache_user,
    "user group members": _user_group_members,
}
