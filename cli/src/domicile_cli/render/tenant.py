"""A tenant's manifest, explained."""

from collections.abc import Sequence

from domicile_catalog import Catalogue, Condition, ConditionType, Placement, Refusal, TenantPlacement
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from domicile_cli.explanation import ClassAnswer, FileExplanation, LicenceStanding, TenantExplanation
from domicile_cli.render.base import (
    legend,
    mark_of,
    new_table,
    place_line,
    source_of,
    spaced,
    verdict_of,
    warning_lines,
)
from domicile_cli.render.refusal import refusal_panel
from domicile_cli.render.rules import spelt_rules


def file_explanation(told: FileExplanation, catalogue: Catalogue) -> RenderableType:
    """What the tenants of a file were decided by, each tenant, and every fault of the file."""
    parts: list[RenderableType] = [_environment(told)]
    parts += [_tenant(one, told.file, catalogue) for one in told.tenants]
    if told.faults:
        parts.append(Text("\n").join(Text(f"✘ {fault}", style="red") for fault in told.faults))
    count = len(told.faults) + sum(len(one.stops) for one in told.tenants)
    found = f"{count} {'thing' if count == 1 else 'things'} to put right" if count else "lawful"
    verdict = Text.assemble((found, "bold red" if count else "bold green"))
    parts.append(Text.assemble(verdict, (f"   catalogue {told.catalogue_version[:12]}", "dim")))
    return Group(*spaced(parts))


def _environment(told: FileExplanation) -> Text:
    kind = "production" if told.production else "outside production"
    if told.environment is None:
        return Text(f"In no environment: decided {kind}, without attestations.", style="dim")
    counted = f"{told.attestations} {'attestation' if told.attestations == 1 else 'attestations'}"
    return Text(f"In the environment {told.environment} ({told.folder}): {kind}, {counted}.", style="dim")


def _tenant(told: TenantExplanation, file: str, catalogue: Catalogue) -> RenderableType:
    where = f"{told.jurisdiction} {told.jurisdiction_name}" if told.jurisdiction_name else told.jurisdiction
    title = Text.assemble((f"{told.tenant}  {told.brand}", "bold"), f"  {where}", (f"  {file}, on {told.on}", "dim"))
    parts: list[RenderableType] = [title, _summary(told, catalogue)]
    parts += [refusal_panel(stop.refusal, where=stop.path) for stop in told.stops]
    if any(isinstance(one.answer, Placement) for one in told.placements):
        lacking = _lacking(told.placements)
        parts += [_placements(told), *([lacking] if lacking else [])]
    if told.rules and told.law:
        parts.append(Group(_rules(told), legend()))
    return Group(*spaced(parts))


def _summary(told: TenantExplanation, catalogue: Catalogue) -> Panel:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    if isinstance(told.decision, TenantPlacement):
        place = Text.assemble(("✔ ", "green"), place_line(told.decision.place, catalogue))
        place.append("" if told.decision.attested else "   not attested", style="yellow")
    else:
        place = Text.assemble(("✘ ", "red"), ("nowhere", "bold red"), f"  {told.decision.code}")
    grid.add_row("place", place)
    grid.add_row("licence", _licence(told.licence))
    grid.add_row("products", Text(f"  {', '.join(told.products)}"))
    title, style = ("lawful", "green") if told.lawful else ("refused", "red")
    shown = {one.message for _, one in _conditions(told.placements) if not one.status}
    in_panels = {warning for stop in told.stops for warning in stop.refusal.warnings}
    warnings = [warning for warning in told.warnings if warning not in shown | in_panels]
    return Panel(Group(grid, *warning_lines(warnings)), title=title, border_style=style, box=box.ROUNDED)


def _licence(licence: LicenceStanding) -> Text:
    days = f"{abs(licence.days_left)} {'day' if abs(licence.days_left) == 1 else 'days'}"
    left = f"{days} left" if licence.valid else f"{days} ago"
    until = f"{licence.number}, {licence.holder}, until {licence.valid_until} ({left})"
    return Text.assemble(verdict_of(licence.valid), " ", until)


def _placements(told: TenantExplanation) -> Table:
    """A line for each class; where products differ in more than their reasons, for each of their answers.

    A product that no class of data may be kept for has its refusal, and no lines.
    """
    table = new_table("Where its data rests", "data class", "primary", "copies", *ConditionType, "because")
    placeable = {one.product for one in told.placements if isinstance(one.answer, Placement)}
    shown = [one for one in told.placements if one.product in placeable]
    for data_class in dict.fromkeys(one.data_class for one in shown):
        answers: dict[str, list[ClassAnswer]] = {}
        for one in shown:
            if one.data_class is data_class:
                answers.setdefault(_but_for_reasons(one.answer), []).append(one)
        for alike in answers.values():
            among = "" if len(answers) == 1 else f" ({', '.join(one.product for one in alike)})"
            table.add_row(f"{data_class}{among}", *_row(alike[0]))
    return table


def _but_for_reasons(answer: Placement | Refusal) -> str:
    return answer.model_dump_json(exclude={"reasons", "warnings"})


def _row(one: ClassAnswer) -> list[Text]:
    answer = one.answer
    if isinstance(answer, Refusal):
        unmet = [Text("-")] * len(ConditionType)
        return [Text("✘ nowhere", style="red"), Text(), *unmet, Text(answer.code, style="red")]
    copies = Text("\n").join(Text(f"{copy.place}, {copy.purpose}") for copy in answer.copies)
    met = [verdict_of(found.status) if (found := answer.condition(kind)) else Text("-") for kind in ConditionType]
    chain = next((link.text for link in answer.reasons if link.text.startswith(f"{one.data_class} may rest ")), "")
    why = chain.removeprefix(f"{one.data_class} may rest ")
    return [Text(answer.primary, style="green"), copies, *met, Text(why, style="dim")]


def _conditions(answers: Sequence[ClassAnswer]) -> list[tuple[ClassAnswer, Condition]]:
    placed = [(one, one.answer) for one in answers if not isinstance(one.answer, Refusal)]
    return [(one, condition) for one, answer in placed for condition in answer.conditions]


def _lacking(answers: Sequence[ClassAnswer]) -> Table | None:
    """What does not hold, once for all the classes of which it is true."""
    classes: dict[tuple[str, str, str], list[str]] = {}
    for one, condition in _conditions(answers):
        if not condition.status:
            message = condition.message.replace(f" {one.data_class}:", " it:")
            classes.setdefault((condition.type, condition.reason, message), []).append(one.data_class)
    if not classes:
        return None
    table = new_table("Conditions that do not hold", "", "condition", "reason", "of", "message")
    for (kind, reason, message), of in classes.items():
        table.add_row(verdict_of(False), kind, reason, ", ".join(dict.fromkeys(of)), message)
    return table


def _rules(told: TenantExplanation) -> Table:
    assert told.rules and told.law
    table = new_table("Rules that bind its play", "", "rule", "value", "source")
    law = spelt_rules(told.law)
    for rule, value in spelt_rules(told.rules).items():
        by = [f"{one.limit} {one.value}" for one in told.limits if rule in one.tightens and not one.refused]
        remark = f"\ntightened by {' and '.join(by)}; the law: {law[rule]}" if by else ""
        cell = Text.assemble(value, (remark, "cyan"))
        table.add_row(mark_of(told.rules.confidence[rule]), rule, cell, source_of(told.rules.sources.get(rule)))
    idle = [f"{one.limit} {one.value}" for one in told.limits if not one.tightens and not one.refused]
    if idle:
        table.caption, table.caption_justify = f"  tightens nothing: {', '.join(idle)}", "left"
    return table
