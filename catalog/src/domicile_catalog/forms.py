"""The forms that values of facts take: ages, caps, durations, codes."""

from decimal import Decimal
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    StrictInt,
    model_validator,
)

from domicile_catalog.vocabulary import IdentityData, LimitKind, Moment, PaymentMethod, Period

T = TypeVar("T")


class Frozen(BaseModel):
    """A value: immutable, and without room for a misspelt key."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class StakeBand(Frozen):
    """The highest stake per spin from an age on, in minor units of the jurisdiction's currency."""

    min_age: Annotated[StrictInt, Field(ge=0, le=120)]
    stake_minor: Annotated[StrictInt, Field(gt=0)]


def _ascending(bands: tuple[StakeBand, ...]) -> tuple[StakeBand, ...]:
    ages = [band.min_age for band in bands]
    if not ages or ages != sorted(set(ages)):
        raise ValueError("age bands must be at least one, in ascending order, each age once")
    return bands


class MoneyCap(Frozen):
    """The most that a player from an age on may pay in, or lose, in a period; minor units of the currency."""

    period: Period
    min_age: Annotated[StrictInt, Field(ge=0, le=120)] = 0
    amount_minor: Annotated[StrictInt, Field(gt=0)]


class Pause(Frozen):
    """A break that the rules force: after so many minutes of play, for so many minutes."""

    after_minutes: Annotated[StrictInt, Field(ge=1, le=24 * 60)]
    minutes: Annotated[StrictInt, Field(ge=1, le=24 * 60)]


class TimeOut(Frozen):
    """How long a pause the player must be able to take, in hours. None leaves that end to the operator."""

    minimum_hours: Annotated[StrictInt, Field(ge=1, le=24 * 366)] | None = None
    maximum_hours: Annotated[StrictInt, Field(ge=1, le=24 * 366)] | None = None


class Lockout(Frozen):
    """How long an account stays locked after failed log-ins: so many minutes, or until its credentials are reset."""

    minutes: Annotated[StrictInt, Field(ge=1, le=24 * 60)] | None = None
    until_reset: StrictBool = False

    @model_validator(mode="after")
    def _one_of_the_two(self) -> Self:
        if (self.minutes is not None) == self.until_reset:
            raise ValueError("a lock has minutes, or lasts until a reset: give one of the two")
        return self


def _distinct(caps: tuple[MoneyCap, ...]) -> tuple[MoneyCap, ...]:
    keys = [(cap.period, cap.min_age) for cap in caps]
    if not keys or len(keys) != len(set(keys)):
        raise ValueError("caps must be at least one, each period and age once")
    return caps


def _set(values: tuple[T, ...]) -> tuple[T, ...]:
    if not values or len(values) != len(set(values)):
        raise ValueError("must be at least one, each once")
    return values


def _exact(value: Any) -> Any:
    # 2.5 in a file means 2.5: a binary float never reaches the arithmetic.
    return Decimal(str(value)) if isinstance(value, float) else value


Text = Annotated[str, Field(min_length=1)]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
RegionCode = Annotated[str, Field(pattern=r"^[A-Z]{2,8}$")]
Age = Annotated[StrictInt, Field(ge=16, le=99)]
Years = Annotated[StrictInt, Field(ge=1, le=100)]
Minutes = Annotated[StrictInt, Field(ge=1, le=24 * 60)]
Hours = Annotated[StrictInt, Field(ge=0, le=24 * 366)]
Months = Annotated[StrictInt, Field(ge=1, le=12 * 100)]
Attempts = Annotated[StrictInt, Field(ge=1, le=100)]
# What people call a system or a register: GAMSTOP, CDB, SIGAP.
SystemName = Annotated[str, Field(min_length=2, max_length=60)]
Seconds = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0, le=3600, decimal_places=3)]
Percent = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=100, decimal_places=2)]
Multiple = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=1000, decimal_places=2)]
StakeBands = Annotated[tuple[StakeBand, ...], AfterValidator(_ascending)]
MoneyCaps = Annotated[tuple[MoneyCap, ...], AfterValidator(_distinct)]
Moments = Annotated[tuple[Moment, ...], AfterValidator(_set)]
IdentityFields = Annotated[tuple[IdentityData, ...], AfterValidator(_set)]
LimitKinds = Annotated[tuple[LimitKind, ...], AfterValidator(_set)]
# The form alone: what a host's time zone database holds must not decide whether the catalogue loads.
Timezone = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_]+){1,2}$")]
PaymentMethods = Annotated[tuple[PaymentMethod, ...], AfterValidator(_set)]
