"""A jurisdiction, and where a tenant may live there."""

from collections.abc import Mapping

from domicile_catalog import (
    Catalogue,
    ClassPlacement,
    Confidence,
    DataClass,
    ExplainedFact,
    Explanation,
    Refusal,
    Rest,
    Rules,
    TenantPlacement,
)
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from domicile_cli.render.base import MARKS, mark_of, money, new_table, or_none, percent, source_of, spaced, spelt


def explanation(told: Explanation, catalogue: Catalogue) -> RenderableType:
    """All of a jurisdiction: the decision first, then what it rests on."""
    kind = "production" if told.production else "outside production"
    title = Text.assemble((f"{told.jurisdiction}  {told.name}", "bold"), (f"  {kind}", "dim"))
    parts: list[RenderableType] = [title, decision(told.decision, catalogue, classes=False), _facts(told)]
    if told.resting_places is not None:
        parts.append(_resting_places(told.resting_places, len(catalogue.implicit_places)))
    parts.append(_rules(told.rules) if told.rules else Text(f"No rules of play: {told.rules_refused}", style="red"))
    parts.append(Text(f"catalogue {told.catalogue_version[:12]}", style="dim"))
    return Group(*spaced(parts))


def decision(decided: TenantPlacement | Refusal, catalogue: Catalogue, *, classes: bool = True) -> RenderableType:
    """The place that was chosen, or the refusal with its law, its rule and its remedy."""
    if isinstance(decided, Refusal):
        return _refusal(decided)
    chosen = catalogue.places[decided.place]
    line = Text.assemble(
        ("✔ ", "green"),
        (decided.place, "bold green"),
        f"  {chosen.city}, {chosen.territory}",
        "" if decided.attested else ("   not attested", "yellow"),
    )
    warnings = [Text(f"! {told}", style="yellow") for told in (*decided.expiring, *decided.warnings)]
    panel = Panel(Group(line, *warnings), title="placed", border_style="green", box=box.ROUNDED)
    if not classes:
        return panel
    return Group(panel, _resting_places(decided.by_data_class, None))


def _refusal(refusal: Refusal) -> Panel:
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row("why", Text(refusal.message))
    if refusal.law:
        grid.add_row("law", Text(refusal.law))
    if refusal.rule and refusal.confidence:
        says = f"{refusal.rule}: {refusal.value}" if refusal.value else refusal.rule
        grid.add_row("rule", Text.assemble(mark_of(refusal.confidence), " ", says, " ", source_of(refusal.source)))
    grid.add_row("remedy", Text(refusal.remedy, style="bold"))
    if len(refusal.needs) > 1:
        grid.add_row("needed", Text(f"sourced or attested: {', '.join(refusal.needs)}"))
    for warning in refusal.warnings:
        grid.add_row("warning", Text(warning, style="yellow"))
    return Panel(grid, title=f"✘ {refusal.code}", border_style="red", box=box.ROUNDED)


def _facts(told: Explanation) -> RenderableType:
    table = new_table("Facts", "", "fact", "value", "source")
    for fact in told.facts:
        if fact.confidence is Confidence.UNKNOWN:
            continue
        value = Text(spelt(fact.value, fact.confidence))
        for remark in (_when(fact), fact.clause, fact.note):
            if remark:
                value.append(f"\n{remark}", style="dim")
        for other in fact.others:
            value.append(f"\nalso read: {spelt(other.value, other.confidence)}, {other.source}", style="yellow")
        table.add_row(mark_of(fact.confidence), fact.name, value, source_of(fact.source))
    legend = Text("  ").join(Text.assemble(mark_of(kind), f" {kind}") for kind in MARKS)
    unknown = [fact.name for fact in told.facts if fact.confidence is Confidence.UNKNOWN]
    lacks = Text(f"  not known: {', '.join(unknown)}", style="red") if unknown else Text()
    return Group(table, Text.assemble("  ", legend), lacks)


def _when(fact: ExplainedFact) -> str:
    begins = f"from {fact.valid_from}" if fact.valid_from else ""
    ends = f"until {fact.valid_to}" if fact.valid_to else ""
    return " ".join(filter(None, (begins, ends)))


def _resting_places(rests: Mapping[DataClass, Rest], everywhere: int | None) -> Table:
    table = new_table("Where each class of data may rest", "data class", "scope", "places", "because")
    for data_class, rest in rests.items():
        table.add_row(data_class, rest.scope, _places(rest, everywhere), Text(rest.why, style="dim"))
    return table


def _places(rest: Rest, everywhere: int | None) -> Text:
    if not rest.allowed:
        return Text("nowhere: needs a site", style="red")
    if isinstance(rest, ClassPlacement):
        others = [code for code in rest.allowed if code != rest.place]
        more = f"  or {', '.join(others)}" if 0 < len(others) <= 5 else f"  or {len(others)} more" if others else ""
        return Text.assemble((rest.place, "green"), (more, "dim"))
    if len(rest.allowed) == everywhere:
        return Text(f"any of {everywhere}")
    return Text(", ".join(rest.allowed))


def _rules(rules: Rules) -> Table:
    table = new_table("Rules that bind play", "", "rule", "value", "source")
    for rule, value in (
        ("min_age_years", str(rules.min_age_years)),
        ("slot_max_stake", stakes(rules)),
        ("slot_min_cycle_ms", or_none(rules.slot_min_cycle_ms, "ms a spin at least")),
        ("rtp_minimum_basis_points", percent(rules.rtp_minimum_basis_points)),
        ("session_idle_timeout_s", or_none(rules.session_idle_timeout_s, "s idle at most")),
        ("record_retention_years", or_none(rules.record_retention_years, "years")),
        ("currency", rules.currency),
        ("timezone", rules.timezone),
    ):
        confidence = rules.confidence[rule]
        known = confidence is not Confidence.UNKNOWN or value != "none"
        table.add_row(mark_of(confidence), rule, value if known else "unknown", source_of(rules.sources.get(rule)))
    return table


def stakes(rules: Rules) -> str:
    if rules.slot_max_stake is None:
        return "none"
    return ", ".join(
        f"{rules.currency} {money(band.stake_minor, rules.currency_exponent)} from {band.min_age_years}"
        for band in rules.slot_max_stake
    )
