"""What every view is made of: tables, marks of confidence, sources, values."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from domicile_catalog import Confidence
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
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def mark_of(confidence: Confidence) -> Text:
    mark, style = MARKS[confidence]
    return Text(mark, style=style)


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
    if value is None:
        return "unknown" if confidence is Confidence.UNKNOWN else "none"
    if isinstance(value, tuple):
        return ", ".join(
            f"{one.stake_minor} minor from {one.min_age}" if hasattr(one, "stake_minor") else str(one) for one in value
        )
    return str(value)


def money(minor: int, exponent: int) -> str:
    return f"{Decimal(minor).scaleb(-exponent):.{exponent}f}"


def percent(basis_points: int | None) -> str:
    return "none" if basis_points is None else f"{Decimal(basis_points) / 100:f} % at least"


def or_none(value: int | None, unit: str) -> str:
    return "none" if value is None else f"{value} {unit}"


def spaced(parts: Sequence[RenderableType]) -> list[RenderableType]:
    return [line for part in parts for line in (part, Text())][:-1]
