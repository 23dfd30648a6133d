"""The door of compliance."""

from casino.compliance.models import Rules, age_on
from casino.compliance.service import UnderAge, load_rules, parse_rules, require_of_age

__all__ = ["Rules", "UnderAge", "age_on", "load_rules", "parse_rules", "require_of_age"]
