"""What an audit found, for people and for programs."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from domicile_audit.evidence import Extent, Verdict, verdict
from domicile_audit.holding import Holding, Survey, Unread
from domicile_audit.rules import Finding, Severity
from domicile_audit.store import Link
from rich.console import Group, RenderableType
from rich.text import Text

from domicile_cli.render.base import new_table, spaced, verdict_of

SHOWN = 40
"""How many findings, and how many unanswered questions, are shown; the evidence has them all."""
_STYLES = {
    Verdict.CLEAN: "bold green",
    Verdict.VIOLATIONS: "bold red",
    Verdict.INCOMPLETE: "bold yellow",
    Verdict.PARTIAL: "bold yellow",
}


def audit(name: str, read: Survey, findings: Sequence[Finding], extent: Extent, evidence: str) -> RenderableType:
    """What rests where and whether it may, each violation with its remedy, what was not read, and the evidence."""
    parts: list[RenderableType] = [_holdings(name, read.holdings, findings)]
    if findings:
        parts.append(_findings(findings))
    if read.unread:
        parts.append(_unread(read.unread))
    left = (Text(f"! {note}", style="yellow") for note in left_out(extent))
    parts.append(Group(*left, _told(read, findings, extent), Text(evidence)))
    return Group(*spaced(parts))


def left_out(extent: Extent) -> list[str]:
    """What an audit was not asked to look at, in words."""
    told = [f"Only these regions were read: {', '.join(extent.regions)}."] if extent.regions else []
    if extent.clusters_left:
        left = ", ".join(extent.clusters_left)
        told.append(f"These cells' clusters were not read: {left}. Give --kubeconfig CELL=FILE.")
    return told


def _holdings(name: str, holdings: Sequence[Holding], findings: Sequence[Finding]) -> RenderableType:
    """A row for each class of data and place, with how many things of which types are there."""
    broken = _broken(findings)
    rows: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    faulty: Counter[tuple[str, str]] = Counter()
    for one in holdings:
        for data_class in one.data_classes:
            rows[data_class, one.region][one.type] += 1
            faulty[data_class, one.region] += (one.account, one.region, one.arn) in broken
    table = new_table(f"What {name} holds", "", "class", "place", "things", "of which types", "in violation")
    for key, kinds in sorted(rows.items()):
        most = ", ".join(f"{kind} {number}" for kind, number in kinds.most_common(4))
        more = f", {len(kinds) - 4} more types" if len(kinds) > 4 else ""
        number = faulty[key]
        table.add_row(verdict_of(number == 0), *key, str(kinds.total()), f"{most}{more}", str(number or ""))
    return table


def _broken(findings: Sequence[Finding]) -> set[tuple[str, str, str]]:
    """Account, region and name of what is in violation."""
    return {(one.account, one.region, one.resource) for one in findings if one.severity is Severity.VIOLATION}


def _findings(findings: Sequence[Finding]) -> RenderableType:
    lines: list[Text] = []
    for one in findings[:SHOWN]:
        mark, style = ("✘", "red") if one.severity is Severity.VIOLATION else ("!", "yellow")
        lines += [
            Text.assemble((f"{mark} {one.rule}", f"bold {style}"), f"  {one.resource}  ({one.id})"),
            Text(f"  {one.sentence}"),
            Text(f"  {one.law}{f' [{one.source}]' if one.source else ''}", style="dim"),
            Text(f"  → {one.remedy}", style="cyan"),
        ]
    if len(findings) > SHOWN:
        lines.append(Text(f"  and {len(findings) - SHOWN} more, in the evidence", style="dim"))
    return Group(*lines)


def _unread(unread: Sequence[Unread]) -> RenderableType:
    table = new_table("Not read", "account", "region", "what", "about", "why")
    for one in unread[:SHOWN]:
        table.add_row(one.account, one.region, f"{one.service} {one.operation}", one.resource or "", one.reason)
    if len(unread) > SHOWN:
        table.add_row("", "", f"and {len(unread) - SHOWN} more", "", "in the evidence")
    return table


def _told(read: Survey, findings: Sequence[Finding], extent: Extent) -> Text:
    violations = sum(one.severity is Severity.VIOLATION for one in findings)
    accounts = len({one.account for one in read.coverage})
    regions = len({(one.account, one.region) for one in read.coverage})
    calls = sum(one.calls for one in read.coverage)
    found = verdict(read, findings, extent)
    partial = "" if extent.whole or found is Verdict.PARTIAL else " (partial)"
    words = (
        f"{found}{partial}: {len(read.holdings)} things in {accounts} accounts and {regions} regions of them, "
        f"by {calls} calls; "
        f"{violations} violations, {len(findings) - violations} warnings, {len(read.unread)} questions unanswered"
    )
    return Text(words, style=_STYLES[found])


def audit_json(document: Mapping[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """The same for programs: of the evidence, all but what led to it. `kept` says where the evidence is."""
    shown = ("arn", "type", "account", "region", "data_classes", "lawful")
    whole = {name: document[name] for name in ("environment", "verdict", "extent", "findings", "unread")}
    holdings = [{name: one[name] for name in shown} for one in document["holdings"]]
    return {**whole, "holdings": holdings, "evidence": kept}


def chain(folder: str, links: Sequence[Link]) -> RenderableType:
    """The documents of a chain, and the first that is no good."""
    table = new_table(f"Evidence in {folder}", "", "document", "verdict", "signed by", "sha256")
    for one in links:
        table.add_row(verdict_of(one.problem is None), one.file, one.verdict, one.signer or "nobody", one.sha256)
    broken = next((one for one in links if one.problem), None)
    if broken:
        return Group(table, Text(f"✘ {broken.file} {broken.problem}", style="bold red"))
    return Group(
        table, Text(f"{len(links)} documents, each as it was written after the one before", style="bold green")
    )


def chain_json(links: Sequence[Link]) -> dict[str, Any]:
    """The same for programs."""
    return {
        "holds": all(one.problem is None for one in links),
        "documents": [
            {
                "file": one.file,
                "sha256": one.sha256,
                "verdict": one.verdict,
                "signer": one.signer,
                "problem": one.problem,
            }
            for one in links
        ],
    }
