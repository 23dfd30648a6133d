"""The fleet's table: as kubectl's, so that `grep` and `awk` take it, and coloured in a terminal."""

from collections.abc import Sequence

from rich.console import Console

from domicile_kubectl.listing import HEADINGS, WIDE, Row, cells

LICENCE_SOON = 30
"""Days: less is marked."""


def print_table(console: Console, found: Sequence[Row], wide: bool) -> None:
    """Print the rows."""
    headings = [*HEADINGS, *WIDE] if wide else HEADINGS
    print_lines(console, headings, [(cells(row, wide), _style(row)) for row in found])


def print_lines(console: Console, headings: Sequence[str], lines: Sequence[tuple[Sequence[str], str]]) -> None:
    """Print lines, each with its style, under headings: on one line each, however narrow the terminal is."""
    styled = [(headings, "bold"), *lines]
    widths = [max(map(len, column)) for column in zip(*(of for of, _ in styled), strict=True)]
    for of, style in styled:
        text = "   ".join(cell.ljust(width) for cell, width in zip(of, widths, strict=True)).rstrip()
        console.print(text, soft_wrap=True, style=style)


def _style(row: Row) -> str:
    if row.ready != "True":
        return "red" if row.ready == "False" else "yellow"
    soon = row.licence_days is not None and row.licence_days < LICENCE_SOON
    return "yellow" if soon or row.paused or row.lawful_until or row.state != "Live" else ""
