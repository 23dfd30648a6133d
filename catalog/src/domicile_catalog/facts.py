"""One fact of a jurisdiction, and the facts that every jurisdiction is asked for."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, model_validator

from domicile_catalog.vocabulary import (
    Confidence,
    Kyc,
    LicenceRegime,
    OnlineCasino,
    Product,
    Residency,
    SourceKind,
)

T = TypeVar("T")


class Frozen(BaseModel):
    """A value: immutable, and without room for a misspelt key."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Fact(Frozen, Generic[T]):
    """A value, how it is known, and where it was read.

    `value` is None while the fact is unknown. A *known* None says that the jurisdiction sets no such rule;
    only the rules of play in `MAY_BE_NONE` can be that.
    """

    value: T | None = None
    confidence: Confidence
    source: Annotated[str, Field(min_length=1)] | None = None
    source_kind: SourceKind | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _confidence_agrees(self) -> Self:
        if self.confidence is Confidence.UNKNOWN and self.value is not None:
            raise ValueError("an unknown fact has no value; mark it recalled, or sourced with its source")
        if self.confidence in (Confidence.SOURCED, Confidence.ATTESTED) and not self.source:
            raise ValueError(f"{self.confidence} needs a source; without one the fact is recalled")
        return self

    @property
    def known(self) -> bool:
        """Whether somebody answered, even if the answer is that there is no such rule."""
        return self.confidence is not Confidence.UNKNOWN

    @property
    def given(self) -> T:
        """The value of a fact that must have one by now."""
        assert self.value is not None, "a fact was relied on before it was known"
        return self.value


class StakeBand(Frozen):
    """The highest stake per spin from an age on, in minor units of the jurisdiction's currency."""

    min_age: Annotated[StrictInt, Field(ge=0, le=120)]
    stake_minor: Annotated[StrictInt, Field(gt=0)]


def _ascending(bands: tuple[StakeBand, ...]) -> tuple[StakeBand, ...]:
    ages = [band.min_age for band in bands]
    if not ages or ages != sorted(set(ages)):
        raise ValueError("age bands must be at least one, in ascending order, each age once")
    return bands


def _exact(value: Any) -> Any:
    # 2.5 in a file means 2.5: a binary float never reaches the arithmetic.
    return Decimal(str(value)) if isinstance(value, float) else value


Text = Annotated[str, Field(min_length=1)]
CurrencyCode = Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
RegionCode = Annotated[str, Field(pattern=r"^[A-Z]{2,8}$")]
Age = Annotated[StrictInt, Field(ge=16, le=99)]
Years = Annotated[StrictInt, Field(ge=1, le=100)]
Minutes = Annotated[StrictInt, Field(ge=1, le=24 * 60)]
Seconds = Annotated[Decimal, BeforeValidator(_exact), Field(gt=0, le=3600, decimal_places=3)]
Percent = Annotated[Decimal, BeforeValidator(_exact), Field(ge=0, le=100, decimal_places=2)]
StakeBands = Annotated[tuple[StakeBand, ...], AfterValidator(_ascending)]
# The form alone: what a host's time zone database holds must not decide whether the catalogue loads.
Timezone = Annotated[str, Field(pattern=r"^[A-Z][A-Za-z_]+(/[A-Z][A-Za-z_]+){1,2}$")]

UNKNOWN: Fact[Any] = Fact(confidence=Confidence.UNKNOWN)

MAY_BE_NONE = frozenset({"slot_max_stake", "slot_min_cycle_seconds", "rtp_minimum_percent", "session_idle_minutes"})


class Facts(Frozen):
    """What the catalogue asks of every jurisdiction. A fact that a file leaves out is unknown."""

    regulator: Fact[Text] = UNKNOWN
    law: Fact[Text] = UNKNOWN
    licence_regime: Fact[LicenceRegime] = UNKNOWN
    online_casino: Fact[OnlineCasino] = UNKNOWN
    licensed_products: Fact[tuple[Product, ...]] = UNKNOWN
    data_residency: Fact[Residency] = UNKNOWN
    primary_region: Fact[RegionCode] = UNKNOWN
    personal_data_law: Fact[Text] = UNKNOWN
    record_retention_years: Fact[Years] = UNKNOWN
    currency: Fact[CurrencyCode] = UNKNOWN
    timezone: Fact[Timezone] = UNKNOWN
    min_age: Fact[Age] = UNKNOWN
    slot_max_stake: Fact[StakeBands] = UNKNOWN
    slot_min_cycle_seconds: Fact[Seconds] = UNKNOWN
    rtp_minimum_percent: Fact[Percent] = UNKNOWN
    session_idle_minutes: Fact[Minutes] = UNKNOWN
    deposit_limit_rule: Fact[Text] = UNKNOWN
    self_exclusion_register: Fact[Text] = UNKNOWN
    kyc_before_play: Fact[Kyc] = UNKNOWN
    gaming_tax: Fact[Text] = UNKNOWN

    @model_validator(mode="after")
    def _known_facts_have_values(self) -> Self:
        for name, fact in self.items():
            if fact.known and fact.value is None and name not in MAY_BE_NONE:
                raise ValueError(f"{name} is marked {fact.confidence} and has no value; mark it unknown")
        return self

    def items(self) -> Iterator[tuple[str, Fact[Any]]]:
        """Every fact by name, in the order above."""
        for name in type(self).model_fields:
            yield name, getattr(self, name)

    def get(self, name: str) -> Fact[Any]:
        """The fact of that name. KeyError where there is no such fact."""
        if name not in type(self).model_fields:
            raise KeyError(name)
        fact: Fact[Any] = getattr(self, name)
        return fact


FACT_NAMES = tuple(Facts.model_fields)
