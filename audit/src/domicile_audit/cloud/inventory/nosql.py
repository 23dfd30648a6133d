"""DynamoDB tables and their backups, and Timestream databases."""

from collections.abc import Iterator
from typing import Any

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader
from domicile_audit.holding import Encryption, Flow, Holding
from domicile_audit.resource_policy import outsiders


def tables(reader: Reader) -> Iterator[Holding]:
    """Every table, with its replicas in other regions."""
    for name in reader.pages("dynamodb", "list_tables", "TableNames"):
        table = (reader.ask("dynamodb", "describe_table", about=name, TableName=name) or {}).get("Table")
        if table is None:
            continue
        arn = str(table["TableArn"])
        policy = reader.ask(
            "dynamodb",
            "get_resource_policy",
            about=name,
            absent=("PolicyNotFoundException", "ResourceNotFoundException"),
            ResourceArn=arn,
        )
        yield holding(
            reader,
            "dynamodb:table",
            arn,
            reader.tags("dynamodb", "list_tags_of_resource", "Tags", about=name, ResourceArn=arn),
            encryption=Encryption.by(_key(table.get("SSEDescription"))),
            shared_with=outsiders((policy or {}).get("Policy"), reader.ours, "resource policy"),
            flows=tuple(
                Flow(target=f"{name} in {one['RegionName']}", by="replica", region=str(one["RegionName"]))
                for one in table.get("Replicas") or ()
                if one.get("RegionName") != reader.region
            ),
        )


def table_backups(reader: Reader) -> Iterator[Holding]:
    """Every backup of a table that DynamoDB keeps itself; those of AWS Backup are recovery points."""
    for one in reader.pages("dynamodb", "list_backups", "BackupSummaries", BackupType="USER"):
        arn = str(one["BackupArn"])
        answer = reader.ask("dynamodb", "describe_backup", about=arn, BackupArn=arn) or {}
        details = answer.get("BackupDescription", {}).get("SourceTableFeatureDetails", {})
        # It has the key of its table, and no tags; its class is its table's, which is read on its own.
        key = _key(details.get("SSEDescription"))
        yield holding(reader, "dynamodb:backup", arn, None, encryption=Encryption.by(key))


def _key(description: dict[str, Any] | None) -> str | None:
    """The key that somebody chose; without one, the table has a key of the service's."""
    enabled = (description or {}).get("Status") in ("ENABLED", "ENABLING", "UPDATING")
    return (description or {}).get("KMSMasterKeyArn") if enabled else None


def timestream_databases(reader: Reader) -> Iterator[Holding]:
    """Every database of Timestream for LiveAnalytics."""
    for one in reader.pages("timestream-write", "list_databases", "Databases"):
        arn = str(one["Arn"])
        yield holding(
            reader,
            "timestream:database",
            arn,
            reader.tags("timestream-write", "list_tags_for_resource", "Tags", about=arn, ResourceARN=arn),
            encryption=Encryption.by(one.get("KmsKeyId")),
        )
