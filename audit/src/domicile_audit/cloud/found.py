"""Makes a holding of what a collector found: its classes from its tags, or else from its type."""

from collections.abc import Mapping
from typing import Any

from domicile_audit.cloud.reader import Reader
from domicile_audit.holding import Holding, tagged_classes, tagged_jurisdictions
from domicile_audit.kinds import KINDS


def holding(reader: Reader, kind: str, arn: str, tags: Mapping[str, str] | None, **given: Any) -> Holding:
    """A holding of a kind, classified by its tags or else by its type. `region` may be given, or is the reader's."""
    classes = tagged_classes(tags or {})
    return Holding(
        type=kind,
        arn=arn,
        account=reader.account,
        region=given.pop("region", reader.region),
        data_classes=classes or KINDS[kind].classes,
        classified_by="tag" if classes else "type",
        jurisdictions=tagged_jurisdictions(tags or {}),
        tags=None if tags is None else dict(tags),
        copy_of_data=KINDS[kind].is_copy,
        **given,
    )
