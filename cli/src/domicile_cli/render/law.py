"""Law that changes, and what that means for tenants."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from domicile_catalog import Change, Confidence, Impact
from rich.console import Group, RenderableType
from rich.text import Text

from domicile_cli.render.base import new_table, source_of, spelt
from domicile_cli.validation import Folder


def law_changes(found: Sequence[Change], code: str, after: date, until: date) -> RenderableType:
    """What changed in the law of a jurisdiction, in the order of the days."""
    if not found:
        return Text(f"Nothing that the catalogue knows of changed in {code} after {after} and until {until}.")
    table = new_table(f"{code} after {after} and until {until}", "day", "fact", "before", "after", "source")
    for change in found:
        source = Text.assemble(source_of(change.source), f"\n{change.clause}" if change.clause else "")
        table.add_row(
            str(change.day),
            change.fact,
            _plain(change.before, change.before_known),
            _plain(change.after, change.after_known),
            source,
        )
    return table


def impacts(told: Sequence[tuple[Folder, Sequence[Impact]]], on: date) -> RenderableType:
    """What a day's law means, an environment after the other."""
    parts: list[RenderableType] = []
    for read, found in told:
        if not found:
            count = len(read.tenants)
            parts.append(Text(f"{read.name}: nothing changes on {on} for its {count} tenants.", style="green"))
            continue
        table = new_table(read.name, "", "tenant", "place", "until", "what must happen")
        for one in found:
            mark = Text("✘", style="red") if one.unlawful else Text("●", style="yellow")
            moved = (
                one.place if one.place == one.place_after else f"{one.place or 'none'} → {one.place_after or 'none'}"
            )
            table.add_row(mark, one.tenant, moved, one.effective.strftime("%Y-%m-%d %H:%M UTC"), "\n".join(one.must))
        parts.append(table)
    return Group(*parts)


def _plain(value: Any, known: bool) -> str:
    return spelt(value, Confidence.SOURCED if known else Confidence.UNKNOWN)
