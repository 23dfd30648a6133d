"""The evidence of an audit, as one document: what was asked, what was read, what was not, and what it breaks. Pure.

Documents of an environment are a chain: each has the SHA-256 of the one before it, so that none can be changed, taken
out or put in without breaking every later link. Each is signed on its own; docs/adr/0026 tells what that does not show.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from domicile_catalog.forms import Frozen

from domicile_audit.holding import Holding, Survey
from domicile_audit.judgement import binding
from domicile_audit.rules import Finding, Severity
from domicile_audit.scope import AuditScope

SCHEMA = "domicile.dev/evidence/v1"
NAMESPACE = "domicile-evidence"
"""Of signatures: one that was made for something else does not count here."""


class Verdict(StrEnum):
    """What an audit comes to, the first that holds: violations stand whatever could not be read.

    `incomplete`: something that was asked was not answered. `partial`: all was answered and is lawful, but not all was
    asked. `clean` is of everything.
    """

    VIOLATIONS = "violations"
    INCOMPLETE = "incomplete"
    PARTIAL = "partial"
    CLEAN = "clean"


class Previous(Frozen):
    """The document before: its file's name and the SHA-256 of its bytes, in hexadecimal digits."""

    file: str
    sha256: str


class Run(Frozen):
    """Who audited, when (UTC), and with what. `caller` is the ARN that the cloud gave the caller."""

    caller: str
    began: datetime
    ended: datetime
    version: str


class Extent(Frozen):
    """How much of the environment an audit was asked to look at.

    `regions` are those that it was narrowed to; empty, every enabled one was read. `clusters` are the cells whose
    clusters were read, `clusters_left` those whose were not.
    """

    regions: tuple[str, ...] = ()
    clusters: tuple[str, ...] = ()
    clusters_left: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether nothing was left out."""
        return not (self.regions or self.clusters_left)


def verdict(survey: Survey, findings: Sequence[Finding], extent: Extent) -> Verdict:
    """What the findings, the questions that were not answered and those that were not asked come to."""
    if any(one.severity is Severity.VIOLATION for one in findings):
        return Verdict.VIOLATIONS
    if survey.unread:
        return Verdict.INCOMPLETE
    return Verdict.CLEAN if extent.whole else Verdict.PARTIAL


def document(
    scope: AuditScope,
    survey: Survey,
    findings: Sequence[Finding],
    run: Run,
    extent: Extent,
    *,
    sequence: int | None,
    previous: Previous | None,
) -> dict[str, Any]:
    """The evidence as JSON's values. `survey` comes from `judgement.resolve`.

    `sequence` is 1 for the first of a chain, and None of what is not signed, which is no link of one.
    """
    by_resource: dict[str, list[str]] = {}
    for one in findings:
        by_resource.setdefault(f"{one.account} {one.region} {one.resource}", []).append(one.id)
    violations = {one.id for one in findings if one.severity is Severity.VIOLATION}

    def told(holding: Holding) -> dict[str, Any]:
        found = by_resource.get(f"{holding.account} {holding.region} {holding.arn}", [])
        return {
            **holding.model_dump(mode="json"),
            "bound_by": [f"{law.jurisdiction} {law.data_class}" for law in binding(holding, scope)],
            "findings": found,
            "lawful": not violations.intersection(found),
        }

    return {
        "schema": SCHEMA,
        "environment": scope.environment,
        "sequence": sequence,
        "previous": previous.model_dump() if previous else None,
        "run": {**run.model_dump(mode="json"), "began": _utc(run.began), "ended": _utc(run.ended)},
        "verdict": str(verdict(survey, findings, extent)),
        "extent": _extent(extent, survey),
        "scope": _scope(scope),
        "read": {
            "coverage": [one.model_dump(mode="json") for one in survey.coverage],
            "not_offered": list(survey.not_offered),
            "tagged": len(survey.tagged),
        },
        "unread": [one.model_dump(mode="json") for one in survey.unread],
        "holdings": [told(one) for one in survey.holdings],
        "keys": [one.model_dump(mode="json") for one in survey.keys],
        "findings": [one.model_dump(mode="json") for one in findings],
    }


def canonical(value: Mapping[str, Any]) -> bytes:
    """The bytes of a document: names sorted, no white space, UTF-8, one line end. The same value has the same bytes."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()


def digest(content: bytes) -> str:
    """SHA-256, in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def link_problem(
    content: bytes, environment: str | None, before: tuple[str, bytes, Mapping[str, Any]] | None
) -> str | None:
    """Why a document's bytes are no link after the one before (its file's name, bytes and value), or None.

    `environment` is the chain's, or None for its first document.
    """
    try:
        value = parsed(content)
    except ValueError as error:
        return str(error)
    if environment is not None and value["environment"] != environment:
        return f"is of {value['environment']}, and the chain is of {environment}"
    return _after(value, *before) if before else _first(value)


def _first(value: Mapping[str, Any]) -> str | None:
    if value["sequence"] == 1 and value["previous"] is None:
        return None
    return f"is number {value['sequence']}, and the documents before it are missing"


def _after(value: Mapping[str, Any], name: str, earlier: bytes, told: Mapping[str, Any]) -> str | None:
    if value["sequence"] != told["sequence"] + 1:
        return f"is number {value['sequence']}, and follows number {told['sequence']}"
    if value["previous"] != {"file": name, "sha256": digest(earlier)}:
        return f"does not follow {name}: it has another SHA-256 than that file, which was changed, or this one was"
    if value["run"]["began"] < told["run"]["began"]:
        return f"began before {name} did"
    return None


def parsed(content: bytes) -> dict[str, Any]:
    """A document of its bytes. Raises ValueError where they are none, or are not in canonical form."""
    try:
        value = json.loads(content)
    except ValueError:
        raise ValueError("is no JSON document") from None
    if not isinstance(value, dict) or value.get("schema") != SCHEMA:
        raise ValueError(f"is no evidence in the form {SCHEMA}")
    if canonical(value) != content:
        raise ValueError("is not in canonical form: it was written or changed by something else than the audit")
    if missing := {"environment", "sequence", "previous", "run"} - value.keys():
        raise ValueError(f"lacks {', '.join(sorted(missing))}")
    if value["sequence"] is None:
        raise ValueError("was made to be left unsigned, and is no link of a chain")
    return value


def _extent(extent: Extent, survey: Survey) -> dict[str, Any]:
    """What was asked for, and which accounts and regions of the cloud something was read of."""
    cloud = [one for one in survey.coverage if one.region != "*"]
    return {
        "whole": extent.whole,
        "narrowed_to": list(extent.regions),
        "accounts": sorted({one.account for one in cloud}),
        "regions": sorted({one.region for one in cloud}),
        "clusters": list(extent.clusters),
        "clusters_left": list(extent.clusters_left),
    }


def _scope(scope: AuditScope) -> dict[str, Any]:
    told = scope.model_dump(mode="json")
    told["organization_accounts"] = sorted(scope.organization_accounts)
    return told


def _utc(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
