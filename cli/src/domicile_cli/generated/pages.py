"""A Markdown page for each jurisdiction, and their index, out of the catalogue alone."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from unicodedata import combining, normalize

from domicile_catalog import (
    FACT_NAMES,
    Catalogue,
    Confidence,
    DataClass,
    Fact,
    Finding,
    Jurisdiction,
    Refusal,
    TenantPlacement,
    law_changes,
)

from domicile_cli.generated.cells import Standing, standings
from domicile_cli.generated.spelling import Money, in_force, plain, source, spelled, table
from domicile_cli.render.base import MARKS

LICENCE = ("regulator", "law", "licence_regime", "online_casino", "licensed_products", "gaming_tax")
DATA = (
    "data_residency",
    "primary_region",
    "server_location",
    "personal_data_law",
    "personal_data_localisation",
    "payment_data_localisation",
    "record_retention_years",
    "aml_retention_years",
)
# Whatever else the catalogue asks for is a rule of play: a fact that it learns of later is shown without a change here.
PLAY = tuple(name for name in FACT_NAMES if name not in (*LICENCE, *DATA))
INDEX = "README.md"
_HORIZON = date(2100, 1, 1)


def jurisdiction_pages(catalogue: Catalogue, on: date) -> dict[str, str]:
    """The text of each page by its path below docs/jurisdictions: `<code>.md` for each, and the index README.md.

    The law is that of `on`; what begins or ends later is listed apart. The same arguments give the same text.
    """
    found = standings(catalogue, on)
    pages = {f"{standing.code}.md": _Page(catalogue, standing, on).text() for standing in found}
    return {**pages, INDEX: _index(catalogue, found, on)}


class _Page:
    """One jurisdiction's page on its way to text."""

    def __init__(self, catalogue: Catalogue, standing: Standing, on: date) -> None:
        self.catalogue, self.standing, self.on = catalogue, standing, on
        self.record = catalogue.jurisdictions[standing.code]
        self.today: Jurisdiction = self.record.on(on)
        self.money = Money.of(catalogue, standing.code, on)

    def text(self) -> str:
        parts = [
            self._head(),
            self._facts("The licence", LICENCE),
            self._where_data_rests(),
            self._facts("The rules of play", PLAY),
            self._later(),
            self._others(),
            self._further(),
            self._unknown(),
        ]
        return "\n".join(line for part in parts for line in part).rstrip() + "\n"

    def _head(self) -> list[str]:
        record, found = self.record, [f"- Code: {self.record.code}", f"- Level: {self.record.level}"]
        if record.parent:
            inside = "" if record.inside_parent else ", whose ground it is not for a rule on where data rests"
            found.append(f"- Belongs to: {_named(self.catalogue, record.parent)}{inside}")
        if record.aliases:
            found.append(f"- Also called: {plain(', '.join(record.aliases))}")
        told = f"As of the catalogue's data. How each fact is known: [index]({INDEX}#how-a-fact-is-known)."
        return [f"# {plain(record.name)}", "", *found, "", told, ""]

    def _facts(self, title: str, names: tuple[str, ...]) -> list[str]:
        known = [(name, self.today.facts.get(name)) for name in names if self.today.facts.get(name).known]
        rows = [(f"`{name}`", *self._found(name, fact)) for name, fact in known]
        heads = ("rule", "value", "known", "source", "clause", "in force")
        return [f"## {title}", "", *(table(heads, rows) if rows else ["Nothing is known."]), ""]

    def _found(self, name: str, finding: Finding[Any]) -> tuple[str, ...]:
        """A finding's value with the note that goes with it, how it is known, its source, clause and days."""
        value = plain(spelled(name, finding.value, finding.known, self.money))
        return (
            f"{value}<br>Note: {plain(finding.note)}" if finding.note else value,
            _mark(finding.confidence),
            source(finding.source),
            plain(finding.clause or ""),
            in_force(finding),
        )

    def _where_data_rests(self) -> list[str]:
        lines = self._facts("Where data may rest", DATA)
        rests = self.standing.rests
        if isinstance(rests, Refusal):
            lines += [f"Which places may hold it is not decided. {plain(rests.message)}", ""]
        else:
            rows = [
                (_class(self.catalogue, name), rest.scope.value, *self._regions(rest.allowed), plain(rest.why))
                for name, rest in rests.items()
            ]
            told = "By the residency rule alone, whatever can be licensed; `+` counts regions of separate partitions:"
            lines += [told, ""]
            lines += [*table(("data class", "scope", "how many AWS regions", "which", "why"), rows), ""]
        outside, production = self.standing.outside, self.standing.production
        return [
            *lines,
            f"A casino outside production: {self._decided(outside)}",
            "",
            f"In production: {self._decided(production)}",
            "",
        ]

    def _regions(self, allowed: Iterable[str]) -> tuple[str, str]:
        """How many AWS regions, and which; those of separate partitions apart."""
        codes = sorted(code for code in allowed if self.catalogue.places[code].kind == "aws")
        implicit = [code for code in codes if code in self.catalogue.implicit_places]
        named = [code for code in codes if code not in implicit]
        count = _count(len(implicit), len(named))
        if codes == sorted(code for code, place in self.catalogue.places.items() if place.kind == "aws"):
            return count, "every one"
        told = [", ".join(implicit), f"where it is named also {', '.join(named)}" if named else ""]
        return count, "; ".join(filter(None, told)) or "none: it needs a site"

    def _decided(self, decision: TenantPlacement | Refusal) -> str:
        if isinstance(decision, Refusal):
            told = f"refused. {plain(decision.message)} {plain(decision.remedy)}"
            needs = ", ".join(f"`{name}`" for name in decision.needs)
            return f"{told} To be sourced or attested: {needs}." if len(decision.needs) > 1 else told
        place = self.catalogue.places[decision.place]
        count = _count(len(self.standing.implicit), len(self.standing.named))
        told = f"its cell may stand in {count} AWS regions; the nearest is {decision.place} ({plain(place.city)})."
        return " ".join([told, *(plain(warning) for warning in decision.warnings)])

    def _later(self) -> list[str]:
        found = law_changes(self.catalogue, self.record.code, self.on, _HORIZON)
        rows = []
        for change in found:
            money = Money.of(self.catalogue, self.record.code, change.day)
            before = spelled(change.fact, change.before, change.before_known, self.money)
            after = spelled(change.fact, change.after, change.after_known, money)
            clause = plain(change.clause or "")
            rows.append(
                (str(change.day), f"`{change.fact}`", plain(before), plain(after), source(change.source), clause)
            )
        if not rows:
            return ["## What changes later", "", "Nothing that the catalogue knows of.", ""]
        heads = ("from", "rule", "before", "after", "source", "clause")
        return ["## What changes later", "", *table(heads, rows), ""]

    def _others(self) -> list[str]:
        rows = [
            (f"`{name}`", plain(spelled(name, fact.value, fact.known, self.money)), *self._found(name, other))
            for name, fact in self.today.facts.items()
            for other in fact.others
        ]
        if not rows:
            return []
        told = "What binds is the weightier source, and among equals the stricter. Two texts may each be a part of it."
        heads = ("rule", "binds", "another source says", "known", "source", "clause", "in force")
        return ["## Where sources disagree", "", told, "", *table(heads, rows), ""]

    def _further(self) -> list[str]:
        rows = [
            (f"`{name}`", *self._found(name, one))
            for name, findings in sorted(self.record.further.items())
            for one in findings
        ]
        if not rows:
            return []
        told = "Nothing is decided by these, and they are of any day."
        heads = ("fact", "value", "known", "source", "clause", "in force")
        return ["## Further facts", "", told, "", *table(heads, rows), ""]

    def _unknown(self) -> list[str]:
        names = [f"`{name}`" for name, fact in self.today.facts.items() if not fact.known]
        return ["## What is not known", "", f"{', '.join(names)}." if names else "Every fact is known.", ""]


