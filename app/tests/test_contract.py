"""The interface against its own OpenAPI document: schemathesis makes requests, valid and not, and holds the answers
against what is promised."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    ignored_auth,
]


@pytest.fixture
def interface(casino_url: str) -> Any:
    """The schema of a casino that runs as a process; its calls are a player's with money."""
    schema = schemathesis.openapi.from_url(f"{casino_url}/openapi.json")
    with httpx.Client(base_url=f"{casino_url}/api/v1") as http:
        who = {"email": "player@example.test", "password": "correct horse battery"}
        http.post("/players", json=who | {"date_of_birth": "1980-01-01"}).raise_for_status()
        token = http.post("/sessions", json=who).raise_for_status().json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        deposit = {"amount_minor": 1_000_000, "card_token": "tok_visa"}
        http.post("/deposits", json=deposit, headers=headers | {"Idempotency-Key": "first"}).raise_for_status()
    schema.headers = headers
    return schema


def test_answers_are_what_the_interface_promises(interface: Any) -> None:
    tried = set()
    for found in interface.get_all_operations():
        operation = found.ok()
        if operation.path.endswith(("/sessions/current", "/closure", "/self-exclusion")):
            continue  # it would end the session that the others use

        @settings(
            max_examples=25, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
               | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE))  # fmt: skip
        def calls(case: schemathesis.Case) -> None:
            case.call_and_validate(checks=CHECKS, timeout=10)

        calls()
        tried.add(operation.label)
    assert len(tried) >= 8, tried
