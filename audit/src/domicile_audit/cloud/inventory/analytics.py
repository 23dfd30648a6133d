"""OpenSearch, Redshift, Athena and Glue."""

from collections.abc import Iterator
from typing import Any

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader, tag_mapping
from domicile_audit.holding import ANYBODY, UNENCRYPTED, Access, Encryption, Flow, Holding, KeyKind
from domicile_audit.resource_policy import account_of, outsiders


def search_domains(reader: Reader) -> Iterator[Holding]:
    """Every domain of OpenSearch. In a network of ours, an open access policy opens it to that network alone."""
    for named in reader.pages("opensearch", "list_domain_names", "DomainNames"):
        name = str(named["DomainName"])
        one = (reader.ask("opensearch", "describe_domain", about=name, DomainName=name) or {}).get("DomainStatus")
        if one is None:
            continue
        arn = str(one["ARN"])
        rest = one.get("EncryptionAtRestOptions") or {}
        in_network = bool((one.get("VPCOptions") or {}).get("VPCId"))
        shared = outsiders(one.get("AccessPolicies"), reader.ours, "access policy")
        https = (one.get("DomainEndpointOptions") or {}).get("EnforceHTTPS")
        yield holding(
            reader,
            "es:domain",
            arn,
            reader.tags("opensearch", "list_tags", "TagList", about=name, ARN=arn),
            encryption=Encryption.by(rest.get("KmsKeyId")) if rest.get("Enabled") else UNENCRYPTED,
            shared_with=tuple(each for each in shared if each.principal != ANYBODY or not in_network),
            plaintext=None if https else "HTTPS is not enforced",
        )


def warehouses(reader: Reader) -> Iterator[Holding]:
    """Every cluster of Redshift, with the region that its snapshots are copied to, and whom it shares data with."""
    listed = reader.pages("redshift", "describe_clusters", "Clusters")
    shares = reader.details("redshift", "describe_data_shares", "DataShares", about="all clusters") if listed else []
    for one in listed:
        name = str(one["ClusterIdentifier"])
        arn = f"arn:aws:redshift:{reader.region}:{reader.account}:cluster:{name}"
        copied = one.get("ClusterSnapshotCopyStatus") or {}
        public = one.get("PubliclyAccessible")
        region = copied.get("DestinationRegion")
        yield holding(
            reader,
            "redshift:cluster",
            arn,
            tag_mapping(one.get("Tags")),
            encryption=Encryption.by(one.get("KmsKeyId")) if one.get("Encrypted") else UNENCRYPTED,
            shared_with=(
                *((Access(principal=ANYBODY, by="a public address"),) if public else ()),
                *_consumers(reader, one, shares),
            ),
            flows=(Flow(target=f"snapshots in {region}", by="snapshot copy", region=str(region)),) if region else (),
        )


def _consumers(reader: Reader, cluster: dict[str, Any], shares: list[dict[str, Any]]) -> Iterator[Access]:
    namespace = cluster.get("ClusterNamespaceArn")
    for share in shares:
        if namespace and share.get("ProducerArn") != namespace:
            continue
        for each in share.get("DataShareAssociations") or ():
            consumer = str(each.get("ConsumerIdentifier", ""))
            if (
                each.get("Status") in ("ACTIVE", "AUTHORIZED", "AVAILABLE")
                and consumer
                and not reader.ours.has(consumer)
            ):
                yield Access(principal=consumer, by=f"data share {share.get('DataShareArn')}")


def warehouse_snapshots(reader: Reader) -> Iterator[Holding]:
    """Every snapshot of a Redshift cluster, and which accounts it lets restore it."""
    for one in reader.pages("redshift", "describe_cluster_snapshots", "Snapshots", OwnerAccount=reader.account):
        granted = (str(each["AccountId"]) for each in one.get("AccountsWithRestoreAccess") or ())
        strangers = (each for each in granted if each not in reader.ours.accounts)
        name = f"{one['ClusterIdentifier']}/{one['SnapshotIdentifier']}"
        yield holding(
            reader,
            "redshift:snapshot",
            str(one.get("SnapshotArn") or f"arn:aws:redshift:{reader.region}:{reader.account}:snapshot:{name}"),
            None if one.get("SnapshotType") == "automated" and not one.get("Tags") else tag_mapping(one.get("Tags")),
            encryption=Encryption.by(one.get("KmsKeyId")) if one.get("Encrypted") else UNENCRYPTED,
            shared_with=tuple(Access(principal=each, by="restore access") for each in strangers),
        )


