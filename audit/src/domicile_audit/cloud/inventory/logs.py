"""Log groups of CloudWatch and trails of CloudTrail, with where they send what they hold."""

from collections.abc import Iterator

from domicile_audit.cloud.found import holding
from domicile_audit.cloud.reader import Reader
from domicile_audit.holding import Encryption, Flow, Holding, KeyKind
from domicile_audit.resource_policy import account_of


def log_groups(reader: Reader) -> Iterator[Holding]:
    """Every log group, with its subscriptions. Without a key of ours it has one of CloudWatch's."""
    for one in reader.pages("logs", "describe_log_groups", "logGroups"):
        name = str(one["logGroupName"])
        arn = str(one.get("logGroupArn") or one["arn"]).removesuffix(":*")
        filters = reader.details(
            "logs", "describe_subscription_filters", "subscriptionFilters", about=name, logGroupName=name
        )
        yield holding(
            reader,
            "logs:log-group",
            arn,
            reader.tags("logs", "list_tags_for_resource", "tags", about=name, resourceArn=arn),
            encryption=Encryption.by(one.get("kmsKeyId")),
            flows=tuple(_flow(str(each["destinationArn"]), f"subscription {each['filterName']}") for each in filters),
        )


def trails(reader: Reader) -> Iterator[Holding]:
    """Every trail that was made in this region. What it writes rests in its bucket, and perhaps in a log group."""
    for one in reader.pages("cloudtrail", "describe_trails", "trailList", includeShadowTrails=False):
        arn = str(one["TrailARN"])
        # An organisation's trail is shown to every account; it is its owner's.
        if account_of(arn) != reader.account or one.get("HomeRegion", reader.region) != reader.region:
            continue
        answer = reader.ask("cloudtrail", "list_tags", about=arn, ResourceIdList=[arn]) or {}
        tags = [tag for each in answer.get("ResourceTagList", ()) for tag in each.get("TagsList", ())]
        flows = [Flow(target=f"arn:aws:s3:::{one['S3BucketName']}", by="delivery")] if one.get("S3BucketName") else []
        if one.get("CloudWatchLogsLogGroupArn"):
            flows.append(_flow(str(one["CloudWatchLogsLogGroupArn"]), "delivery"))
        yield holding(
            reader,
            "cloudtrail:trail",
            arn,
            {str(tag["Key"]): str(tag.get("Value", "")) for tag in tags},
            encryption=Encryption.by(one.get("KmsKeyId"), otherwise=KeyKind.PROVIDER),
            flows=tuple(flows),
        )


def _flow(arn: str, by: str) -> Flow:
    parts = arn.split(":")
    return Flow(target=arn, by=by, region=parts[3] or None if len(parts) > 3 else None, account=account_of(arn))
