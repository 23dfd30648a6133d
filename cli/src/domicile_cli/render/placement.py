"""Where one class of data may rest."""

from domicile_catalog import Catalogue, Condition, Placement, Question, Refusal
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from domicile_cli.render.base import legend, new_table, place_line, spaced, verdict_of, warning_lines
from domicile_cli.render.refusal import reasons, refusal


def placement(answer: Placement | Refusal, question: Question, catalogue: Catalogue) -> RenderableType:
    """What was asked, the primary and its copies, what holds of them and what does not, and the reasons."""
    title = _asked(question, catalogue)
    if isinstance(answer, Refusal):
        return Group(title, Text(), refusal(answer), *([legend()] if answer.reasons else []))
    panel = Panel(Group(*_places(answer, catalogue)), title="placed", border_style="green", box=box.ROUNDED)
    why = Group(reasons(answer.reasons), legend())
    return Group(*spaced([title, panel, conditions(answer.conditions), why]))


def conditions(found: tuple[Condition, ...]) -> Table:
    """What a placement is, or is not yet."""
    table = new_table("Conditions", "", "condition", "reason", "message")
    for one in found:
        table.add_row(verdict_of(one.status), one.type, one.reason, one.message)
    return table


def _asked(question: Question, catalogue: Catalogue) -> Text:
    name = catalogue.jurisdictions[question.jurisdiction].name
    asked = f"{question.data_class} of {question.product}"
    if question.backs_up:
        asked += f", of {question.backs_up}"
    if question.player_residence:
        asked += f", of players who live in {question.player_residence}"
    kind = "production" if question.production else "outside production"
    return Text.assemble((f"{question.jurisdiction}  {name}", "bold"), f"  {asked}", (f"  {kind}", "dim"))


def _places(answer: Placement, catalogue: Catalogue) -> list[RenderableType]:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("primary", Text.assemble(("✔ ", "green"), place_line(answer.primary, catalogue)))
    for copy in answer.copies:
        grid.add_row("copy", Text.assemble("  ", place_line(copy.place, catalogue, "green"), f"  for {copy.purpose}"))
    others = [code for code in answer.allowed[1:] if code not in {copy.place for copy in answer.copies}]
    if others:
        more = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
        grid.add_row("also allowed", Text(f"  {more}", style="dim"))
    return [grid, *warning_lines(answer.warnings)]
