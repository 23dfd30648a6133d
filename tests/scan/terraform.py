"""A stack's AWS resources as Terraform's plan in JSON, which the scanner reads.

Pulumi's provider for AWS is Terraform's under other names, so the way back is mechanical: tokens and properties become
snake_case, a list of objects gets its singular name, and a single object is a list of one block. What does not follow
that rule is in the tables below; `test_translation.py` holds them against what the scanner itself looks at.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from domicile_lab.providers.aws.schema import Schema, schema_of

from tests.scan.resource import Resource

MODULES: Final = {"ec2": "", "vpc": "vpc", "lb": "lb", "costexplorer": "ce"}
"""Modules whose name is not Terraform's prefix."""

TYPES: Final = {
    "aws:cloudtrail/trail:Trail": "aws_cloudtrail",
    "aws:lb/loadBalancer:LoadBalancer": "aws_lb",
    "aws:rds/subnetGroup:SubnetGroup": "aws_db_subnet_group",
}
"""Resource types whose name does not follow from the token."""

PLURAL_BLOCKS: Final = {"block_device_mappings", "tag_specifications", "redacted_fields"}
"""Blocks that Terraform names in the plural."""

PROPERTIES: Final = {"startsWiths": "starts_with", "endsWiths": "ends_with"}
"""Lists of text to whose name Pulumi has added a letter."""


def snake(name: str) -> str:
    """`cidrIpv4` -> `cidr_ipv4`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def singular(name: str) -> str:
    """`copy_actions` -> `copy_action`, `policies` -> `policy`, `aliases` -> `alias`; `ingress` stays."""
    if name.endswith("ies"):
        return f"{name[:-3]}y"
    if re.search(r"(s|x|ch|sh)es$", name):
        return name[:-2]
    return name[:-1] if name.endswith("s") and not name.endswith("ss") else name


def terraform_type(token: str) -> str:
    """`aws:rds/cluster:Cluster` -> `aws_rds_cluster`."""
    if token in TYPES:
        return TYPES[token]
    module, _, rest = token.removeprefix("aws:").partition("/")
    prefix = MODULES.get(module, module)
    return "_".join(part for part in ("aws", prefix, snake(rest.partition(":")[0])) if part)


def terraform_name(name: str, kind: str) -> str:
    """The name of a property of that kind (see domicile_lab.providers.aws.generate for kinds)."""
    if name in PROPERTIES:
        return PROPERTIES[name]
    found = snake(name)
    return singular(found) if kind.startswith("[@") and found not in PLURAL_BLOCKS else found


def arguments(resource: Resource) -> dict[str, Any]:
    """The resource's arguments as a plan has them.

    Raises LookupError for a type or property that pulumi_aws does not declare: it would not be looked at.
    """
    schema = _schema(resource)
    return {
        terraform_name(key, kind): _value(schema, kind, value)
        for key, value in resource.inputs.items()
        if (kind := _kind(resource, schema.inputs, key)) and value is not None
    }


def _schema(resource: Resource) -> Schema:
    try:
        return schema_of(resource.type)
    except (KeyError, FileNotFoundError):
        raise LookupError(
            f"{resource.title}: its type is not among those whose properties are known, so it would not be scanned. "
            "Add it to the table of lab/src/domicile_lab/providers/aws and run "
            "`python -m domicile_lab.providers.aws.generate`."
        ) from None


def _kind(resource: Resource, known: Mapping[str, str], key: str) -> str:
    if key not in known:
        raise LookupError(f"{resource.title}: pulumi_aws knows no property {key!r} here, so it would not be scanned.")
    return known[key]


def _value(schema: Schema, kind: str, value: Any) -> Any:
    if kind.startswith("["):
        return [_value(schema, kind[1:], one) if kind[1] != "@" else _block(schema, kind[1:], one) for one in value]
    if kind.startswith("@"):
        return [_block(schema, kind, value)]
    if kind == "s" and isinstance(value, dict | list):
        return json.dumps(value)  # a document that was given as a value
    return value


def _block(schema: Schema, kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
    known = schema.properties(kind)
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise LookupError(f"{schema.token}: pulumi_aws knows no property {', '.join(unknown)} in {kind[1:]}.")
    return {
        terraform_name(key, known[key]): _value(schema, known[key], one)
        for key, one in value.items()
        if one is not None
    }


def addresses(resources: Sequence[Resource]) -> dict[str, str]:
    """URN -> the address that Terraform would have for it. No two are the same."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for one in resources:
        plain = re.sub(r"[^A-Za-z0-9_-]", "_", one.name)
        address = base = f"{terraform_type(one.type)}.{plain}"
        number = 1
        while address in taken:
            number += 1
            address = f"{base}_{number}"
        taken.add(address)
        found[one.urn] = address
    return found


def plan(resources: Sequence[Resource]) -> dict[str, Any]:
    """The plan that creates these AWS resources. Raises LookupError as `arguments` does."""
    named = addresses(resources)
    planned, changes, configured = [], [], []
    for one in resources:
        address = named[one.urn]
        kind, _, name = address.partition(".")
        head = {"address": address, "mode": "managed", "type": kind, "name": name}
        values = arguments(one)
        planned.append({**head, "provider_name": "registry.terraform.io/hashicorp/aws", "values": values})
        change = {"actions": ["create"], "before": None, "after": values, "after_unknown": {}}
        changes.append({**head, "change": change})
        configured.append({**head, "expressions": _expressions(one, named)})
    return {
        "format_version": "1.2",
        "terraform_version": "1.9.0",
        "planned_values": {"root_module": {"resources": planned}},
        "resource_changes": changes,
        "configuration": {"root_module": {"resources": configured}},
    }


def _expressions(resource: Resource, named: Mapping[str, str]) -> dict[str, Any]:
    """What each argument refers to: the scanner sees from these which resources belong together."""
    schema = _schema(resource)
    found = {}
    for key, urns in resource.references.items():
        known = [named[urn] for urn in urns if urn in named]
        if known and key in schema.inputs:
            references = [text for address in known for text in (f"{address}.id", address)]
            found[terraform_name(key, schema.inputs[key])] = {"references": references}
    return found
