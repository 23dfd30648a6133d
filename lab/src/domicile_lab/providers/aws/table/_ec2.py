"""What EC2's entries share."""

from __future__ import annotations

from typing import Any, Final

from domicile_lab.providers.aws.model import Call, Tags

ARN: Final = "arn:{partition}:ec2:{region}:{account}:"


def tags(type_: str) -> Tags:
    """EC2's tags, which are given at creation in a specification for the type."""
    return Tags(
        Call("CreateTags", {"Resources": ["{id}"]}),
        Call("DeleteTags", {"Resources": ["{id}"]}),
        create="TagSpecifications",
        form=f"spec:{type_}",
        untag_param="Tags",
        untag_form="pairs",
    )


def named(name: str, value: str) -> dict[str, Any]:
    return {"Name": name, "Values": [value]}
