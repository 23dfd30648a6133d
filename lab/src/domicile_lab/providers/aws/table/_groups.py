"""What Amazon RDS and ElastiCache have alike: subnet groups, parameters that are set and reset, members. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Cloud, Facts, Read, Resource, Tags, Update

TAGS: Final = Tags(
    Call("AddTagsToResource", {"ResourceName": "{arn}"}),
    Call("RemoveTagsFromResource", {"ResourceName": "{arn}"}),
    create="Tags",
)
TAG_READ: Final = Read("ListTagsForResource", {"ResourceName": "{arn}"}, only=(), tags="TagList")
_PARAMETERS_A_CALL: Final = 20
"""The most that either service takes at once."""


def description(facts: Facts, _: Cloud) -> str:
    """What is given, or what the provider puts where AWS wants one."""
    return str(facts.inputs.get("description") or "Managed by Pulumi")


def subnet_group(service: str, kind: str, *, fields: Mapping[str, Any], unsupported: tuple[str, ...] = ()) -> Resource:
    """A subnet group of a service that names it by `kind`: DB or Cache. `fields` are read beside the subnets."""
    name = f"{kind}SubnetGroupName"
    return Resource(
        type=f"aws:{service}/subnetGroup:SubnetGroup",
        service=service,
        create=Call(f"Create{kind}SubnetGroup", {f"{kind}SubnetGroupDescription": description}),
        id="{name}",
        id_parts=("name",),
        reads=(
            Read(
                f"Describe{kind}SubnetGroups",
                {name: "{id}"},
                at=f"{kind}SubnetGroups",
                fields={"subnetIds": "Subnets[].SubnetIdentifier", **fields},
            ),
            TAG_READ,
        ),
        updates=(Update(Call(f"Modify{kind}SubnetGroup", {name: "{id}"}), whole=True),),
        delete=Call(f"Delete{kind}SubnetGroup", {name: "{id}"}),
        tags=TAGS,
        names={"name": name, "description": f"{kind}SubnetGroupDescription"},
        folded=("name",),
        autoname="name",
        autoname_length=255,
        unsupported=unsupported,
    )


def parameters(
    before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
) -> tuple[list[Mapping[str, str]], list[Mapping[str, str]]]:
    """The parameters to set, and those to give back to the family's default, each by its name."""
    changed = [each for name, each in after.items() if before.get(name) != each]
    dropped = [each for name, each in before.items() if name not in after]
    return changed, dropped


def batches(items: Sequence[Mapping[str, str]]) -> Iterator[Sequence[Mapping[str, str]]]:
    """The items, as many at a time as a call takes."""
    return (items[start : start + _PARAMETERS_A_CALL] for start in range(0, len(items), _PARAMETERS_A_CALL))


def joining(facts: Facts, prop: str, member: str) -> dict[str, list[str]]:
    """`<member>ToAdd` and `<member>ToRemove`, of a list of names that has changed."""
    before, after = (set(_names(each.get(prop))) for each in (facts.old, facts.inputs))
    found = {f"{member}ToAdd": sorted(after - before), f"{member}ToRemove": sorted(before - after)}
    return {key: names for key, names in found.items() if names}


def _names(value: Any) -> Iterable[str]:
    return value or ()