def _index(catalogue: Catalogue, found: tuple[Standing, ...], on: date) -> str:
    by_name = sorted(found, key=lambda one: (_alphabetically(catalogue.jurisdictions[one.code].name), one.code))
    rows = [_row(catalogue, one, on) for one in by_name]
    heads = ("jurisdiction", "code", "online casino", "data residency", "AWS regions that may hold a cell")
    marks = [f"- {_mark(kind)}: {told}" for kind, told in _KNOWN.items()]
    lines = [
        "# Jurisdictions",
        "",
        f"What the catalogue says of each of its {len(rows)} jurisdictions, as of the catalogue's data "
        f"(version {catalogue.version[:12]}). These pages are made from it; change the catalogue, not the pages.",
        "",
        "[![Map of the world's AWS regions, and how many jurisdictions may keep a cell in each](../assets/map.svg)]"
        "(../assets/map.svg)",
        "",
        "Opened by itself, the map names the jurisdictions of each region where the pointer rests on it.",
        "",
        "## How a fact is known",
        "",
        *marks,
        "",
        "## All of them",
        "",
        "The count of regions is for a casino outside production; `+` counts regions of separate partitions, which "
        "are candidates only where they are named. Production also refuses what is only recalled.",
        "",
        *table(heads, rows),
    ]
    return "\n".join(lines) + "\n"


