"""Rules without limits, for tests that need no casino."""

import json

from casino.compliance.api import RulesInForce, parse_rules

RULES_WITHOUT_LIMITS = RulesInForce(parse_rules(
    json.dumps(
        {
            "schema": 1, "catalogue_version": "test", "jurisdiction": "TEST", "jurisdiction_name": "Testland",
            "regulator": "Test Commission", "currency": "GBP", "currency_exponent": 2, "timezone": "Europe/London",
            "min_age_years": 18, "slot_max_stake": None, "slot_min_cycle_ms": None, "rtp_minimum_basis_points": None,
            "session_idle_timeout_s": None, "record_retention_years": 5,
        }
    )
))  # fmt: skip
