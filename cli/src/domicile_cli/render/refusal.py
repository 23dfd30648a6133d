"""A refusal, and the chain of reasons that led to an answer."""

from collections.abc import Iterable

from domicile_catalog import Reason, Refusal
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from domicile_cli.render.base import mark_of, new_table, source_of


def refusal(refused: Refusal) -> RenderableType:
    """Why, by which law and rule, what to do about it, and what led there."""
    panel = refusal_panel(refused)
    return Group(panel, Text(), reasons(refused.reasons, "What led there")) if refused.reasons else panel


def refusal_panel(refused: Refusal, where: str = "") -> Panel:
    """Why, by which law and rule, and what to do about it; `where` is what of a manifest is at fault."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    if where:
        grid.add_row("at", Text(where))
    grid.add_row("why", Text(refused.message))
    if refused.law:
        grid.add_row("law", Text(refused.law))
    if refused.rule and refused.confidence:
        says = f"{refused.rule}: {refused.value}" if refused.value else refused.rule
        grid.add_row("rule", Text.assemble(mark_of(refused.confidence), " ", says, " ", source_of(refused.source)))
    grid.add_row("remedy", Text(refused.remedy, style="bold"))
    if len(refused.needs) > 1:
        grid.add_row("needed", Text(f"sourced or attested: {', '.join(refused.needs)}"))
    for warning in refused.warnings:
        grid.add_row("warning", Text(warning, style="yellow"))
    return Panel(grid, title=f"✘ {refused.code}", border_style="red", box=box.ROUNDED)


def reasons(chain: Iterable[Reason], title: str = "Why") -> Table:
    """The links in their order, and for those that rest on a fact how it is known and where it stands."""
    table = new_table(title, "", "reason", "source")
    for link in chain:
        text = Text.assemble(link.text, (f"\n{link.clause}" if link.clause else "", "dim"))
        table.add_row(mark_of(link.confidence) if link.confidence else "", text, source_of(link.source))
    return table
