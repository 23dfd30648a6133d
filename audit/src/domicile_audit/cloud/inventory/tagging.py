"""The list of everything that bears tags, to hold against what the collectors found."""

from collections.abc import Iterator

from domicile_audit.cloud.reader import Reader, tag_mapping
from domicile_audit.holding import Tagged


def tagged(reader: Reader) -> Iterator[Tagged]:
    """Everything that the tagging API lists in the region."""
    for one in reader.pages("resourcegroupstaggingapi", "get_resources", "ResourceTagMappingList"):
        yield Tagged(
            arn=str(one["ResourceARN"]),
            account=reader.account,
            region=reader.region,
            tags=tag_mapping(one.get("Tags")),
        )
