"""Turns the catalogue's answers into what a person reads in a terminal. Pure: values in, renderables out."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from domicile_catalog import (
    Catalogue,
    Change,
    ClassPlacement,
    Confidence,
    Conflict,
    DataClass,
    ExplainedFact,
    Explanation,
    Finding,
    Gap,
    Impact,
    Refusal,
    Resolution,
    Rest,
    Rules,
    TenantPlacement,
)
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from domicile_cli.validation import Folder, Report

MARKS = {
    Confidence.SOURCED: ("●", "green"),
    Confidence.ATTESTED: ("◆", "cyan"),
    Confidence.RECALLED: ("○", "yellow"),
    Confidence.UNKNOWN: ("?", "red"),
}


def explanation(told: Explanation, catalogue: Catalogue) -> RenderableType:
    """All of a jurisdiction: the decision first, then what it rests on."""
    kind = "production" if told.production else "outside production"
    title = Text.assemble((f"{told.jurisdiction}  {told.name}", "bold"), (f"  {kind}", "dim"))
    parts: list[RenderableType] = [title, decision(told.decision, catalogue, classes=False), _facts(told)]
    if told.resting_places is not None:
        parts.append(_resting_places(told.resting_places, len(catalogue.implicit_places)))
    parts.append(_rules(told.rules) if told.rules else Text(f"No rules of play: {told.rules_refused}", style="red"))
    parts.append(Text(f"catalogue {told.catalogue_version[:12]}", style="dim"))
    return Group(*_spaced(parts))


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
        grid.add_row("rule", Text.assemble(_mark(refusal.confidence), " ", says, " ", _source(refusal.source)))
    grid.add_row("remedy", Text(refusal.remedy, style="bold"))
    if len(refusal.needs) > 1:
        grid.add_row("needed", Text(f"sourced or attested: {', '.join(refusal.needs)}"))
    for warning in refusal.warnings:
        grid.add_row("warning", Text(warning, style="yellow"))
    return Panel(grid, title=f"✘ {refusal.code}", border_style="red", box=box.ROUNDED)


def _facts(told: Explanation) -> RenderableType:
    table = _table("Facts", "", "fact", "value", "source")
    for fact in told.facts:
        if fact.confidence is Confidence.UNKNOWN:
            continue
        value = Text(_value(fact.value, fact.confidence))
        for remark in (_when(fact), fact.clause, fact.note):
            if remark:
                value.append(f"\n{remark}", style="dim")
        for other in fact.others:
            value.append(f"\nalso read: {_value(other.value, other.confidence)}, {other.source}", style="yellow")
        table.add_row(_mark(fact.confidence), fact.name, value, _source(fact.source))
    legend = Text("  ").join(Text.assemble(_mark(kind), f" {kind}") for kind in MARKS)
    unknown = [fact.name for fact in told.facts if fact.confidence is Confidence.UNKNOWN]
    lacks = Text(f"  not known: {', '.join(unknown)}", style="red") if unknown else Text()
    return Group(table, Text.assemble("  ", legend), lacks)


def _when(fact: ExplainedFact) -> str:
    begins = f"from {fact.valid_from}" if fact.valid_from else ""
    ends = f"until {fact.valid_to}" if fact.valid_to else ""
    return " ".join(filter(None, (begins, ends)))


def _resting_places(rests: Mapping[DataClass, Rest], everywhere: int | None) -> Table:
    table = _table("Where each class of data may rest", "data class", "scope", "places", "because")
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
    table = _table("Rules that bind play", "", "rule", "value", "source")
    for rule, value in (
        ("min_age_years", str(rules.min_age_years)),
        ("slot_max_stake", _stakes(rules)),
        ("slot_min_cycle_ms", _or_none(rules.slot_min_cycle_ms, "ms a spin at least")),
        ("rtp_minimum_basis_points", _percent(rules.rtp_minimum_basis_points)),
        ("session_idle_timeout_s", _or_none(rules.session_idle_timeout_s, "s idle at most")),
        ("record_retention_years", _or_none(rules.record_retention_years, "years")),
        ("currency", rules.currency),
        ("timezone", rules.timezone),
    ):
        confidence = rules.confidence[rule]
        known = confidence is not Confidence.UNKNOWN or value != "none"
        table.add_row(_mark(confidence), rule, value if known else "unknown", _source(rules.sources.get(rule)))
    return table


def gaps(found: Sequence[Gap], catalogue: Catalogue) -> RenderableType:
    """A line for each jurisdiction: how much is known, and which gaps stop something."""
    table = _table("Gaps", "code", "jurisdiction", "recalled", "unknown", "what the gaps stop")
    for code, jurisdiction in sorted(catalogue.jurisdictions.items()):
        mine = [gap for gap in found if gap.jurisdiction == code]
        count = Counter(gap.confidence for gap in mine)
        table.add_row(
            code,
            jurisdiction.name,
            str(count[Confidence.RECALLED]),
            str(count[Confidence.UNKNOWN]),
            _stopped(mine),
        )
    every = Counter(gap.confidence for gap in found)
    total = f"{every[Confidence.RECALLED]} recalled, {every[Confidence.UNKNOWN]} unknown"
    return Group(table, Text(f"  {total}, in {len(catalogue.jurisdictions)} jurisdictions", style="dim"))


def conflicts(found: Sequence[Conflict]) -> RenderableType:
    """Sources that disagree: what binds and why, and what else was read."""
    table = _table(f"{len(found)} facts of which sources disagree", "code", "fact", "binds", "because", "others")
    reasons = {
        Resolution.AUTHORITY: "more authority",
        Resolution.STRICTNESS: "stricter",
        Resolution.ORDER: "newer, or first",
    }
    for one in found:
        others = Text("\n").join(_said(other) for other in one.others)
        table.add_row(one.jurisdiction, one.fact, _said(one.binds), reasons[one.because], others)
    return table


def law_changes(found: Sequence[Change], code: str, after: date, until: date) -> RenderableType:
    """What changed in the law of a jurisdiction, in the order of the days."""
    if not found:
        return Text(f"Nothing that the catalogue knows of changed in {code} after {after} and until {until}.")
    table = _table(f"{code} after {after} and until {until}", "day", "fact", "before", "after", "source")
    for change in found:
        source = Text.assemble(_source(change.source), f"\n{change.clause}" if change.clause else "")
        table.add_row(
            str(change.day),
            change.fact,
            _plain(change.before, change.before_known),
            _plain(change.after, change.after_known),
            source,
        )
    return table


def impacts(told: Sequence[tuple[Folder, Sequence[Impact]]], on: date) -> RenderableType:
    """What a day's law means, an environment after the other."""
    parts: list[RenderableType] = []
    for read, found in told:
        if not found:
            count = len(read.tenants)
            parts.append(Text(f"{read.name}: nothing changes on {on} for its {count} tenants.", style="green"))
            continue
        table = _table(read.name, "", "tenant", "place", "until", "what must happen")
        for one in found:
            mark = Text("✘", style="red") if one.unlawful else Text("●", style="yellow")
            moved = (
                one.place if one.place == one.place_after else f"{one.place or 'none'} → {one.place_after or 'none'}"
            )
            table.add_row(mark, one.tenant, moved, one.effective.strftime("%Y-%m-%d %H:%M UTC"), "\n".join(one.must))
        parts.append(table)
    return Group(*parts)


