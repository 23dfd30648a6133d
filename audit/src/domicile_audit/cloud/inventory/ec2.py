"""EBS volumes and snapshots, and machine images."""

from collections.abc import Iterator
from typing import Any

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader, tag_mapping
from domicile_audit.holding import ANYBODY, UNENCRYPTED, Access, Encryption, Holding, KeyKind


def volumes(reader: Reader) -> Iterator[Holding]:
    """Every volume."""
    for one in reader.pages("ec2", "describe_volumes", "Volumes"):
        yield holding(
            reader,
            "ec2:volume",
            _arn(reader, "volume", one["VolumeId"]),
            tag_mapping(one.get("Tags")),
            encryption=_encryption(one),
        )


def snapshots(reader: Reader) -> Iterator[Holding]:
    """Every snapshot that the account owns, and whom it lets restore it."""
    for one in reader.pages("ec2", "describe_snapshots", "Snapshots", OwnerIds=["self"]):
        granted = reader.ask(
            "ec2",
            "describe_snapshot_attribute",
            about=one["SnapshotId"],
            SnapshotId=one["SnapshotId"],
            Attribute="createVolumePermission",
        )
        yield holding(
            reader,
            "ec2:snapshot",
            _arn(reader, "snapshot", one["SnapshotId"]),
            tag_mapping(one.get("Tags")),
            encryption=_encryption(one),
            shared_with=_granted(reader, (granted or {}).get("CreateVolumePermissions", ()), "createVolumePermission"),
        )


def images(reader: Reader) -> Iterator[Holding]:
    """Every image that the account owns; it is encrypted where all its disks are."""
    for one in reader.pages("ec2", "describe_images", "Images", Owners=["self"]):
        granted = reader.ask(
            "ec2",
            "describe_image_attribute",
            about=one["ImageId"],
            ImageId=one["ImageId"],
            Attribute="launchPermission",
        )
        disks = [disk["Ebs"] for disk in one.get("BlockDeviceMappings", ()) if disk.get("Ebs")]
        open_disks = [disk for disk in disks if not disk.get("Encrypted")]
        # The key of an image's disks is that of its snapshots, which are holdings of their own.
        yield holding(
            reader,
            "ec2:image",
            _arn(reader, "image", one["ImageId"]),
            tag_mapping(one.get("Tags")),
            encryption=UNENCRYPTED if open_disks else Encryption(kind=KeyKind.INAPPLICABLE),
            shared_with=_granted(reader, (granted or {}).get("LaunchPermissions", ()), "launchPermission"),
        )


def _encryption(one: dict[str, Any]) -> Encryption:
    return Encryption.by(one.get("KmsKeyId")) if one.get("Encrypted") else UNENCRYPTED


def _granted(reader: Reader, permissions: Any, by: str) -> tuple[Access, ...]:
    found = []
    for one in permissions:
        if one.get("Group") == "all":
            found.append(Access(principal=ANYBODY, by=by))
        elif one.get("UserId") and one["UserId"] not in reader.ours.accounts:
            found.append(Access(principal=str(one["UserId"]), by=by))
        elif one.get("OrganizationArn") and f"/{reader.ours.organization_id}" not in one["OrganizationArn"]:
            found.append(Access(principal=str(one["OrganizationArn"]), by=by))
        elif (
            one.get("OrganizationalUnitArn") and f"/{reader.ours.organization_id}/" not in one["OrganizationalUnitArn"]
        ):
            found.append(Access(principal=str(one["OrganizationalUnitArn"]), by=by))
    return tuple(found)


def _arn(reader: Reader, kind: str, name: str) -> str:
    return f"arn:aws:ec2:{reader.region}:{reader.account}:{kind}/{name}"
