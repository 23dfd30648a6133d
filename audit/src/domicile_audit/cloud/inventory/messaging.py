"""Queues, topics and brokers: SQS, SNS, Amazon MQ, and Kafka (MSK)."""

from collections.abc import Iterator
from typing import Any

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader, tag_mapping
from domicile_audit.holding import ANYBODY, UNENCRYPTED, Access, Encryption, Flow, Holding, KeyKind
from domicile_audit.resource_policy import account_of, outsiders

_BY_NETWORK = {"email", "email-json", "http", "https", "sms"}
"""Subscriptions that send to an address outside the cloud."""


def queues(reader: Reader) -> Iterator[Holding]:
    """Every queue of SQS."""
    for url in reader.pages("sqs", "list_queues", "QueueUrls"):
        answer = reader.ask("sqs", "get_queue_attributes", about=url, QueueUrl=url, AttributeNames=["All"]) or {}
        told = answer.get("Attributes", {})
        managed = str(told.get("SqsManagedSseEnabled", "")).lower() == "true"
        yield holding(
            reader,
            "sqs:queue",
            str(told.get("QueueArn") or url),
            reader.tags("sqs", "list_queue_tags", "Tags", about=url, QueueUrl=url),
            encryption=Encryption.by(
                told.get("KmsMasterKeyId"), otherwise=KeyKind.PROVIDER if managed else KeyKind.NONE
            ),
            shared_with=outsiders(told.get("Policy"), reader.ours, "queue policy"),
        )


def topics(reader: Reader) -> Iterator[Holding]:
    """Every topic of SNS, with those of its subscriptions that leave the region or the cloud."""
    listed = reader.pages("sns", "list_topics", "Topics")
    subscribed: dict[str, list[dict[str, Any]]] = {}
    for one in reader.details("sns", "list_subscriptions", "Subscriptions", about="all topics") if listed else ():
        subscribed.setdefault(str(one["TopicArn"]), []).append(one)
    for one in listed:
        arn = str(one["TopicArn"])
        told = (reader.ask("sns", "get_topic_attributes", about=arn, TopicArn=arn) or {}).get("Attributes", {})
        yield holding(
            reader,
            "sns:topic",
            arn,
            reader.tags("sns", "list_tags_for_resource", "Tags", about=arn, ResourceArn=arn),
            encryption=Encryption.by(told.get("KmsMasterKeyId"), otherwise=KeyKind.NONE),
            shared_with=outsiders(told.get("Policy"), reader.ours, "topic policy"),
            flows=tuple(_subscription(each) for each in subscribed.get(arn, ()) if each["Protocol"] not in _BY_NETWORK),
        )


def _subscription(one: dict[str, Any]) -> Flow:
    endpoint = str(one.get("Endpoint", ""))
    region = endpoint.split(":")[3] if endpoint.startswith("arn:") else None
    return Flow(target=endpoint, by=f"{one['Protocol']} subscription", region=region, account=account_of(endpoint))


def brokers(reader: Reader) -> Iterator[Holding]:
    """Every broker of Amazon MQ. It speaks TLS alone, and is always encrypted at rest."""
    for one in reader.pages("mq", "list_brokers", "BrokerSummaries"):
        name = str(one["BrokerId"])
        told = reader.ask("mq", "describe_broker", about=name, BrokerId=name) or {}
        public = told.get("PubliclyAccessible")
        yield holding(
            reader,
            "mq:broker",
            str(one["BrokerArn"]),
            tag_mapping(told.get("Tags")),
            encryption=Encryption.by((told.get("EncryptionOptions") or {}).get("KmsKeyId")),
            shared_with=(Access(principal=ANYBODY, by="a public address"),) if public else (),
        )


