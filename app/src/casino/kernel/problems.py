"""Errors as problem documents (RFC 9457), and the list of every kind that there is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from casino.kernel.errors import CasinoError

MEDIA_TYPE = "application/problem+json"
PATH = "/problems"


class Problem(BaseModel):
    """What every refusal and failure looks like. Branch on `code` (or `type`), which is stable; the rest is for people.

    `rule` names what refused: a key of rules.json, or a control of the casino's own. `instance` is what was asked.
    """

    model_config = ConfigDict(title="Problem")
    type: str = Field(examples=["/problems/UNDER_AGE"])
    title: str
    status: int
    detail: str
    instance: str
    code: str
    rule: str | None
    remedy: str | None
    request_id: str | None


class ProblemType(BaseModel):
    """A kind of problem: what can be said of it before it happens. `rule` is null where it differs by case."""

    type: str
    code: str
    title: str
    status: int
    rule: str | None
    remedy: str


def problem_type(code: str) -> str:
    """The URI of a kind of problem, relative to the casino; it leads to its description."""
    return f"{PATH}/{code}"


def document(error: CasinoError, instance: str, request_id: str | None) -> dict[str, Any]:
    """The body of an answer."""
    return {
        "type": problem_type(error.code),
        "title": error.title,
        "status": error.status,
        "detail": error.message,
        "instance": instance,
        "code": error.code,
        "rule": error.rule,
        "remedy": error.remedy,
        "request_id": request_id,
    }


def catalogue() -> list[ProblemType]:
    """Every kind that the running program can answer, by code."""
    found = {kind.code: kind for kind in _kinds(CasinoError)}
    return [
        ProblemType(
            type=problem_type(code),
            code=code,
            title=code.replace("_", " ").capitalize(),
            status=kind.status,
            rule=kind.rule,
            remedy=kind.remedy,
        )
        for code, kind in sorted(found.items())
    ]


def _kinds(kind: type[CasinoError]) -> Iterator[type[CasinoError]]:
    # The more general first: of two with one code, what is told is the more particular.
    yield kind
    for narrower in kind.__subclasses__():
        yield from _kinds(narrower)