def _plain(value: Any, known: bool) -> str:
    return _value(value, Confidence.SOURCED if known else Confidence.UNKNOWN)


def _said(finding: Finding[Any]) -> Text:
    kind = f" ({finding.source_kind})" if finding.source_kind else ""
    return Text.assemble(_value(finding.value, finding.confidence), (kind, "dim"))


def _stopped(mine: Iterable[Gap]) -> Text:
    by_what: dict[str, list[str]] = {}
    for gap in mine:
        if gap.stops:
            by_what.setdefault(gap.stops, []).append(gap.fact)
    return Text("; ".join(f"{what}: {', '.join(facts)}" for what, facts in by_what.items()))


def report(told: Report) -> RenderableType:
    """The tenants of an environment, and every fault."""
    table = _table(f"Environment {told.environment}", "", "tenant", "brand", "jurisdiction", "place")
    for tenant in told.tenants:
        placed = isinstance(tenant.decision, TenantPlacement)
        where = tenant.decision.place if isinstance(tenant.decision, TenantPlacement) else tenant.decision.code
        table.add_row(
            Text("✔", style="green") if placed else Text("✘", style="red"),
            tenant.name,
            tenant.brand,
            tenant.jurisdiction,
            where,
        )
    parts: list[RenderableType] = [table]
    parts += [Text(f"! {warning}", style="yellow") for warning in told.warnings]
    parts += [Text(f"✘ {fault}", style="red") for fault in told.faults]
    count = len(told.faults)
    verdict = f"{count} {'fault' if count == 1 else 'faults'}" if count else "no faults"
    parts.append(
        Text(
            f"{len(told.tenants)} tenants, {told.attestations} attestations, {verdict}",
            style="bold red" if count else "bold green",
        )
    )
    return Group(*parts)


def report_json(told: Report) -> dict[str, Any]:
    """The same for programs."""
    return {
        "environment": told.environment,
        "production": told.production,
        "attestations": told.attestations,
        "tenants": [
            {
                "name": tenant.name,
                "jurisdiction": tenant.jurisdiction,
                "decision": tenant.decision.model_dump(mode="json"),
            }
            for tenant in told.tenants
        ],
        "warnings": list(told.warnings),
        "faults": [
            {
                "file": fault.file,
                "line": fault.line,
                "path": fault.path,
                "problem": fault.problem,
                "allowed": fault.allowed,
            }
            for fault in told.faults
        ],
    }


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _mark(confidence: Confidence) -> Text:
    mark, style = MARKS[confidence]
    return Text(mark, style=style)


def _source(source: str | None) -> Text:
    """The first source, short, and linked where the terminal can; --json has all of them in full."""
    if not source:
        return Text("")
    first = source.split()[0]
    host = urlsplit(first).netloc
    if host:
        more = sum(1 for word in source.split()[1:] if "://" in word)
        return Text(f"{host} +{more}" if more else host, style=f"link {first}")
    return Text(source if len(source) <= 48 else f"{source[:47]}…", style="dim")


def _value(value: Any, confidence: Confidence) -> str:
    if value is None:
        return "unknown" if confidence is Confidence.UNKNOWN else "none"
    if isinstance(value, tuple):
        return ", ".join(
            f"{one.stake_minor} minor from {one.min_age}" if hasattr(one, "stake_minor") else str(one) for one in value
        )
    return str(value)


def _stakes(rules: Rules) -> str:
    if rules.slot_max_stake is None:
        return "none"
    return ", ".join(
        f"{rules.currency} {_money(band.stake_minor, rules.currency_exponent)} from {band.min_age_years}"
        for band in rules.slot_max_stake
    )


def _money(minor: int, exponent: int) -> str:
    return f"{Decimal(minor).scaleb(-exponent):.{exponent}f}"


def _percent(basis_points: int | None) -> str:
    return "none" if basis_points is None else f"{Decimal(basis_points) / 100:f} % at least"


def _or_none(value: int | None, unit: str) -> str:
    return "none" if value is None else f"{value} {unit}"


def _spaced(parts: Sequence[RenderableType]) -> list[RenderableType]:
    return [line for part in parts for line in (part, Text())][:-1]
