"""The fact of a day, out of what the sources say (docs/adr/0011-findings.md)."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from domicile_catalog.facts import UNKNOWN, Fact, Finding
from domicile_catalog.strictness import strictest
from domicile_catalog.vocabulary import Confidence, SourceKind

_AUTHORITY = {SourceKind.LAW: 0, SourceKind.REGULATOR: 0, SourceKind.LAWFIRM: 1}
_REPORT = 2  # press, vendors, others, and who does not say; and what is only recalled
_UNKNOWN = 3


def rank(finding: Finding[Any]) -> int:
    """How much a finding weighs, the weightiest first: law and regulator, counsel, and then everything else.

    What is only recalled stands beside reports and not below them: a report must not make laxer what we remember
    as stricter.
    """
    match finding.confidence:
        case Confidence.UNKNOWN:
            return _UNKNOWN
        case Confidence.RECALLED:
            return _REPORT
        case _:
            return _REPORT if finding.source_kind is None else _AUTHORITY.get(finding.source_kind, _REPORT)


def resolve(name: str, findings: Iterable[Finding[Any]], on: date) -> Fact[Any]:
    """The fact as it stands on a day: the weightiest findings that hold, and of those the strictest.

    Unknown where none holds. `others` has every other finding of the day that says something else.
    """
    holding = [finding for finding in findings if finding.holds(on)]
    if not holding:
        return UNKNOWN
    best = min(map(rank, holding))
    top = [finding for finding in holding if rank(finding) == best]
    binding = _binding(name, top)
    others = tuple(finding for finding in holding if finding.known and finding.value != binding.value)
    return Fact[Any].model_construct(**dict(binding), others=others)


def _binding(name: str, top: list[Finding[Any]]) -> Finding[Any]:
    newest = sorted(top, key=lambda finding: finding.valid_from or date.min, reverse=True)
    newest.sort(key=lambda finding: finding.confidence is Confidence.RECALLED)  # what was read comes first
    if len({repr(finding.value) for finding in top}) == 1:
        return newest[0]
    value = strictest(name, [finding.value for finding in newest])
    saying_so = next((finding for finding in newest if finding.value == value), None)
    if saying_so is not None:
        return saying_so
    # No source says exactly this: it is what satisfies all of them.
    return newest[0].model_copy(
        update={
            "value": value,
            "confidence": max((finding.confidence for finding in newest), key=list(Confidence).index),
            "source": "; ".join(dict.fromkeys(finding.source for finding in newest if finding.source)),
            "clause": None,
            "excerpt": None,
            "note": "the strictest reading of sources that disagree",
        }
    )
