"""Where resources deliver logs, records and exports, as their properties say.

A table of pulumi_aws 7: the properties of a type in which a destination is named. What stands there is read by its
form: an ARN, an address of S3, the name of a bucket, a host on the internet.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from domicile_policies.plan.resource import UNKNOWN, PlannedResource
from domicile_policies.plan.tokens import aws

_TABLE: Mapping[str, Mapping[str, str]] = {
    "alb": {"LoadBalancer": "accessLogs connectionLogs healthCheckLogs"},
    "amp": {"QueryLoggingConfiguration": "destinations", "Workspace": "loggingConfiguration"},
    "apigateway": {"Stage": "accessLogSettings"},
    "apigatewayv2": {"Stage": "accessLogSettings"},
    "athena": {"Database": "bucket", "Workgroup": "configuration"},
    "bcmdata": {"Export": "export"},
    "bedrockmodel": {"InvocationLoggingConfiguration": "loggingConfig"},
    "cfg": {
        "ConformancePack": "deliveryS3Bucket",
        "DeliveryChannel": "s3BucketName snsTopicArn",
        "OrganizationConformancePack": "deliveryS3Bucket",
    },
    "cloudfront": {"Distribution": "loggingConfig", "RealtimeLogConfig": "endpoint"},
    "cloudtrail": {"Trail": "s3BucketName cloudWatchLogsGroupArn snsTopicName"},
    "cloudwatch": {
        "EventTarget": "arn deadLetterConfig",
        "InternetMonitor": "internetMeasurementsLogDelivery",
        "LogDelivery": "deliveryDestinationArn",
        "LogDeliveryDestination": "deliveryDestinationConfiguration",
        "LogDestination": "targetArn",
        "LogSubscriptionFilter": "destinationArn",
        "MetricAlarm": "alarmActions insufficientDataActions okActions",
        "MetricStream": "firehoseArn",
    },
    "codebuild": {"Project": "logsConfig"},
    "cognito": {"LogDeliveryConfiguration": "logConfigurations"},
    "connect": {"InstanceStorageConfig": "storageConfig"},
    "cur": {"ReportDefinition": "s3Bucket"},
    "datasync": {"S3Location": "s3BucketArn", "Task": "cloudwatchLogGroupArn"},
    "dms": {"S3Endpoint": "bucketName"},
    "dynamodb": {"KinesisStreamingDestination": "streamArn", "TableExport": "s3Bucket"},
    "ec2": {"FlowLog": "logDestination deliverCrossAccountRole", "SpotDatafeedSubscription": "bucket"},
    "ecs": {"Cluster": "configuration"},
    "elasticache": {"Cluster": "logDeliveryConfigurations", "ReplicationGroup": "logDeliveryConfigurations"},
    "elb": {"LoadBalancer": "accessLogs"},
    "emr": {"Cluster": "logUri", "Studio": "defaultS3Location"},
    "guardduty": {"PublishingDestination": "destinationArn"},
    "imagebuilder": {"InfrastructureConfiguration": "logging"},
    "iot": {"TopicRule": "cloudwatchLogs firehoses kineses s3 sns sqs"},
    "ivs": {"RecordingConfiguration": "destinationConfiguration"},
    "ivschat": {"LoggingConfiguration": "destinationConfiguration"},
    "kinesis": {
        "FirehoseDeliveryStream": (
            "elasticsearchConfiguration extendedS3Configuration httpEndpointConfiguration icebergConfiguration "
            "opensearchConfiguration opensearchserverlessConfiguration redshiftConfiguration snowflakeConfiguration "
            "splunkConfiguration"
        )
    },
    "lambda": {"EventSourceMapping": "destinationConfig", "FunctionEventInvokeConfig": "destinationConfig"},
    "lb": {"LoadBalancer": "accessLogs connectionLogs healthCheckLogs"},
    "macie2": {"ClassificationExportConfiguration": "s3Destination"},
    "msk": {"Cluster": "loggingInfo"},
    "mskconnect": {"Connector": "logDelivery"},
    "networkfirewall": {"LoggingConfiguration": "loggingConfiguration"},
    "pipes": {"Pipe": "target logConfiguration"},
    "redshift": {"Logging": "bucketName"},
    "route53": {"QueryLog": "cloudwatchLogGroupArn", "ResolverQueryLogConfig": "destinationArn"},
    "s3": {
        "AnalyticsConfiguration": "storageClassAnalysis",
        "BucketLogging": "targetBucket",
        "BucketLoggingV2": "targetBucket",
        "Inventory": "destination",
    },
    "s3control": {"StorageLensConfiguration": "storageLensConfiguration"},
    "ses": {"EventDestination": "kinesisDestination snsDestination", "ReceiptRule": "s3Actions snsActions"},
    "sesv2": {"ConfigurationSetEventDestination": "eventDestination"},
    "sfn": {"StateMachine": "loggingConfiguration"},
    "sns": {"TopicSubscription": "endpoint"},
    "ssm": {"ResourceDataSync": "s3Destination"},
    "transfer": {"Server": "structuredLogDestinations"},
    "verifiedaccess": {"InstanceLoggingConfiguration": "accessLogs"},
    "vpclattice": {"AccessLogSubscription": "destinationArn"},
    "wafv2": {"WebAclLoggingConfiguration": "logDestinationConfigs"},
}
DESTINATIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {aws(module, name): tuple(keys.split()) for module, types in _TABLE.items() for name, keys in types.items()}
)
"""By type, the properties in which it names where it delivers to."""


class Form(StrEnum):
    """What a destination is named by."""

    ARN = "ARN"
    BUCKET = "bucket"
    ADDRESS = "address"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Destination:
    """One destination: the property that names it, its form, and its ARN, bucket or address (empty if unknown)."""

    key: str
    form: Form
    value: str = ""

    @property
    def account(self) -> str:
        """The account in its ARN; empty where it has none, as a bucket's."""
        return self.value.split(":")[4] if self.form is Form.ARN else ""


def destinations(resource: PlannedResource) -> Iterator[Destination]:
    """Every destination that a resource names. The name of a log group, stream or topic is of its own account."""
    for key in DESTINATIONS.get(resource.type, ()):
        for leaf, value in _leaves(key, resource.at(key)):
            if value is UNKNOWN:
                yield Destination(key, Form.UNKNOWN)
            elif (found := _read(leaf, value)) is not None:
                yield Destination(key, *found)


def _leaves(key: str, value: Any) -> Iterator[tuple[str, Any]]:
    """What stands at the ends of a property, each with the key under which it stands."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _leaves(str(name), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(key, inner)
    elif value is not None:
        yield key, value


def _read(key: str, value: Any) -> tuple[Form, str] | None:
    text = str(value)
    if text.startswith("arn:") and text.count(":") >= 5:
        bucket = text.split(":", 5)
        if bucket[2] == "s3" and not bucket[4]:
            return Form.BUCKET, bucket[5].split("/")[0]
        return Form.ARN, text
    if text.startswith(("s3://", "s3a://", "s3n://")):
        return Form.BUCKET, text.split("://", 1)[1].split("/", maxsplit=1)[0]
    if (
        "bucket" in key.lower()
        and isinstance(value, str)
        and "prefix" not in key.lower()
        and "owner" not in key.lower()
    ):
        # CloudFront takes the bucket's host name.
        return Form.BUCKET, text.split(".s3", maxsplit=1)[0]
    if text.startswith(("https://", "http://")) or key in ("hecEndpoint", "accountUrl"):
        return Form.ADDRESS, text
    return None
