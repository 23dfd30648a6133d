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
    TenantPlacement,
)
from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from domicile_cli.render.base import legend, mark_of, new_table, place_line, source_of, spaced, spelt, warning_lines
from domicile_cli.render.refusal import refusal
from domicile_cli.render.rules import rules


def explanation(told: Explanation, catalogue: Catalogue, candidates: tuple[str, ...] | None = None) -> RenderableType:
    """All of a jurisdiction, as it was asked of the candidates: the decision first, then what it rests on."""
    kind = "production" if told.production else "outside production"
    title = Text.assemble((f"{told.jurisdiction}  {told.name}", "bold"), (f"  {kind}", "dim"))
    parts: list[RenderableType] = [title, decision(told.decision, catalogue, classes=False), _facts(told)]
    if told.resting_places is not None:
        among = catalogue.implicit_places if candidates is None else candidates
        parts.append(_resting_places(told.resting_places, len(among)))
    parts.append(rules(told.rules) if told.rules else Text(f"No rules of play: {told.rules_refused}", style="red"))
    parts.append(Text(f"catalogue {told.catalogue_version[:12]}", style="dim"))
    return Group(*spaced(parts))


def decision(decided: TenantPlacement | Refusal, catalogue: Catalogue, *, classes: bool = True) -> RenderableType:
    """The place that was chosen, or the refusal with its law, its rule and its remedy."""
    if isinstance(decided, Refusal):
        return refusal(decided)
    attested = "" if decided.attested else ("   not attested", "yellow")
    line = Text.assemble(("✔ ", "green"), place_line(decided.place, catalogue), attested)
    warnings = warning_lines((*decided.expiring, *decided.warnings))
    panel = Panel(Group(line, *warnings), title="placed", border_style="green", box=box.ROUNDED)
    if not classes:
        return panel
    return Group(panel, _resting_places(decided.by_data_class, None))


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
            value.append(
                f"\nalso read: {spelt(other.value, other.confidence)}, {other.source or other.confidence}",
                style="yellow",
            )
        table.add_row(mark_of(fact.confidence), fact.name, value, source_of(fact.source))
    unknown = [fact.name for fact in told.facts if fact.confidence is Confidence.UNKNOWN]
    lacks = Text(f"not known: {', '.join(unknown)}", style="red") if unknown else Text()
    return Group(table, legend(), Padding(lacks, (0, 0, 0, 2)))


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
