"""What a tenant sets about payments: `CASINO_PAYMENTS`, a JSON object. Amounts are minor units of its currency."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from casino.kernel.errors import ConfigurationError
from casino.wallet.payments.routing import Route


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
    check_timeout_s: float = Field(default=5.0, gt=0, le=60)

    @model_validator(mode="after")
    def _consistent(self) -> PaymentSetting:
        if self.four_eyes_from_minor is not None and self.four_eyes_from_minor < self.auto_approve_below_minor:
            raise ValueError("four_eyes_from_minor is below auto_approve_below_minor")
        names = [(route.provider, route.method) for route in self.routes]
        if len(names) != len(set(names)):
            raise ValueError("a provider has two routes for one method")
        return self


def parse_setting(text: str) -> PaymentSetting:
    """Raises ConfigurationError that names every fault."""
    try:
        return PaymentSetting.model_validate_json(text)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError("CASINO_PAYMENTS cannot be used: " + "; ".join(faults)) from error
