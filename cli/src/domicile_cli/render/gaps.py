"""What the catalogue lacks, and where its sources disagree."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from domicile_catalog import Catalogue, Confidence, Conflict, Finding, Gap, Resolution
from rich.console import Group, RenderableType
from rich.text import Text

from domicile_cli.render.base import new_table, spelt


def gaps(found: Sequence[Gap], catalogue: Catalogue) -> RenderableType:
    """A line for each jurisdiction: how much is known, and which gaps stop something."""
    table = new_table("Gaps", "code", "jurisdiction", "recalled", "unknown", "what the gaps stop")
    for code, jurisdiction in sorted(catalogue.jurisdictions.items()):
        mine = [gap for gap in found if gap.jurisdiction == code]
        count = Counter(gap.confidence for gap in mine)
        table.add_row(
            code,
            jurisdiction.name,
            str(count[Confidence.RECALLED]),
            str(count[Confidence.UNKNOWN]),
            _stopped(mine),
        )
    every = Counter(gap.confidence for gap in found)
    total = f"{every[Confidence.RECALLED]} recalled, {every[Confidence.UNKNOWN]} unknown"
    return Group(table, Text(f"  {total}, in {len(catalogue.jurisdictions)} jurisdictions", style="dim"))


def conflicts(found: Sequence[Conflict]) -> RenderableType:
    """Sources that disagree: what binds and why, and what else was read."""
    table = new_table(f"{len(found)} facts of which sources disagree", "code", "fact", "binds", "because", "others")
    reasons = {
        Resolution.AUTHORITY: "more authority",
        Resolution.STRICTNESS: "stricter",
        Resolution.ORDER: "newer, or first",
    }
    for one in found:
        others = Text("\n").join(_said(other) for other in one.others)
        table.add_row(one.jurisdiction, one.fact, _said(one.binds), reasons[one.because], others)
    return table


def _said(finding: Finding[Any]) -> Text:
    kind = f" ({finding.source_kind})" if finding.source_kind else ""
    return Text.assemble(spelt(finding.value, finding.confidence), (kind, "dim"))


def _stopped(mine: Iterable[Gap]) -> Text:
    by_what: dict[str, list[str]] = {}
    for gap in mine:
        if gap.stops:
            by_what.setdefault(gap.stops, []).append(gap.fact)
    return Text("; ".join(f"{what}: {', '.join(facts)}" for what, facts in by_what.items()))
