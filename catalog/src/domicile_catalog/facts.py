"""What sources say of a fact, the fact of a day, and the facts that every jurisdiction is asked for."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Generic, Self, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    create_model,
    model_validator,
)

from domicile_catalog.forms import (
    Age,
    Attempts,
    CurrencyCode,
    Frozen,
    Hours,
    IdentityFields,
    LimitKinds,
    Lockout,
    Minutes,
    Moments,
    MoneyCaps,
    Months,
    Multiple,
    Pause,
    PaymentMethods,
    Percent,
    RegionCode,
    Seconds,
    StakeBands,
    SystemName,
    Text,
    TimeOut,
    Timezone,
    Years,
)
from domicile_catalog.vocabulary import (
    AccessNotice,
    Confidence,
    Demand,
    Frequency,
    Kyc,
    LicenceRegime,
    Localisation,
    OnlineCasino,
    Permission,
    Product,
    Residency,
    SourceKind,
)

T = TypeVar("T")


class Finding(Frozen, Generic[T]):
    """What one source says of a fact, how it is known, and on which days it holds.

    `value` is None while the fact is unknown. A *known* None says that the jurisdiction sets no such rule;
    only the rules of play in `MAY_BE_NONE` can be that. `valid_from` and `valid_to` are days where the licence is,
    both included; None leaves that end open. `clause` is the article or condition, `excerpt` the words that were
    read.
    """

    value: T | None = None
    confidence: Confidence
    source: Annotated[str, Field(min_length=1)] | None = None
    source_kind: SourceKind | None = None
    clause: Annotated[str, Field(min_length=1)] | None = None
    excerpt: Annotated[str, Field(min_length=1, max_length=400)] | None = None
    note: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None

    @model_validator(mode="after")
    def _confidence_agrees(self) -> Self:
        if self.confidence is Confidence.UNKNOWN and self.value is not None:
            raise ValueError("an unknown fact has no value; mark it recalled, or sourced with its source")
        if self.confidence in (Confidence.SOURCED, Confidence.ATTESTED) and not self.source:
            raise ValueError(f"{self.confidence} needs a source; without one the fact is recalled")
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise ValueError("valid_to is before valid_from")
        return self

    @property
    def known(self) -> bool:
        """Whether somebody answered, even if the answer is that there is no such rule."""
        return self.confidence is not Confidence.UNKNOWN

    def holds(self, on: date) -> bool:
        """Whether the rule is in force on that day."""
        return (self.valid_from is None or self.valid_from <= on) and (self.valid_to is None or on <= self.valid_to)


class Fact(Finding[T], Generic[T]):
    """A fact as it stands on one day: the finding that binds, and what other sources say that hold on it."""

    others: tuple[Finding[Any], ...] = ()

    @property
    def given(self) -> T:
        """The value of a fact that must have one by now."""
        assert self.value is not None, "a fact was relied on before it was known"
        return self.value


UNKNOWN: Fact[Any] = Fact(confidence=Confidence.UNKNOWN)

MAY_BE_NONE = frozenset(
    {
        "slot_max_stake",
        "slot_min_cycle_seconds",
        "rtp_minimum_percent",
        "session_idle_minutes",
        "other_games_min_cycle_seconds",
        "reality_check_minutes",
        "forced_pause",
        "limits_required",
        "limits_offered",
        "limit_increase_hours",
        "deposit_cap",
        "loss_cap",
        "time_out",
        "self_exclusion_register",
        "self_exclusion_minimum_months",
        "register_check_moments",
        "kyc_deadline_hours",
        "bonus_wagering_maximum",
        "payment_methods_banned",
        "geolocation_moments",
        "geolocation_recheck_minutes",
        "login_failures_maximum",
        "login_lockout",
        "identity_data",
        "dormancy_months",
        "withdrawal_reversal_hours",
        "regulator_system",
        "reporting_frequency",
        "reporting_format",
    }
)


class Facts(Frozen):
    """What the catalogue asks of every jurisdiction, as it stands on one day."""

    regulator: Fact[Text] = UNKNOWN
    law: Fact[Text] = UNKNOWN
    licence_regime: Fact[LicenceRegime] = UNKNOWN
    online_casino: Fact[OnlineCasino] = UNKNOWN
    licensed_products: Fact[tuple[Product, ...]] = UNKNOWN
    live_casino: Fact[Permission] = UNKNOWN
    data_residency: Fact[Residency] = UNKNOWN
    primary_region: Fact[RegionCode] = UNKNOWN
    server_location: Fact[Text] = UNKNOWN
    personal_data_law: Fact[Text] = UNKNOWN
    record_retention_years: Fact[Years] = UNKNOWN
    aml_retention_years: Fact[Years] = UNKNOWN
    currency: Fact[CurrencyCode] = UNKNOWN
    timezone: Fact[Timezone] = UNKNOWN
    min_age: Fact[Age] = UNKNOWN
    slot_max_stake: Fact[StakeBands] = UNKNOWN
    slot_min_cycle_seconds: Fact[Seconds] = UNKNOWN
    rtp_minimum_percent: Fact[Percent] = UNKNOWN
    session_idle_minutes: Fact[Minutes] = UNKNOWN
    other_games_min_cycle_seconds: Fact[Seconds] = UNKNOWN
    autoplay: Fact[Permission] = UNKNOWN
    speed_features: Fact[Permission] = UNKNOWN
    concurrent_games: Fact[Permission] = UNKNOWN
    concurrent_sessions: Fact[Permission] = UNKNOWN
    game_approval: Fact[Demand] = UNKNOWN
    reality_check_minutes: Fact[Minutes] = UNKNOWN
    reality_check_acknowledgement: Fact[Demand] = UNKNOWN
    forced_pause: Fact[Pause] = UNKNOWN
    limits_required: Fact[LimitKinds] = UNKNOWN
    limits_offered: Fact[LimitKinds] = UNKNOWN
    limit_increase_hours: Fact[Hours] = UNKNOWN
    limit_increase_confirmation: Fact[Demand] = UNKNOWN
    deposit_cap: Fact[MoneyCaps] = UNKNOWN
    loss_cap: Fact[MoneyCaps] = UNKNOWN
    time_out: Fact[TimeOut] = UNKNOWN
    self_exclusion_register: Fact[SystemName] = UNKNOWN
    self_exclusion_minimum_months: Fact[Months] = UNKNOWN
    register_check_moments: Fact[Moments] = UNKNOWN
    kyc_before_play: Fact[Kyc] = UNKNOWN
    kyc_deadline_hours: Fact[Hours] = UNKNOWN
    bonus: Fact[Permission] = UNKNOWN
    bonus_wagering_maximum: Fact[Multiple] = UNKNOWN
    payment_methods_banned: Fact[PaymentMethods] = UNKNOWN
    geolocation_moments: Fact[Moments] = UNKNOWN
    geolocation_recheck_minutes: Fact[Minutes] = UNKNOWN
    login_failures_maximum: Fact[Attempts] = UNKNOWN
    login_lockout: Fact[Lockout] = UNKNOWN
    login_notice: Fact[AccessNotice] = UNKNOWN
    identity_data: Fact[IdentityFields] = UNKNOWN
    dormancy_months: Fact[Months] = UNKNOWN
    withdrawal_reversal_hours: Fact[Hours] = UNKNOWN
    regulator_system: Fact[SystemName] = UNKNOWN
    reporting_frequency: Fact[Frequency] = UNKNOWN
    reporting_format: Fact[SystemName] = UNKNOWN
    personal_data_localisation: Fact[Localisation] = UNKNOWN
    payment_data_localisation: Fact[Localisation] = UNKNOWN
    gaming_tax: Fact[Text] = UNKNOWN

    @model_validator(mode="after")
    def _known_facts_have_values(self) -> Self:
        for name, fact in self.items():
            _has_a_value(name, fact)
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


def _has_a_value(name: str, finding: Finding[Any]) -> None:
    if finding.known and finding.value is None and name not in MAY_BE_NONE:
        raise ValueError(f"{name} is marked {finding.confidence} and has no value; mark it unknown")


class RecordsBase(Frozen):
    """All that the sources say of each fact, through all time. A fact that a file leaves out is unknown."""

    @model_validator(mode="after")
    def _findings_agree_with_themselves(self) -> Self:
        for name, findings in self.items():
            for finding in findings:
                _has_a_value(name, finding)
            _one_value_at_a_time(name, findings)
        return self

    def items(self) -> Iterator[tuple[str, tuple[Finding[Any], ...]]]:
        """The findings of every fact by name, in the order of the facts."""
        for name in type(self).model_fields:
            yield name, getattr(self, name)

    def get(self, name: str) -> tuple[Finding[Any], ...]:
        """The findings of that fact. KeyError where there is no such fact."""
        if name not in type(self).model_fields:
            raise KeyError(name)
        found: tuple[Finding[Any], ...] = getattr(self, name)
        return found


def _one_value_at_a_time(name: str, findings: tuple[Finding[Any], ...]) -> None:
    """One source cannot say two things of one day. Two sources can: that is a conflict, and resolved."""
    for at, one in enumerate(findings):
        for other in findings[:at]:
            same = (one.source, one.confidence, one.clause) == (other.source, other.confidence, other.clause)
            if same and one.value != other.value and _overlap(one, other):
                where = f"by {one.source}" if one.source else f"as {one.confidence}"
                raise ValueError(
                    f"{name} is {other.value} and {one.value} on the same day {where}: end the one before the other"
                )


def _overlap(one: Finding[Any], other: Finding[Any]) -> bool:
    return (one.valid_to or date.max) >= (other.valid_from or date.min) and (other.valid_to or date.max) >= (
        one.valid_from or date.min
    )


def one_or_many(written: Any) -> Any:
    """A single finding may stand without a list around it."""
    return written if isinstance(written, list | tuple) else [written]


def _findings(fact: Any) -> Any:
    """The type of a record for a fact's type: Fact[X] becomes a tuple of Finding[X]."""
    value = fact.__pydantic_generic_metadata__["args"][0]
    return (Annotated[tuple[Finding[value], ...], BeforeValidator(one_or_many)], ())  # type: ignore[valid-type]


# One list of facts, not two: what Facts asks for one day, Records keeps for all.
Records = create_model(
    "Records",
    __base__=RecordsBase,
    **{name: _findings(field.annotation) for name, field in Facts.model_fields.items()},
)
