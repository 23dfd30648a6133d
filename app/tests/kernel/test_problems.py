"""Errors as problem documents (RFC 9457)."""

from __future__ import annotations

from typing import Any

import pytest
from casino.kernel.errors import CasinoError
from casino.kernel.problems import Problem, catalogue


def _kinds(kind: type[CasinoError]) -> list[type[CasinoError]]:
    return [kind, *(one for narrower in kind.__subclasses__() for one in _kinds(narrower))]


def test_a_code_means_one_thing(casino: Any) -> None:
    ours = [kind for kind in _kinds(CasinoError) if kind.__module__.startswith("casino.")]
    codes = [kind.code for kind in ours]
    assert len(codes) == len(set(codes)) >= 20, sorted(code for code in codes if codes.count(code) > 1)
    assert {kind.code for kind in ours} == {one.code for one in catalogue()}


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/api/v1/wallet", "UNAUTHENTICATED"),
        ("GET", "/nowhere", "NOT_FOUND"),
        ("PUT", "/api/v1/players", "METHOD_NOT_ALLOWED"),
        ("POST", "/api/v1/players", "REQUEST_INVALID"),
        ("POST", "/api/v1/games/harbour-lights/spins", "UNAUTHENTICATED"),
        ("GET", "/problems/NO_SUCH_CODE", "NOT_FOUND"),
    ],
)
async def test_every_refusal_is_a_problem_whose_type_leads_to_what_it_means(
    casino: Any, method: str, path: str, code: str
) -> None:
    answer = await casino.http.request(method, path, headers={"x-request-id": "asked-by-a-test"})
    assert answer.headers["content-type"] == "application/problem+json"
    problem = Problem.model_validate(answer.json(), extra="forbid")
    assert (problem.code, problem.status, problem.instance) == (code, answer.status_code, path)
    assert problem.request_id == answer.headers["x-request-id"] == "asked-by-a-test"
    meaning = (await casino.http.get(problem.type)).json()
    assert (meaning["code"], meaning["title"], meaning["status"]) == (code, problem.title, problem.status)
    assert meaning["type"] == problem.type


async def test_a_fault_of_the_casino_is_a_problem_that_tells_nothing_of_its_inside(
    casino: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from casino.wallet.api import Wallet

    async def break_(*_: Any) -> int:
        raise ValueError("secret inside")

    player = await casino.player()
    monkeypatch.setattr(Wallet, "balance", break_)
    answer = await player.call("GET", "/wallet")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL_ERROR")
    assert "secret" not in answer.text


async def test_every_kind_of_problem_is_listed(casino: Any) -> None:
    listed = (await casino.http.get("/problems")).json()
    assert {"UNDER_AGE", "STAKE_ABOVE_LIMIT", "BODY_TOO_LARGE", "NOT_READY", "INTERNAL_ERROR"} <= {
        one["code"] for one in listed
    }
    assert all(one["type"] == f"/problems/{one['code']}" and one["remedy"] for one in listed)