def workgroups(reader: Reader) -> Iterator[Holding]:
    """Every workgroup of Athena that says where results go. One that does not leaves that to each query."""
    for summary in reader.pages("athena", "list_work_groups", "WorkGroups"):
        name = str(summary["Name"])
        told = (reader.ask("athena", "get_work_group", about=name, WorkGroup=name) or {}).get("WorkGroup") or {}
        results = (told.get("Configuration") or {}).get("ResultConfiguration") or {}
        location = results.get("OutputLocation")
        if not location:
            continue
        arn = f"arn:aws:athena:{reader.region}:{reader.account}:workgroup/{name}"
        how = results.get("EncryptionConfiguration") or {}
        encrypted = how.get("EncryptionOption")
        bucket = str(location).removeprefix("s3://").split("/")[0]
        yield holding(
            reader,
            "athena:workgroup",
            arn,
            reader.tags("athena", "list_tags_for_resource", "Tags", about=name, ResourceARN=arn),
            encryption=Encryption.by(how.get("KmsKey")) if encrypted else UNENCRYPTED,
            flows=(Flow(target=f"arn:aws:s3:::{bucket}", by="query results"),),
        )


def data_catalogs(reader: Reader) -> Iterator[Holding]:
    """The region's catalogue of Glue, where it has a database: descriptions of data, and passwords of connections."""
    if not reader.pages("glue", "get_databases", "DatabaseList"):
        return
    policy = reader.ask("glue", "get_resource_policy", about="the catalogue", absent=("EntityNotFoundException",))
    answer = reader.ask("glue", "get_data_catalog_encryption_settings", about="the catalogue") or {}
    rest = (answer.get("DataCatalogEncryptionSettings") or {}).get("EncryptionAtRest") or {}
    encrypted = rest.get("CatalogEncryptionMode", "DISABLED") != "DISABLED"
    yield holding(
        reader,
        "glue:catalog",
        f"arn:aws:glue:{reader.region}:{reader.account}:catalog",
        None,  # a catalogue cannot bear tags
        encryption=Encryption.by(rest.get("SseAwsKmsKeyId")) if encrypted else Encryption(kind=KeyKind.NONE),
        shared_with=outsiders((policy or {}).get("PolicyInJson"), reader.ours, "catalogue policy"),
    )


def replication_instances(reader: Reader) -> Iterator[Holding]:
    """Every replication instance of the Database Migration Service, with the databases that it writes to."""
    listed = reader.pages("dms", "describe_replication_instances", "ReplicationInstances")
    targets = _dms_targets(reader) if listed else {}
    for one in listed:
        arn = str(one["ReplicationInstanceArn"])
        public = one.get("PubliclyAccessible")
        yield holding(
            reader,
            "dms:rep",
            arn,
            reader.tags("dms", "list_tags_for_resource", "TagList", about=arn, ResourceArn=arn),
            encryption=Encryption.by(one.get("KmsKeyId")),
            shared_with=(Access(principal=ANYBODY, by="a public address"),) if public else (),
            flows=tuple(targets.get(arn, ())),
        )


def _dms_targets(reader: Reader) -> dict[str, list[Flow]]:
    """Where the tasks of each instance write to."""
    endpoints = {
        str(one["EndpointArn"]): one
        for one in reader.details("dms", "describe_endpoints", "Endpoints", about="all tasks")
    }
    found: dict[str, list[Flow]] = {}
    for task in reader.details("dms", "describe_replication_tasks", "ReplicationTasks", about="all instances"):
        endpoint = endpoints.get(str(task.get("TargetEndpointArn")), {})
        bucket = (endpoint.get("S3Settings") or {}).get("BucketName")
        server = endpoint.get("ServerName")
        target = f"arn:aws:s3:::{bucket}" if bucket else str(server or "")
        if target:
            region = region_of_host(target)
            found.setdefault(str(task["ReplicationInstanceArn"]), []).append(
                Flow(target=target, by="replication task", region=region, account=account_of(target))
            )
    return found


def region_of_host(name: str) -> str | None:
    """The region in the name of an AWS endpoint, such as that of a database; None where there is none."""
    parts = name.split(".")
    return parts[-4] if name.endswith(".rds.amazonaws.com") and len(parts) >= 5 else None
