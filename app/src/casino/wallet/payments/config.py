"""What a tenant sets about payments: `CASINO_PAYMENTS`, a JSON object. Amounts are minor units of its currency."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from casino.kernel.errors import ConfigurationError
from casino.kernel.settings import Settings
from casino.wallet.payments.routing import Route


class CheckSetting(BaseModel):
    """What a withdrawal is judged by (checks.py). Amounts are minor units.

    `large_from_minor` within `linked_hours` is large, at once or in parts; unset, each withdrawal is looked at.
    Deposits of the last `turnover_days` are to be played through to `turnover_percent` of them, or the withdrawal is
    what `turnover_verdict` says. More than `velocity_count` withdrawals in `velocity_hours` are many, and an
    instrument is new for `new_instrument_hours`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    large_from_minor: int | None = Field(default=None, ge=1)
    linked_hours: int = Field(default=72, ge=1, le=24 * 366)
    turnover_percent: int = Field(default=100, ge=0, le=10_000)
    turnover_days: int = Field(default=90, ge=1, le=366)
    turnover_verdict: Literal["review", "deny"] = "review"
    velocity_count: int = Field(default=3, ge=0)
    velocity_hours: int = Field(default=24, ge=1, le=24 * 366)
    new_instrument_hours: int = Field(default=24, ge=0, le=24 * 366)


class PaymentSetting(BaseModel):
    """Routes and the rules of approval.

    A withdrawal below `auto_approve_below_minor` that every check allows needs nobody; one from `four_eyes_from_minor`
    on needs two people, any other one. Unset, each withdrawal is approved by a person.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    routes: tuple[Route, ...] = ()
    cost_weight: int = Field(default=1, ge=0, le=100)
    auto_approve_below_minor: int = Field(default=0, ge=0)
    four_eyes_from_minor: int | None = Field(default=None, ge=1)
    checks: CheckSetting = CheckSetting()
    check_timeout_s: float = Field(default=5.0, gt=0, le=60)

    @model_validator(mode="after")
    def _consistent(self) -> PaymentSetting:
        if self.four_eyes_from_minor is not None and self.four_eyes_from_minor < self.auto_approve_below_minor:
            raise ValueError("four_eyes_from_minor is below auto_approve_below_minor")
        names = [(route.provider, route.method) for route in self.routes]
        if len(names) != len(set(names)):
            raise ValueError("a provider has two routes for one method")
        return self


def setting_of(settings: Settings, currency: str) -> PaymentSetting:
    """The tenant's setting; where it names no routes, each of its providers takes and pays cards.

    Raises ConfigurationError as `parse_setting`.
    """
    setting = parse_setting(settings.payments)
    if "routes" in setting.model_fields_set:
        return setting
    cards = tuple(Route(provider=psp.name, method="card", currencies=frozenset({currency})) for psp in settings.psp)
    return setting.model_copy(update={"routes": cards})


def parse_setting(text: str) -> PaymentSetting:
    """Raises ConfigurationError that names every fault."""
    try:
        return PaymentSetting.model_validate_json(text)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError("CASINO_PAYMENTS cannot be used: " + "; ".join(faults)) from error
