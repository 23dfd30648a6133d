"""The fleet's table: as kubectl's, so that `grep` and `awk` take it, and coloured in a terminal."""

from collections.abc import Sequence

from rich.console import Console

from domicile_kubectl.listing import HEADINGS, WIDE, Row, cells

LICENCE_SOON = 30
"""Days: less is marked."""


def print_table(console: Console, found: Sequence[Row], wide: bool) -> None:
    """Print the rows, each on one line however narrow the terminal is."""
    headings = [*HEADINGS, *WIDE] if wide else list(HEADINGS)
    table = [cells(row, wide) for row in found]
    widths = [max(len(line[at]) for line in [headings, *table]) for at in range(len(headings))]

    def line(of: Sequence[str]) -> str:
        return "   ".join(cell.ljust(width) for cell, width in zip(of, widths, strict=True)).rstrip()

    console.print(line(headings), soft_wrap=True, style="bold")
    for row, of in zip(found, table, strict=True):
        console.print(line(of), soft_wrap=True, style=_style(row))


def print_plain(console: Console, headings: Sequence[str], lines: Sequence[Sequence[str]]) -> None:
    """Print lines under headings, each on one line however narrow the terminal is."""
    widths = [max(len(line[at]) for line in [headings, *lines]) for at in range(len(headings))]
    for at, of in enumerate([headings, *lines]):
        text = "   ".join(cell.ljust(width) for cell, width in zip(of, widths, strict=True)).rstrip()
        console.print(text, soft_wrap=True, style="" if at else "bold", markup=False, highlight=False)


def _style(row: Row) -> str:
    if row.ready != "True":
        return "red" if row.ready == "False" else "yellow"
    soon = row.licence_days is not None and row.licence_days < LICENCE_SOON
    return "yellow" if soon or row.paused or row.lawful_until or row.state != "Live" else ""
