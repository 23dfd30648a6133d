"""Amazon Route 53. https://docs.aws.amazon.com/Route53/latest/APIReference/"""

from __future__ import annotations

import uuid
from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Custom, Facts, Read, Resource, Tags, Update

SERVICE: Final = "route53"


def _zone_id(answer: Any, _: Facts) -> str:
    return str(answer["HostedZone"]["Id"]).removeprefix("/hostedzone/")


def _network(facts: Facts, cloud: Cloud) -> dict[str, str] | None:
    """The network with which a private zone is made; more are associated after it."""
    networks = facts.inputs.get("vpcs") or []
    return _vpc(networks[0], cloud) if networks else None


def _vpc(network: dict[str, Any], cloud: Cloud) -> dict[str, str]:
    return {"VPCId": network["vpcId"], "VPCRegion": network.get("vpcRegion") or cloud.region}


def _config(facts: Facts, _: Cloud) -> dict[str, Any]:
    return {
        "Comment": facts.inputs.get("comment") or "Managed by Pulumi",
        "PrivateZone": bool(facts.inputs.get("vpcs")),
    }


def _associate(cloud: Cloud, facts: Facts) -> None:
    before, after = ({each["vpcId"]: each for each in values.get("vpcs") or ()} for values in (facts.old, facts.inputs))
    if not facts.old:
        before = dict(list(after.items())[:1])
    for name in [each for each in after if each not in before]:
        request = {"HostedZoneId": facts.id, "VPC": _vpc(after[name], cloud)}
        cloud.call(SERVICE, "AssociateVPCWithHostedZone", request)
    for name in [each for each in before if each not in after]:
        request = {"HostedZoneId": facts.id, "VPC": _vpc(before[name], cloud)}
        cloud.call(SERVICE, "DisassociateVPCFromHostedZone", request)


def _delete_zone(cloud: Cloud, facts: Facts) -> None:
    if facts.get("forceDestroy"):
        zone = str(facts.get("name")).rstrip(".").lower()
        for record in cloud.call(SERVICE, "ListResourceRecordSets", {"HostedZoneId": facts.id})["ResourceRecordSets"]:
            if record["Type"] not in {"NS", "SOA"} or record["Name"].rstrip(".").lower() != zone:
                _send(cloud, facts.id, "DELETE", record)
    cloud.call(SERVICE, "DeleteHostedZone", {"Id": facts.id})


def _send(cloud: Cloud, zone: str, action: str, record: dict[str, Any]) -> None:
    batch = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
    cloud.call(SERVICE, "ChangeResourceRecordSets", {"HostedZoneId": zone, "ChangeBatch": batch})


def _record(inputs: dict[str, Any], name: str) -> dict[str, Any]:
    """A record set as Route 53 takes it."""
    found: dict[str, Any] = {"Name": name, "Type": inputs["type"]}
    if inputs.get("aliases"):
        alias = inputs["aliases"][0]
        found["AliasTarget"] = {
            "HostedZoneId": alias["zoneId"],
            "DNSName": alias["name"],
            "EvaluateTargetHealth": bool(alias.get("evaluateTargetHealth")),
        }
    else:
        quoted = inputs["type"] in {"TXT", "SPF"}
        values = [f'"{each}"' if quoted and not each.startswith('"') else each for each in inputs.get("records") or ()]
        found |= {"TTL": int(inputs.get("ttl") or 300), "ResourceRecords": [{"Value": each} for each in values]}
    if inputs.get("setIdentifier"):
        found["SetIdentifier"] = inputs["setIdentifier"]
    for key, member, part in (
        ("weightedRoutingPolicies", "Weight", "weight"),
        ("failoverRoutingPolicies", "Failover", "type"),
        ("latencyRoutingPolicies", "Region", "region"),
    ):
        if inputs.get(key):
            found[member] = inputs[key][0][part]
    if inputs.get("healthCheckId"):
        found["HealthCheckId"] = inputs["healthCheckId"]
    return found


def _full_name(cloud: Cloud, inputs: dict[str, Any]) -> str:
    """A name may be given without its zone's."""
    zone = cloud.call(SERVICE, "GetHostedZone", {"Id": inputs["zoneId"]})["HostedZone"]["Name"].rstrip(".")
    name = str(inputs["name"]).rstrip(".").lower()
    return name if name == zone or name.endswith(f".{zone}") else f"{name}.{zone}" if name else zone


def _create_record(cloud: Cloud, facts: Facts) -> Any:
    name = _full_name(cloud, facts.inputs)
    action = "UPSERT" if facts.inputs.get("allowOverwrite") else "CREATE"
    _send(cloud, facts.inputs["zoneId"], action, _record(facts.inputs, name))
    parts = [facts.inputs["zoneId"], name, facts.inputs["type"], facts.inputs.get("setIdentifier")]
    return {"id": "_".join(str(each) for each in parts if each)}


def _change_record(cloud: Cloud, facts: Facts) -> None:
    zone, name = facts.id.split("_")[0], _id_name(facts)
    _send(cloud, zone, "UPSERT", _record(facts.inputs, name))


def _id_name(facts: Facts) -> str:
    """The id is <zone>_<name>_<type>, and a name may have underscores (_acme-challenge)."""
    words = facts.id.split("_")
    ends = next((i for i in range(len(words) - 1, 1, -1) if words[i].isupper()), len(words))
    return "_".join(words[1:ends])


