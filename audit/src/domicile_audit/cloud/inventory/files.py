"""File systems of EFS and FSx, and FSx's backups."""

from collections.abc import Iterator
from typing import Any

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader, tag_mapping
from domicile_audit.holding import UNENCRYPTED, Encryption, Flow, Holding
from domicile_audit.resource_policy import account_of, asks_for_tls, outsiders


def elastic_file_systems(reader: Reader) -> Iterator[Holding]:
    """Every EFS file system. One without a policy lets in whoever reaches its mount targets."""
    listed = reader.pages("efs", "describe_file_systems", "FileSystems")
    replications = (
        reader.details("efs", "describe_replication_configurations", "Replications", about="all file systems")
        if listed
        else []
    )
    for one in listed:
        name = str(one["FileSystemId"])
        policy = reader.ask(
            "efs",
            "describe_file_system_policy",
            about=name,
            absent=("PolicyNotFound", "FileSystemNotFound"),
            FileSystemId=name,
        )
        document = (policy or {}).get("Policy")
        yield holding(
            reader,
            "elasticfilesystem:file-system",
            str(one["FileSystemArn"]),
            tag_mapping(one.get("Tags")),
            encryption=Encryption.by(one.get("KmsKeyId")) if one.get("Encrypted") else UNENCRYPTED,
            shared_with=outsiders(document, reader.ours, "file system policy"),
            flows=_replicas(name, replications),
            plaintext=None if asks_for_tls(document) else "its policy does not deny mounts without TLS",
        )


def _replicas(name: str, replications: list[dict[str, Any]]) -> tuple[Flow, ...]:
    return tuple(
        Flow(
            target=str(destination["FileSystemId"]),
            by="replication configuration",
            region=str(destination["Region"]),
            account=str(destination["OwnerId"]) if destination.get("OwnerId") else None,
        )
        for one in replications
        if one.get("SourceFileSystemId") == name
        for destination in one.get("Destinations") or ()
    )


def fsx_file_systems(reader: Reader) -> Iterator[Holding]:
    """Every FSx file system. At rest it is always encrypted; Lustre may also carry data to and from a bucket."""
    for one in reader.pages("fsx", "describe_file_systems", "FileSystems"):
        arn = str(one["ResourceARN"])
        repository = (one.get("LustreConfiguration") or {}).get("DataRepositoryConfiguration") or {}
        export = repository.get("ExportPath")
        yield holding(
            reader,
            "fsx:file-system",
            arn,
            tag_mapping(one.get("Tags")),
            encryption=Encryption.by(one.get("KmsKeyId")),
            flows=(Flow(target=_bucket_of(export), by="export to a data repository"),) if export else (),
        )


def fsx_backups(reader: Reader) -> Iterator[Holding]:
    """Every backup that the account owns."""
    for one in reader.pages("fsx", "describe_backups", "Backups"):
        arn = str(one["ResourceARN"])
        if account_of(arn) not in (None, reader.account):
            continue
        tags, encryption = tag_mapping(one.get("Tags")), Encryption.by(one.get("KmsKeyId"))
        yield holding(reader, "fsx:backup", arn, tags, encryption=encryption)


def _bucket_of(path: str) -> str:
    return f"arn:aws:s3:::{path.removeprefix('s3://').split('/')[0]}"
