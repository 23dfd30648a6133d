"""Plans of cells to test with, and what policy documents say of a call."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from domicile_catalog import load_catalogue
from domicile_catalog.environment import Cell, Environment, Organization, Persona, zones_of
from domicile_infra.plan.cell import CellFacts, CellPlan, plan_cells
from domicile_infra.plan.documents import Document
from domicile_policies.evaluator import Request, denied_by

ORGANIZATION = "o-abcdefghij"
DEPLOYER = "arn:aws:iam::111122223333:role/domicile-deployer"


def cell(name: str = "north-live", place: str = "eu-west-2", **more: Any) -> Cell:
    """A cell as environment.yaml has it."""
    return Cell.model_validate(
        {
            "name": name,
            "place": place,
            "jurisdictions": ["GB"],
            "baseDomain": f"{name}.casino.example",
            "openbao": {"address": "https://bao.casino.example:8200", "cidr": "10.9.0.1/32", "port": 8200},
            "paymentProviders": [
                {"name": "sandbox", "url": "https://psp.example/v1", "cidr": "203.0.113.7/32", "port": 443}
            ],
            **more,
        }
    )


def environment(*cells: Cell, **more: Any) -> Environment:
    """An environment of these cells, or of one."""
    organization = Organization(account="999999999999", home="eu-west-2", email="aws+{account}@casino.example")
    return Environment.model_validate(
        {
            "name": "live",
            "production": True,
            "owner": "platform@casino.example",
            "organization": organization,
            "release": {"operatorImage": "domicile-operator:1.2.3", "casinoImage": "casino:4.5.6"},
            "cells": cells or (cell(),),
            **more,
        }
    )


def facts(at: int = 0, of: Cell | None = None, **more: Any) -> CellFacts:
    """What the organisation's stack says of the cell at that place of the list, and the catalogue of its place."""
    account = f"{111122223333 + at}"
    return CellFacts(
        **{
            "account_id": account,
            "organization_id": ORGANIZATION,
            "deployer_role_arn": f"arn:aws:iam::{account}:role/domicile-deployer",
            "retention_years": 5,
            "availability_zones": zones_of(load_catalogue(), of or cell()),
            "personas": {
                Persona.PLATFORM: f"arn:aws:iam::{account}:role/domicile-platform",
                Persona.COMPLIANCE: f"arn:aws:iam::{account}:role/domicile-compliance",
                Persona.REGULATOR: f"arn:aws:iam::{account}:role/domicile-regulator",
            },
            "ca_pem": "-----BEGIN CERTIFICATE-----\n",
            "attestations": {"one.yaml": "a", "officers.yaml.sig": "b"},
            **more,
        }
    )


def plan(*, production: bool = True, given: Mapping[str, Any] | None = None, **more: Any) -> CellPlan:
    """The plan of one cell; `given` goes to its facts, and the rest to the cell."""
    one = cell(**more)
    return plan_cells(environment(one, production=production), {one.name: facts(of=one, **(given or {}))})[one.name]


def denied(document: Document, action: str, context: Mapping[str, Any], resource: str = "*") -> str | None:
    """The Sid of the statement that denies a call, whatever else allows it."""
    denials = [one for one in document["Statement"] if one["Effect"] == "Deny"]
    judged = [{**one, "Principal": "*"} for one in map(_without_numbers(context), denials) if one]
    return denied_by([{"Statement": judged}], Request(action, resource, dict(context)))


def _without_numbers(context: Mapping[str, Any]) -> Callable[[dict[str, Any]], dict[str, Any] | None]:
    """The evaluator knows no numbers: a statement without its numeric condition, or None where that does not hold."""

    def judged(statement: dict[str, Any]) -> dict[str, Any] | None:
        conditions = dict(statement.get("Condition", {}))
        for key, most in conditions.pop("NumericLessThan", {}).items():
            if key not in context or float(context[key]) >= float(most):
                return None
        return {**statement, "Condition": conditions}

    return judged


def allowed(document: Document) -> list[dict[str, Any]]:
    """The statements that allow."""
    return [one for one in document["Statement"] if one["Effect"] == "Allow"]


def listed(value: str | Iterable[str]) -> list[str]:
    """A value of a policy document, which may be one string or several."""
    return [value] if isinstance(value, str) else list(value)
