"""What bears tags and was found by no collector: of a type that nobody reads, or that its service does not list.

Pure.
"""

from collections.abc import Iterator

from domicile_audit.holding import Holding, Survey, Tagged, tagged_classes
from domicile_audit.kinds import HOLDS_NOTHING, KINDS, type_of
from domicile_audit.rules import Finding, Severity, finding


def unexplained(survey: Survey) -> Iterator[Finding]:
    """A finding for each tagged thing that no collector found and that may hold data."""
    known = {one.arn for one in survey.holdings} | {one.arn for one in survey.keys}
    for one in survey.tagged:
        kind = type_of(one.arn)
        if one.arn.removesuffix(":*") in known or kind in HOLDS_NOTHING:
            continue
        if kind in KINDS:
            told = "The tagging API lists it, and its own service does not."
            yield finding("listed-only-by-tags", _as_holding(one, kind), told, severity=Severity.WARNING)
            continue
        classes = tagged_classes(one.tags)
        holds = f", and its tag says that it holds {', '.join(classes)}" if classes else ""
        yield finding(
            "unknown-type",
            _as_holding(one, kind),
            f"It is of a type that the audit does not read ({kind}){holds}.",
            severity=Severity.VIOLATION if classes else Severity.WARNING,
        )


def _as_holding(one: Tagged, kind: str) -> Holding:
    return Holding(
        type=kind,
        arn=one.arn,
        account=one.account,
        region=one.region,
        data_classes=tagged_classes(one.tags),
        classified_by="tag",
        tags=one.tags,
    )
