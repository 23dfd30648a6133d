"""rules.json as types. The file is the casino's only source of limits (docs/architecture.md)."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

DEFAULT_IDLE_TIMEOUT_S = 30 * 60
"""Where the jurisdiction sets no idle time-out: half an hour, our own default."""


class StakeBand(BaseModel):
    """The largest slot stake, in minor units, from an age on."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    min_age_years: int = Field(ge=0)
    stake_minor: int = Field(gt=0)


class Territory(BaseModel):
    """Where play may be offered from, as data: region codes of the IP database, and an outline for device positions.

    `polygons` are rings of `[longitude, latitude]` in degrees (WGS 84), the first of each the outer one and the others
    holes in it. An empty one means that positions are not asked for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    regions: tuple[str, ...] = Field(min_length=1)
    polygons: tuple[tuple[tuple[tuple[float, float], ...], ...], ...] = ()
    position_required: bool = False
    max_accuracy_m: float = Field(default=1000.0, gt=0)


class LimitRule(BaseModel):
    """What the jurisdiction says of one limit of players (docs/responsible-gaming.md).

    Of money in minor units, of `session` in minutes. `maximum` binds everybody, whatever they set; `default` binds who
    has set none; `required`: without one of their own nobody deposits.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    kind: Literal["deposit", "loss", "stake", "session"]
    period: Literal["day", "week", "month"]
    maximum: int | None = Field(default=None, ge=0)
    default: int | None = Field(default=None, ge=0)
    required: bool = False


class Rules(BaseModel):
    """What the catalogue says for this tenant. `None` means that the jurisdiction sets no such limit."""

    # Unknown keys are let through: a newer catalogue may tell more. Missing or malformed ones are refused.
    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)

    # `schema` is the name in the file; pydantic has an old method of that name.
    schema_version: int = Field(alias="schema", ge=1, le=1)
    catalogue_version: str
    jurisdiction: str
    jurisdiction_name: str
    regulator: str
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    currency_exponent: int = Field(ge=0, le=4)
    timezone: str
    min_age_years: int = Field(ge=1)
    slot_max_stake: tuple[StakeBand, ...] | None
    slot_min_cycle_ms: int | None = Field(ge=0)
    rtp_minimum_basis_points: int | None = Field(ge=0, le=10000)
    session_idle_timeout_s: int | None = Field(gt=0)
    record_retention_years: int | None = Field(ge=0)
    withdrawal_reversal_window_s: int | None = Field(default=None, ge=0)
    # What follows may be missing: the default asks for no more than the casino always did.
    registration_fields: tuple[str, ...] = ()
    verification_required: bool = False
    max_failed_logins: int = Field(default=5, ge=1)
    lockout_minutes: int = Field(default=30, ge=1)
    lockout_until_reset: bool = False
    one_session_per_player: bool = False
    new_device_notice: bool = False
    dormancy_months: int | None = Field(default=None, ge=1)
    geolocation_moments: tuple[Literal["login", "deposit", "bet"], ...] = ()
    geolocation_territory: Territory | None = None
    approved_games_required: bool = False
    parameters: dict[str, Any] = Field(default_factory=dict)
    """Other controls whose rule is known, by their fact, in the catalogue's own form."""
    # Protection of players: docs/responsible-gaming.md says what each does.
    limits: tuple[LimitRule, ...] = ()
    limit_kinds_required: tuple[Literal["deposit", "loss", "stake", "session"], ...] = ()
    limit_loosening_hours: int = Field(default=24, ge=0)
    limit_loosening_confirmed: bool = False
    self_exclusion_minimum_days: int = Field(default=180, ge=1)
    self_exclusion_endless_days: int = Field(default=180, ge=1)
    self_exclusion_ends: Literal["automatically", "on_request"] = "on_request"
    self_exclusion_return_hours: int = Field(default=24, ge=0)
    self_excluded_may_log_in: bool = False
    time_out_maximum_days: int = Field(default=42, ge=1)
    reality_check_minutes: int | None = Field(default=None, ge=1)
    reality_check_acknowledged: bool = False
    exclusion_register: str | None = None
    exclusion_register_moments: tuple[Literal["registration", "login", "deposit", "marketing"], ...] = ()
    confidence: dict[str, str] = Field(default_factory=dict)
    sources: dict[str, str] = Field(default_factory=dict)

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"{value!r} is no time zone of the tz database") from None
        return value

    @model_validator(mode="after")
    def _bands_cover_every_player(self) -> Rules:
        if self.slot_max_stake is not None:
            if not self.slot_max_stake:
                raise ValueError("slot_max_stake is an empty list: use null for no limit")
            if min(band.min_age_years for band in self.slot_max_stake) > self.min_age_years:
                raise ValueError("slot_max_stake has no band for the youngest players")
        return self

    @model_validator(mode="after")
    def _moments_have_a_territory(self) -> Rules:
        if self.geolocation_moments and self.geolocation_territory is None:
            raise ValueError("geolocation_moments without geolocation_territory: nobody could ever be let in")
        return self

    @model_validator(mode="after")
    def _limits_are_told_once(self) -> Rules:
        told = [(limit.kind, limit.period) for limit in self.limits]
        if len(set(told)) != len(told):
            raise ValueError("limits has two rules for one kind and period")
        return self

    @model_validator(mode="after")
    def _moments_have_a_register(self) -> Rules:
        if bool(self.exclusion_register_moments) != (self.exclusion_register is not None):
            raise ValueError("exclusion_register and exclusion_register_moments belong together")
        return self

    @property
    def idle_timeout_s(self) -> int:
        """Seconds without a request after which a session ends."""
        return self.session_idle_timeout_s or DEFAULT_IDLE_TIMEOUT_S


def age_on(date_of_birth: date, today: date) -> int:
    """Full years of age on a day. Who was born on 29 February comes of age on 1 March in other years.

    That is the later of the two dates in use, so it never lets in who is still under age.
    """
    had_birthday = (today.month, today.day) >= (date_of_birth.month, date_of_birth.day)
    return today.year - date_of_birth.year - (0 if had_birthday else 1)
