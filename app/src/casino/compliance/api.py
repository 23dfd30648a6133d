"""The door of compliance."""

from casino.compliance.in_force import RulesInForce
from casino.compliance.models import Rules, age_on
from casino.compliance.service import UnderAge, parse_rules, require_of_age

__all__ = ["Rules", "RulesInForce", "UnderAge", "age_on", "parse_rules", "require_of_age"]
