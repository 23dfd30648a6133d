"""Controls: what a regulator requires, by which clause, from when to when, and what is there to meet it."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from domicile_catalog.facts import FACT_NAMES, Finding
from domicile_catalog.forms import Frozen, Text
from domicile_catalog.vocabulary import Confidence, SourceKind

ControlId = Annotated[str, Field(pattern=r"^[a-z]+\.[a-z]+(-[a-z]+)*$")]
CodeReference = Annotated[str, Field(pattern=r"^[a-z_][\w.]*:[A-Za-z_][\w.]*$")]
TestReference = Annotated[str, Field(pattern=r"^[\w./-]+\.py::[\w:\[\]. -]+$")]


class Control(Frozen):
    """One kind of requirement. `fact` is its parameter in each jurisdiction, `unit` what the value is counted in.

    `code` are objects that meet it, as module:object; `tests` are pytest node ids that show it, from the top of the
    repository. `evidence` says where a reader finds it in the world.
    """

    title: Text
    fact: Literal[FACT_NAMES]  # type: ignore[valid-type]
    unit: Text
    code: tuple[CodeReference, ...] = ()
    tests: tuple[TestReference, ...] = ()
    evidence: Text


class Standing(StrEnum):
    """How a requirement stands: a rule is in force, there is known to be none, or nobody has read it."""

    IN_FORCE = "in_force"
    NONE = "none"
    UNREAD = "unread"


class Requirement(Frozen):
    """What one jurisdiction requires by one control on one day. `value` is in the form of the control's fact.

    `next_change` is the first later day on which the rule begins or ends, or another takes its place.
    """

    id: str
    control: str
    jurisdiction: str
    standing: Standing
    value: Any = None
    confidence: Confidence
    source: str | None = None
    source_kind: SourceKind | None = None
    clause: str | None = None
    excerpt: str | None = None
    note: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    next_change: date | None = None


def next_change(findings: tuple[Finding[Any], ...], on: date) -> date | None:
    """The first day after `on` on which one of the findings begins, or is over."""
    from_then = [finding.valid_from for finding in findings if finding.valid_from and finding.valid_from > on]
    until = [finding.valid_to for finding in findings if finding.valid_to and on <= finding.valid_to < date.max]
    days = [*from_then, *(date.fromordinal(day.toordinal() + 1) for day in until)]
    return min(days, default=None)