_KNOWN = {
    Confidence.SOURCED: "read in the source that is named",
    Confidence.ATTESTED: "answered by a compliance officer, on the record of one environment",
    Confidence.RECALLED: "believed and not read, whatever source is noted beside it",
    Confidence.UNKNOWN: "nobody has looked, or nobody found",
}

_WHY_NONE = {
    "PRODUCT_NOT_LICENSED": "casino is not licensed",
    "ONLINE_CASINO_UNREGULATED": "casino is not regulated",
    "NO_PLACE_IN_TERRITORY": "needs a site in the territory",
    "NO_PLACE_IN_REGION": "needs a site in the region",
    "FACT_UNKNOWN": "`{rule}` is not known",
}


def _row(catalogue: Catalogue, standing: Standing, on: date) -> tuple[str, ...]:
    record = catalogue.jurisdictions[standing.code]
    facts = record.on(on).facts
    if isinstance(standing.outside, Refusal):
        refusal = standing.outside
        why = _WHY_NONE.get(refusal.code, "").format(rule=refusal.rule) or plain(refusal.message)
        cells = f"0: {why}"
    else:
        cells = _count(len(standing.implicit), len(standing.named))
    return (
        f"[{plain(record.name)}]({standing.code}.md)",
        standing.code,
        _short("online_casino", facts.online_casino),
        _short("data_residency", facts.data_residency),
        cells,
    )


def _alphabetically(name: str) -> str:
    """A key to sort names by, which puts a letter with an accent beside the one without."""
    return "".join(letter for letter in normalize("NFKD", name.casefold()) if not combining(letter))


def _short(name: str, fact: Fact[Any]) -> str:
    mark, _ = MARKS[fact.confidence]
    return f"{mark} {plain(spelled(name, fact.value, fact.known, Money(None)))}"


def _mark(confidence: Confidence) -> str:
    mark, _ = MARKS[confidence]
    return f"{mark} {confidence}"


def _class(catalogue: Catalogue, name: DataClass) -> str:
    return f"`{name}`<br>{plain(catalogue.data_classes[name].title)}"


def _count(implicit: int, named: int) -> str:
    return f"{implicit} + {named}" if named else str(implicit)


def _named(catalogue: Catalogue, code: str) -> str:
    """The name of other ground, as a link where it has a page."""
    if code in catalogue.jurisdictions:
        return f"[{plain(catalogue.jurisdictions[code].name)}]({code}.md)"
    return plain(catalogue.territories[code].name) if code in catalogue.territories else code
