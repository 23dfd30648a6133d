"""AWS Network Firewall. https://docs.aws.amazon.com/network-firewall/latest/APIReference/"""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update, Wait

SERVICE: Final = "network-firewall"
TAGS: Final = Tags(
    Call("TagResource", {"ResourceArn": "{id}"}), Call("UntagResource", {"ResourceArn": "{id}"}), create="Tags"
)
TAG_READ: Final = Read("ListTagsForResource", {"ResourceArn": "{id}"}, only=(), tags="Tags")
FIREWALL: Final = {"FirewallArn": "{id}"}


def _token(operation: str, key: str) -> Any:
    """The token that a change must carry, so that it is not made over somebody else's."""
    return lambda facts, cloud: cloud.call(SERVICE, operation, {key: facts.id})["UpdateToken"]


def _attachments(answer: Any) -> list[dict[str, Any]]:
    """Where the firewall's endpoints are; a route is pointed at one."""
    states = (answer.get("FirewallStatus") or {}).get("SyncStates") or {}
    return [
        {
            "syncStates": [
                {
                    "availabilityZone": zone,
                    "attachments": [
                        {
                            "endpointId": (state.get("Attachment") or {}).get("EndpointId", ""),
                            "subnetId": (state.get("Attachment") or {}).get("SubnetId", ""),
                        }
                    ],
                }
                for zone, state in sorted(states.items())
            ]
        }
    ]


def _subnets(cloud: Cloud, facts: Facts) -> None:
    before, after = (
        {each["subnetId"]: each for each in values.get("subnetMappings") or ()} for values in (facts.old, facts.inputs)
    )
    added = [
        {"SubnetId": name, **({"IPAddressType": each["ipAddressType"]} if each.get("ipAddressType") else {})}
        for name, each in after.items()
        if name not in before
    ]
    removed = [name for name in before if name not in after]
    if added:
        cloud.call(SERVICE, "AssociateSubnets", {"FirewallArn": facts.id, "SubnetMappings": added})
    if removed:
        cloud.call(SERVICE, "DisassociateSubnets", {"FirewallArn": facts.id, "SubnetIds": removed})


def _response(name: str) -> dict[str, Any]:
    return {
        "arn": f"{name}.{name.removesuffix('Response')}Arn",
        "name": f"{name}.{name.removesuffix('Response')}Name",
        "description": f"{name}.Description",
        "encryptionConfiguration": f"{name}.EncryptionConfiguration",
    }


def _logs(found: Any, _: Facts) -> Any:
    """A firewall that logs nothing has no configuration."""
    return found if (found.get("LoggingConfiguration") or {}).get("LogDestinationConfigs") else None


def _flag(operation: str, key: str) -> Update:
    return Update(Call(operation, FIREWALL, takes=(key,)))


