"""Declarative and management policies: the settings of every account that no principal of it can change.

Pure. Unlike a service control policy, a declarative policy also holds for what AWS does by itself and for accounts that
never asked. Sources: AWS Organizations user guide, "Declarative policy syntax and examples", "Amazon S3 policy syntax
and examples", "Tag policy syntax", "AI services opt-out policy syntax".
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from domicile_catalog import DataClass

from domicile_policies.documents import Document
from domicile_policies.names import AND, CLASS_TAG, ENVIRONMENT_TAG, JURISDICTION_TAG, NONE, TAG_KEYS

IMAGES = ("amazon", "aws_backup_vault")
"""Whose machine images may start: AWS's own, and those that its backups made of ours."""

TAGGED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        # Of which types a wrong value is refused. A type that tag policies do not enforce cannot be here.
        CLASS_TAG: (
            "ec2:snapshot",
            "ec2:volume",
            "rds:cluster",
            "s3:bucket",
            "secretsmanager:*",
        ),
    }
)


def ec2_policy(*, image_accounts: Iterable[str] = (), internet: bool) -> Document:
    """EC2's account settings: nothing public, no serial console, IMDSv2, and images of known makers alone.

    `image_accounts` are further accounts whose images may start, by their ids. Without `internet` no gateway to it
    works at all; a cell needs its own, for players come through it.
    """
    makers = [*IMAGES, *sorted(set(image_accounts))]
    attributes: dict[str, Any] = {
        "exception_message": _assign(
            "Set by the platform's organisation and not by the account: see the policies' declarative.py."
        ),
        "serial_console_access": {"status": _assign("disabled")},
        "image_block_public_access": {"state": _assign("block_new_sharing")},
        "snapshot_block_public_access": {"state": _assign("block_all_sharing")},
        "allowed_images_settings": {
            "state": _assign("enabled"),
            "image_criteria": {"criteria_1": {"allowed_image_providers": _assign(makers)}},
        },
        "instance_metadata_defaults": {
            "http_tokens": _assign("required"),
            "http_tokens_enforced": _assign("enabled"),
            # Two hops: a container on the instance is the second. Its pods get their own identity and need neither.
            "http_put_response_hop_limit": _assign("2"),
            "http_endpoint": _assign("enabled"),
            "instance_metadata_tags": _assign("disabled"),
        },
    }
    if not internet:
        attributes["vpc_block_public_access"] = {
            "internet_gateway_block": {
                "mode": _assign("block_bidirectional"),
                "exclusions_allowed": _assign("disabled"),
            }
        }
    return {"ec2_attributes": attributes}


def s3_policy() -> Document:
    """No bucket of any account is public."""
    return {"s3_attributes": {"public_access_block_configuration": _assign("all")}}


def tag_policy(*, environment: str, jurisdictions: Iterable[str]) -> Document:
    """How the platform's tags are written, and which values they may have.

    A tag policy corrects and does not require: that a tag is there at all is checked before anything is built.
    Several jurisdictions or data classes are joined by `+`, which a tag policy can only say with a wildcard.
    """
    codes = sorted(set(jurisdictions))
    values: dict[str, list[str]] = {
        ENVIRONMENT_TAG: [environment],
        JURISDICTION_TAG: [NONE, *codes, *(f"{code}{AND}*" for code in codes)],
        CLASS_TAG: [NONE, *sorted(DataClass), *(f"{name}{AND}*" for name in sorted(DataClass))],
    }
    tags: dict[str, Any] = {}
    for key in TAG_KEYS:
        tags[key] = {"tag_key": _assign(key)}
        if key in values:
            tags[key]["tag_value"] = _assign(values[key])
        if key in TAGGED:
            tags[key]["enforced_for"] = _assign(list(TAGGED[key]))
    return {"tags": tags}


def ai_opt_out_policy() -> Document:
    """No service of AWS keeps or reads the accounts' content to improve itself, wherever that would be."""
    closed = {"@@operators_allowed_for_child_policies": ["@@none"]}
    return {
        "services": {**closed, "default": {**closed, "opt_out_policy": {**closed, "@@assign": "optOut"}}},
    }


def _assign(value: str | list[str]) -> dict[str, str | list[str]]:
    return {"@@assign": value}
