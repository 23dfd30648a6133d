"""How a checked plan looks: what stops it first, then what is told, then what was let through."""

from collections.abc import Iterable, Sequence

from domicile_policies.plan.resource import Plan, name_of
from domicile_policies.plan.rule import Finding, Rule
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text


def findings_table(plan: Plan, findings: Sequence[Finding]) -> RenderableType:
    """The findings of a plan, each with its rule and its remedy."""
    stopping = [one for one in findings if one.stops]
    waived = [one for one in findings if one.waived is not None]
    told = [one for one in findings if not one.stops and one.waived is None]
    table = Table.grid(padding=(0, 1))
    for one in stopping:
        table.add_row(Text("✗", style="red"), Text(name_of(one.urn), style="bold"), Text(one.message))
    for one in told:
        table.add_row(Text("·", style="yellow"), Text(name_of(one.urn)), Text(one.message))
    for one in waived:
        let_through = Text(f"{one.text} (rule {one.rule.id}); let through: {one.waived}", style="dim")
        table.add_row(Text("~", style="dim"), Text(name_of(one.urn), style="dim"), let_through)
    counted = f"{len(stopping)} stop it, {len(told)} told, {len(waived)} let through"
    head = Text.assemble((f"{plan.stack}: ", "bold"), f"{len(plan.resources)} resources; {counted}")
    return Group(head, table)


def rules_table(rules: Iterable[Rule]) -> RenderableType:
    """Every rule: its id, whether it stops an update, what it demands."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("rule", "enforcement", "what it demands"):
        table.add_column(heading)
    for one in rules:
        table.add_row(one.id, one.enforcement.value, one.title)
    return table
