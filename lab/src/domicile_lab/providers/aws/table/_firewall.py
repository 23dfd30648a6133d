"""Rules that are written inside a security group (`ingress`, `egress`), in the program's form and in EC2's. Pure, but
for `apply`, which brings a group to the rules that it should have."""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Cloud, Facts

OPEN: Final = "-1"
VERBS: Final = {"ingress": "Ingress", "egress": "Egress"}


def permission(rule: dict[str, Any], group: str) -> dict[str, Any]:
    """One rule of a program as EC2's IpPermission."""
    told = {"Description": rule["description"]} if rule.get("description") else {}
    found: dict[str, Any] = {"IpProtocol": str(rule["protocol"])}
    if found["IpProtocol"] in {"all", "-1"}:
        found["IpProtocol"] = OPEN
    else:
        found |= {"FromPort": int(rule["fromPort"]), "ToPort": int(rule["toPort"])}
    groups = [*(rule.get("securityGroups") or ()), *([group] if rule.get("self") else ())]
    for member, key, items in (
        ("IpRanges", "CidrIp", rule.get("cidrBlocks")),
        ("Ipv6Ranges", "CidrIpv6", rule.get("ipv6CidrBlocks")),
        ("PrefixListIds", "PrefixListId", rule.get("prefixListIds")),
        ("UserIdGroupPairs", "GroupId", groups),
    ):
        if items:
            found[member] = [{key: each, **told} for each in items]
    return found


def rules(permissions: list[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    """EC2's permissions as rules of a program: one for each description that occurs in a permission."""
    found: list[dict[str, Any]] = []
    for each in permissions:
        base = {"protocol": each["IpProtocol"], "fromPort": each.get("FromPort", 0), "toPort": each.get("ToPort", 0)}
        parts: dict[str, dict[str, Any]] = {}
        for member, key, name in (
            ("IpRanges", "CidrIp", "cidrBlocks"),
            ("Ipv6Ranges", "CidrIpv6", "ipv6CidrBlocks"),
            ("PrefixListIds", "PrefixListId", "prefixListIds"),
            ("UserIdGroupPairs", "GroupId", "securityGroups"),
        ):
            for item in each.get(member) or ():
                part = parts.setdefault(item.get("Description", ""), dict(base))
                if item.get("Description"):
                    part["description"] = item["Description"]
                if member == "UserIdGroupPairs" and item[key] == group:
                    part["self"] = True
                else:
                    part.setdefault(name, []).append(item[key])
        found += parts.values()
    return found


def told(direction: str) -> Any:
    """The reader of one direction's rules in a group's description."""
    member = "IpPermissions" if direction == "ingress" else "IpPermissionsEgress"
    return lambda data: rules(data.get(member) or [], data["GroupId"])


def apply(direction: str) -> Any:
    """Brings one direction of a group to the rules of its inputs; none given means none allowed."""

    def run(cloud: Cloud, facts: Facts) -> None:
        wanted = [permission(rule, facts.id) for rule in facts.inputs.get(direction) or ()]
        clear(cloud, facts.id, direction)
        if wanted:
            operation = f"AuthorizeSecurityGroup{VERBS[direction]}"
            cloud.call("ec2", operation, {"GroupId": facts.id, "IpPermissions": wanted})

    return run


def clear(cloud: Cloud, group: str, direction: str) -> None:
    """Take every rule of one direction away."""
    answer = cloud.call("ec2", "DescribeSecurityGroups", {"GroupIds": [group]})["SecurityGroups"][0]
    held = answer["IpPermissions" if direction == "ingress" else "IpPermissionsEgress"]
    if held:
        cloud.call("ec2", f"RevokeSecurityGroup{VERBS[direction]}", {"GroupId": group, "IpPermissions": held})


def none_left(path: str, given: Any, found: Any) -> bool:
    """EC2 tells a rule for all protocols with -1 and without ports, however it was written."""
    words = {"all": OPEN, "-1": OPEN, "tcp": "6", "udp": "17", "icmp": "1"}
    if path.endswith(".protocol"):
        return words.get(str(given), str(given)) == words.get(str(found), str(found))
    return False
