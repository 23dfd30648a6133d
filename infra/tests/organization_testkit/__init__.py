"""An environment with cells in three residency zones, and changes of it."""

from datetime import date
from functools import cache
from typing import Any

from domicile_catalog import Catalogue, load_catalogue
from domicile_catalog.environment import Environment
from domicile_infra.plan.organization import OrganizationChoices, OrganizationPlan, plan_organization

ON = date(2026, 6, 1)
MANAGEMENT = "123456789012"
CI = f"arn:aws:iam::{MANAGEMENT}:role/ci"
OFFICER = f"arn:aws:iam::{MANAGEMENT}:role/officer"
ENGINEER = f"arn:aws:iam::{MANAGEMENT}:role/engineer"
RESCUER = f"arn:aws:iam::{MANAGEMENT}:user/rescuer"
AUDITOR = "arn:aws:iam::999999999999:role/auditor"
EXTERNAL_ID = "of-the-regulator-0001"


@cache
def catalogue() -> Catalogue:
    return load_catalogue()


def document(**changes: Any) -> dict[str, Any]:
    """environment.yaml as a value. Changes of `organization` are laid over it, others replace what they name."""
    organization = {
        "account": MANAGEMENT,
        "home": "eu-west-1",
        "email": "aws+{account}@example.com",
        "deployers": [CI],
        "principals": {"platform": [ENGINEER], "compliance": [OFFICER], "breakGlass": [RESCUER]},
        "regulators": [
            {"name": "commission", "jurisdictions": ["GB"], "principal": AUDITOR, "externalId": EXTERNAL_ID}
        ],
        "budget": {"monthlyUsd": 5000, "notify": ["finance@example.com"]},
    }
    return {
        "name": "test",
        "production": False,
        "owner": "platform@example.com",
        "cells": [
            {"name": "gb-test", "place": "eu-west-2", "jurisdictions": ["GB"], "baseDomain": "gb.example.com"},
            {"name": "mt-test", "place": "eu-south-1", "jurisdictions": ["MT"], "baseDomain": "mt.example.com"},
            {"name": "br-test", "place": "sa-east-1", "jurisdictions": ["BR"], "baseDomain": "br.example.com"},
        ],
        **changes,
        "organization": organization | changes.get("organization", {}),
    }


def environment(**changes: Any) -> Environment:
    return Environment.model_validate(document(**changes))


def plan(choices: OrganizationChoices | None = None, **changes: Any) -> OrganizationPlan:
    return plan_organization(environment(**changes), catalogue(), ON, choices=choices)


SMALL = {"cells": document()["cells"][:1]}
"""Changes that leave one cell."""
