"""What the catalogue lacks, and where its sources disagree."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from domicile_catalog import Catalogue, Confidence, Conflict, Finding, Gap, Resolution
from rich.console import Group, RenderableType
from rich.text import Text

from domicile_cli.blocking import Blocking
from domicile_cli.render.base import mark_of, new_table, spelt, warning_lines


def blocking(found: Blocking) -> RenderableType:
    """The gaps that stop tenants, those that stop most of them first."""
    parts: list[RenderableType] = []
    among = f"{_count(found.tenants, 'tenant')} in {_count(len(found.environments), 'environment')}"
    if found.blocked:
        table = new_table("Gaps that block tenants", "fact", "jurisdiction", "confidence", "tenants", "environments")
        for one in found.blocked:
            known = Text.assemble(mark_of(one.gap.confidence), f" {one.gap.confidence}")
            names = ", ".join(dict.fromkeys(tenant for _, tenant in one.tenants))
            environments = ", ".join(dict.fromkeys(environment for environment, _ in one.tenants))
            table.add_row(one.gap.fact, one.gap.jurisdiction, known, names, environments)
        blocked = len({tenant for one in found.blocked for tenant in one.tenants})
        parts += [table, Text(f"  they block {blocked} of {among}", style="dim")]
    elif found.environments:
        parts.append(Text(f"No gap blocks any of {among}.", style="green"))
    else:
        text = "There is no environment below ./environments: which tenants a gap blocks is not known."
        parts.append(Text(text, style="dim"))
    parts += warning_lines(
        f"{read.name} has {_count(len(read.faults), 'fault')}, and what could not be read is not counted: "
        "`domicile validate` lists them."
        for read in found.environments
        if read.faults
    )
    return Group(*parts, Text())


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


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