def _id_type(facts: Facts) -> str:
    words = facts.id.split("_")
    return next((words[i] for i in range(len(words) - 1, 1, -1) if words[i].isupper()), "")


def _delete_record(cloud: Cloud, facts: Facts) -> None:
    """Route 53 removes only what is described exactly as it is."""
    request = {
        "HostedZoneId": facts.id.split("_")[0],
        "StartRecordName": _id_name(facts),
        "StartRecordType": _id_type(facts),
    }
    found = cloud.call(SERVICE, "ListResourceRecordSets", request)["ResourceRecordSets"]
    record = _pick(found, facts)
    if record:
        _send(cloud, facts.id.split("_")[0], "DELETE", record)


def _pick(found: Any, facts: Facts) -> Any:
    name, type_ = _id_name(facts).replace("*", "\\052"), _id_type(facts)
    for each in found or ():
        same = each["Name"].rstrip(".").lower() in {name, name.replace("\\052", "*")} and each["Type"] == type_
        if same and (not each.get("SetIdentifier") or facts.id.endswith(f"_{each['SetIdentifier']}")):
            return each
    return None


def _values(record: Any) -> list[str] | None:
    found = [each["Value"] for each in record.get("ResourceRecords") or ()]
    quoted = record["Type"] in {"TXT", "SPF"}
    return [each[1:-1] if quoted and each.startswith('"') else each for each in found] or None


def _alias(record: Any) -> list[dict[str, Any]] | None:
    target = record.get("AliasTarget")
    if not target:
        return None
    return [
        {
            "name": target["DNSName"].rstrip("."),
            "zoneId": target["HostedZoneId"],
            "evaluateTargetHealth": bool(target.get("EvaluateTargetHealth")),
        }
    ]


def _policy(member: str, part: str) -> Any:
    return lambda record: [{part: record[member]}] if record.get(member) is not None else None


def _same(path: str, given: Any, found: Any) -> bool:
    """A short name is the full one's start."""
    return path == "name" and str(found).rstrip(".").startswith(f"{str(given).rstrip('.').lower()}.")


RESOURCES: Final = (
    Resource(
        type="aws:route53/zone:Zone",
        service=SERVICE,
        create=Call(
            "CreateHostedZone",
            {
                "CallerReference": lambda _f, _c: f"pulumi-{uuid.uuid4()}",
                "HostedZoneConfig": _config,
                "VPC": _network,
            },
        ),
        id=_zone_id,
        reads=(
            Read(
                "GetHostedZone",
                {"Id": "{id}"},
                fields={
                    "name": lambda data: data["HostedZone"]["Name"].rstrip("."),
                    "comment": "HostedZone.Config.Comment",
                    "nameServers": "DelegationSet.NameServers",
                    "primaryNameServer": "DelegationSet.NameServers[0]",
                    "vpcs": "VPCs",
                },
            ),
            Read(
                "ListTagsForResource",
                {"ResourceType": "hostedzone", "ResourceId": "{id}"},
                only=(),
                tags="ResourceTagSet.Tags",
            ),
        ),
        updates=(
            Update(Call("UpdateHostedZoneComment", {"Id": "{id}"})),
            Custom(("vpcs",), _associate, on_create=True),
        ),
        delete=_delete_zone,
        tags=Tags(
            Call("ChangeTagsForResource", {"ResourceType": "hostedzone", "ResourceId": "{id}"}),
            Call("ChangeTagsForResource", {"ResourceType": "hostedzone", "ResourceId": "{id}"}),
            tag_param="AddTags",
            untag_param="RemoveTagKeys",
        ),
        computed={"arn": "arn:{partition}:route53:::hostedzone/{id}", "zoneId": "{id}"},
        folded=("name",),
        autoname="",
        local=("forceDestroy",),
        unsupported=("delegationSetId", "enableAcceleratedRecovery"),
    ),
    Resource(
        type="aws:route53/record:Record",
        service=SERVICE,
        create=_create_record,
        id="=id",
        id_parts=("zoneId", "_rest"),
        id_separator="_",
        reads=(
            Read(
                "ListResourceRecordSets",
                {
                    "HostedZoneId": "{zoneId}",
                    "StartRecordName": lambda facts, _: _id_name(facts),
                    "StartRecordType": lambda facts, _: _id_type(facts),
                },
                at="ResourceRecordSets",
                pick=_pick,
                fields={
                    "name": lambda record: record["Name"].rstrip(".").replace("\\052", "*"),
                    "fqdn": lambda record: record["Name"].rstrip(".").replace("\\052", "*"),
                    "records": _values,
                    "aliases": _alias,
                    "weightedRoutingPolicies": _policy("Weight", "weight"),
                    "failoverRoutingPolicies": _policy("Failover", "type"),
                    "latencyRoutingPolicies": _policy("Region", "region"),
                },
            ),
        ),
        updates=(
            Custom(
                (
                    "aliases",
                    "failoverRoutingPolicies",
                    "healthCheckId",
                    "latencyRoutingPolicies",
                    "records",
                    "ttl",
                    "weightedRoutingPolicies",
                ),
                _change_record,
            ),
        ),
        delete=_delete_record,
        folded=("name", "aliases.name", "records"),
        same=_same,
        local=("allowOverwrite",),
        unsupported=(
            "cidrRoutingPolicy",
            "geolocationRoutingPolicies",
            "geoproximityRoutingPolicy",
            "multivalueAnswerRoutingPolicy",
        ),
    ),
)
