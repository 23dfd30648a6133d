"""Rules without limits, for tests that need no casino."""

from __future__ import annotations

import json
from typing import Any

from casino.compliance.api import Rules, parse_rules

RULES = {
    "schema": 1, "catalogue_version": "test", "jurisdiction": "TEST", "jurisdiction_name": "Testland",
    "regulator": "Test Commission", "currency": "GBP", "currency_exponent": 2, "timezone": "Europe/London",
    "min_age_years": 18, "slot_max_stake": None, "slot_min_cycle_ms": None, "rtp_minimum_basis_points": None,
    "session_idle_timeout_s": None, "record_retention_years": 5,
}  # fmt: skip


def make_rules(**changes: Any) -> Rules:
    """Raises ConfigurationError for changes that contradict themselves."""
    return parse_rules(json.dumps(RULES | changes))