def kafka_clusters(reader: Reader) -> Iterator[Holding]:
    """Every cluster of MSK, provisioned or serverless."""
    for one in reader.pages("kafka", "list_clusters_v2", "ClusterInfoList"):
        arn = str(one["ClusterArn"])
        provisioned = one.get("Provisioned") or {}
        encryption = provisioned.get("EncryptionInfo") or {}
        client_broker = (encryption.get("EncryptionInTransit") or {}).get("ClientBroker", "TLS")
        public = (
            ((provisioned.get("BrokerNodeGroupInfo") or {}).get("ConnectivityInfo") or {}).get("PublicAccess") or {}
        ).get("Type", "DISABLED")
        policy = reader.ask("kafka", "get_cluster_policy", about=arn, absent=("NotFoundException",), ClusterArn=arn)
        yield holding(
            reader,
            "kafka:cluster",
            arn,
            tag_mapping(one.get("Tags")),
            encryption=Encryption.by((encryption.get("EncryptionAtRest") or {}).get("DataVolumeKMSKeyId")),
            shared_with=(
                *((Access(principal=ANYBODY, by="a public address"),) if public != "DISABLED" else ()),
                *outsiders((policy or {}).get("Policy"), reader.ours, "cluster policy"),
            ),
            plaintext=None if client_broker == "TLS" else f"clients reach brokers by {client_broker}",
        )


def streams(reader: Reader) -> Iterator[Holding]:
    """Every stream of Kinesis."""
    for name in reader.pages("kinesis", "list_streams", "StreamNames"):
        answer = reader.ask("kinesis", "describe_stream_summary", about=name, StreamName=name) or {}
        told = answer.get("StreamDescriptionSummary")
        if told is None:
            continue
        arn = str(told["StreamARN"])
        policy = reader.ask(
            "kinesis", "get_resource_policy", about=name, absent=("ResourceNotFoundException",), ResourceARN=arn
        )
        encrypted = told.get("EncryptionType") == "KMS"
        yield holding(
            reader,
            "kinesis:stream",
            arn,
            reader.tags("kinesis", "list_tags_for_stream", "Tags", about=name, StreamName=name),
            encryption=Encryption.by(told.get("KeyId")) if encrypted else UNENCRYPTED,
            shared_with=outsiders((policy or {}).get("Policy"), reader.ours, "resource policy"),
        )


def delivery_streams(reader: Reader) -> Iterator[Holding]:
    """Every delivery stream of Firehose, with where it delivers. One that reads a stream keeps nothing itself."""
    for name in _delivery_stream_names(reader):
        answer = reader.ask("firehose", "describe_delivery_stream", about=name, DeliveryStreamName=name) or {}
        told = answer.get("DeliveryStreamDescription")
        if told is None:
            continue
        sse = told.get("DeliveryStreamEncryptionConfiguration") or {}
        enabled = sse.get("Status") == "ENABLED"
        encryption = Encryption.by(sse.get("KeyARN")) if enabled else UNENCRYPTED
        from_stream = told.get("DeliveryStreamType") == "KinesisStreamAsSource"
        yield holding(
            reader,
            "firehose:deliverystream",
            str(told["DeliveryStreamARN"]),
            reader.tags("firehose", "list_tags_for_delivery_stream", "Tags", about=name, DeliveryStreamName=name),
            encryption=Encryption(kind=KeyKind.INAPPLICABLE) if from_stream and not enabled else encryption,
            flows=tuple(flow for one in told.get("Destinations") or () for flow in _destinations(one)),
        )


def _delivery_stream_names(reader: Reader) -> list[str]:
    """This list is paged by the last name that was told."""
    names: list[str] = []
    more: dict[str, str] = {}
    while True:
        page = reader.pages("firehose", "list_delivery_streams", "DeliveryStreamNames", Limit=100, **more)
        names += page
        if len(page) < 100:
            return names
        more = {"ExclusiveStartDeliveryStreamName": str(page[-1])}


def _destinations(one: dict[str, Any]) -> Iterator[Flow]:
    for kind, told in one.items():
        if not isinstance(told, dict):
            continue
        by = f"delivery ({kind.removesuffix('Description')})"
        bucket = told.get("BucketARN")
        if bucket:
            yield Flow(target=str(bucket), by=by)
        for key in ("DomainARN", "CollectionEndpoint", "ClusterJDBCURL", "HECEndpoint"):
            if told.get(key):
                target = str(told[key])
                region = target.split(":")[3] if target.startswith("arn:") else None
                yield Flow(target=target, by=by, region=region, account=account_of(target))
        url = (told.get("EndpointConfiguration") or {}).get("Url")
        if url:
            yield Flow(target=str(url), by=by)