RESOURCES: Final = (
    Resource(
        type="aws:networkfirewall/ruleGroup:RuleGroup",
        service=SERVICE,
        create=Call("CreateRuleGroup"),
        id="=RuleGroupResponse.RuleGroupArn",
        reads=(
            Read(
                "DescribeRuleGroup",
                {"RuleGroupArn": "{id}"},
                fields={
                    **_response("RuleGroupResponse"),
                    "capacity": "RuleGroupResponse.Capacity",
                    "type": "RuleGroupResponse.Type",
                },
            ),
            TAG_READ,
        ),
        updates=(
            Update(
                Call(
                    "UpdateRuleGroup",
                    {"RuleGroupArn": "{id}", "UpdateToken": _token("DescribeRuleGroup", "RuleGroupArn")},
                    takes=("ruleGroup", "rules", "description", "encryptionConfiguration"),
                ),
                whole=True,
            ),
        ),
        delete=Call("DeleteRuleGroup", {"RuleGroupArn": "{id}"}),
        tags=TAGS,
        names={"name": "RuleGroupName", "statefulRules.ruleOptions": "RuleOptions"},
        ordered=("ruleGroup.rulesSource.statefulRules",),
        autoname="name",
        autoname_length=128,
        volatile=("updateToken",),
        untold=("rules",),
    ),
    Resource(
        type="aws:networkfirewall/firewallPolicy:FirewallPolicy",
        service=SERVICE,
        create=Call("CreateFirewallPolicy"),
        id="=FirewallPolicyResponse.FirewallPolicyArn",
        reads=(
            Read("DescribeFirewallPolicy", {"FirewallPolicyArn": "{id}"}, fields=_response("FirewallPolicyResponse")),
            TAG_READ,
        ),
        updates=(
            Update(
                Call(
                    "UpdateFirewallPolicy",
                    {"FirewallPolicyArn": "{id}", "UpdateToken": _token("DescribeFirewallPolicy", "FirewallPolicyArn")},
                    takes=("firewallPolicy", "description", "encryptionConfiguration"),
                ),
                whole=True,
            ),
        ),
        delete=Call("DeleteFirewallPolicy", {"FirewallPolicyArn": "{id}"}),
        tags=TAGS,
        names={"name": "FirewallPolicyName"},
        autoname="name",
        autoname_length=128,
        volatile=("updateToken",),
    ),
    Resource(
        type="aws:networkfirewall/firewall:Firewall",
        service=SERVICE,
        create=Call("CreateFirewall"),
        id="=Firewall.FirewallArn",
        reads=(
            Read(
                "DescribeFirewall",
                FIREWALL,
                fields={
                    "arn": "Firewall.FirewallArn",
                    "name": "Firewall.FirewallName",
                    "firewallStatuses": _attachments,
                    **{
                        key: f"Firewall.{key[0].upper()}{key[1:]}"
                        for key in (
                            "availabilityZoneChangeProtection",
                            "availabilityZoneMappings",
                            "deleteProtection",
                            "description",
                            "enabledAnalysisTypes",
                            "encryptionConfiguration",
                            "firewallPolicyArn",
                            "firewallPolicyChangeProtection",
                            "subnetChangeProtection",
                            "subnetMappings",
                            "transitGatewayId",
                            "vpcId",
                        )
                    },
                },
            ),
            TAG_READ,
        ),
        wait=Wait("FirewallStatus.Status", ("READY",), ("FAILED",)),
        wait_gone=True,
        updates=(
            _flag("AssociateFirewallPolicy", "firewallPolicyArn"),
            _flag("UpdateFirewallDescription", "description"),
            _flag("UpdateFirewallDeleteProtection", "deleteProtection"),
            _flag("UpdateFirewallPolicyChangeProtection", "firewallPolicyChangeProtection"),
            _flag("UpdateSubnetChangeProtection", "subnetChangeProtection"),
            _flag("UpdateFirewallEncryptionConfiguration", "encryptionConfiguration"),
            Custom(("subnetMappings",), _subnets),
        ),
        delete=Call("DeleteFirewall", FIREWALL),
        tags=TAGS,
        names={"name": "FirewallName"},
        defaults={"deleteProtection": False, "firewallPolicyChangeProtection": False, "subnetChangeProtection": False},
        autoname="name",
        autoname_length=128,
        volatile=("updateToken",),
        unsupported=(
            "availabilityZoneChangeProtection",
            "availabilityZoneMappings",
            "enabledAnalysisTypes",
            "transitGatewayId",
        ),
    ),
    Resource(
        type="aws:networkfirewall/loggingConfiguration:LoggingConfiguration",
        service=SERVICE,
        create=Call("UpdateLoggingConfiguration"),
        id="{firewallArn}",
        id_parts=("firewallArn",),
        id_separator="\0",
        reads=(
            Read(
                "DescribeLoggingConfiguration",
                FIREWALL,
                pick=_logs,
            ),
        ),
        updates=(Update(Call("UpdateLoggingConfiguration", FIREWALL), whole=True),),
        delete=Call("UpdateLoggingConfiguration", {**FIREWALL, "LoggingConfiguration": {"LogDestinationConfigs": []}}),
        quiet=("enableMonitoringDashboard",),
    ),
)
