"""Read the rules, and judge who may register."""

from __future__ import annotations

from datetime import date

from pydantic import ValidationError

from casino.compliance.models import Rules, age_on
from casino.kernel.errors import CasinoError, ConfigurationError
from casino.kernel.identity import Principal


class UnderAge(CasinoError):
    status, code = 403, "UNDER_AGE"
    rule = "min_age_years"


class AccountMayNotPlay(CasinoError):
    status, code = 403, "ACCOUNT_MAY_NOT_PLAY"
    rule = "only active accounts deposit and bet"
    remedy = "Finish the account's verification, or ask the casino's support."


def require_may_play(player: Principal) -> None:
    """Refuse with AccountMayNotPlay whose account is not verified yet, or is restricted."""
    if not player.may_play:
        raise AccountMayNotPlay("The account may not deposit or bet at present.")


def parse_rules(text: str, origin: str = "rules.json") -> Rules:
    """The rules of a file's text. Raises ConfigurationError that names every fault."""
    try:
        return Rules.model_validate_json(text)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError(f"the rules at {origin} cannot be used: " + "; ".join(faults)) from error


def require_of_age(rules: Rules, date_of_birth: date, today: date) -> None:
    """Refuse with UnderAge who is younger than the rules' age on `today`, a date where the licence is."""
    if age_on(date_of_birth, today) < rules.min_age_years:
        raise UnderAge(
            f"Registration is refused: players in {rules.jurisdiction_name} must be at least "
            f"{rules.min_age_years} years old.",
            remedy=f"Come back when you are {rules.min_age_years}.",
        )
