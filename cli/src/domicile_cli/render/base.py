"""What every view is made of: tables, marks of confidence, sources, values."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from domicile_catalog import Catalogue, Confidence
from domicile_catalog.forms import Lockout, MoneyCap, Pause, StakeBand, TimeOut
from rich import box
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

MARKS = {
    Confidence.SOURCED: ("●", "green"),
    Confidence.ATTESTED: ("◆", "cyan"),
    Confidence.RECALLED: ("○", "yellow"),
    Confidence.UNKNOWN: ("?", "red"),
}


def new_table(title: str, *columns: str) -> Table:
    """A table as they all look here."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def mark_of(confidence: Confidence) -> Text:
    """How a fact is known, in one character."""
    mark, style = MARKS[confidence]
    return Text(mark, style=style)


def verdict_of(holds: bool) -> Text:
    """Whether something holds, in one character."""
    return Text("✔", style="green") if holds else Text("✘", style="red")


def legend() -> Text:
    """What the marks of confidence mean."""
    return Text.assemble("  ", Text("  ").join(Text.assemble(mark_of(kind), f" {kind}") for kind in MARKS))


def place_line(code: str, catalogue: Catalogue, style: str = "bold green") -> Text:
    """A place with its city and the territory that it stands in."""
    found = catalogue.places[code]
    return Text.assemble((code, style), f"  {found.city}, {found.territory}")


def warning_lines(warnings: Iterable[str]) -> list[Text]:
    """A line for each warning."""
    return [Text(f"! {told}", style="yellow") for told in warnings]


def source_of(source: str | None) -> Text:
    """The first source, short, and linked where the terminal can; --json has all of them in full."""
    if not source:
        return Text("")
    first = source.split()[0]
    host = urlsplit(first).netloc
    if host:
        more = sum(1 for word in source.split()[1:] if "://" in word)
        return Text(f"{host} +{more}" if more else host, style=f"link {first}")
    return Text(source if len(source) <= 48 else f"{source[:47]}…", style="dim")


def spelt(value: Any, confidence: Confidence) -> str:
    """A fact's value in words."""
    if value is None:
        return "unknown" if confidence is Confidence.UNKNOWN else "none"
    return ", ".join(map(_item, value)) if isinstance(value, tuple) else _item(value)


def _item(value: Any) -> str:
    match value:
        case StakeBand():
            return f"{value.stake_minor} minor from {value.min_age}"
        case MoneyCap():
            return f"{value.amount_minor} minor a {value.period}" + (f" from {value.min_age}" if value.min_age else "")
        case Pause():
            return f"{value.minutes} minutes after {value.after_minutes}"
        case TimeOut():
            least = f"{value.minimum_hours} hours at least" if value.minimum_hours else ""
            most = f"{value.maximum_hours} hours at most" if value.maximum_hours else ""
            return ", ".join(filter(None, (least, most))) or "as the operator offers"
        case Lockout():
            return "until a reset" if value.minutes is None else f"{value.minutes} minutes"
        case _:
            return str(value)


def money(minor: int, exponent: int) -> str:
    """Minor units as the currency writes them, without its sign."""
    return f"{Decimal(minor).scaleb(-exponent):.{exponent}f}"


def percent(basis_points: int | None) -> str:
    """A least percentage, of basis points."""
    return "none" if basis_points is None else f"{Decimal(basis_points) / 100:f} % at least"


def or_none(value: int | None, unit: str) -> str:
    """A value and its unit, or that there is none."""
    return "none" if value is None else f"{value} {unit}"


def spaced(parts: Sequence[RenderableType]) -> list[RenderableType]:
    """The parts with an empty line between them."""
    return [line for part in parts for line in (part, Text())][:-1]
