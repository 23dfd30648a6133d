"""The door of compliance."""

from casino.compliance.in_force import RulesInForce
from casino.compliance.location import LocationRequired, require_located
from casino.compliance.models import LimitRule, Rules, Territory, age_on
from casino.compliance.service import AccountMayNotPlay, UnderAge, parse_rules, require_may_play, require_of_age

__all__ = [
    "AccountMayNotPlay",
    "LimitRule",
    "LocationRequired",
    "Rules",
    "RulesInForce",
    "Territory",
    "UnderAge",
    "age_on",
    "parse_rules",
    "require_located",
    "require_may_play",
    "require_of_age",
]
