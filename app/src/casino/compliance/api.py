"""The door of compliance."""

from casino.compliance.in_force import RulesInForce
from casino.compliance.location import LocationRequired, require_located
from casino.compliance.models import LimitRule, Rules, Territory, age_on
from casino.compliance.operation import (
    ACTS,
    Act,
    DepositsClosed,
    Operation,
    PlayClosed,
    RegistrationClosed,
    WithdrawalsClosed,
    allows,
    closed,
    read_operation,
)
from casino.compliance.service import AccountMayNotPlay, UnderAge, parse_rules, require_may_play, require_of_age

__all__ = [
    "ACTS",
    "AccountMayNotPlay",
    "Act",
    "DepositsClosed",
    "LimitRule",
    "LocationRequired",
    "Operation",
    "PlayClosed",
    "RegistrationClosed",
    "Rules",
    "RulesInForce",
    "Territory",
    "UnderAge",
    "WithdrawalsClosed",
    "age_on",
    "allows",
    "closed",
    "parse_rules",
    "read_operation",
    "require_located",
    "require_may_play",
    "require_of_age",
]
