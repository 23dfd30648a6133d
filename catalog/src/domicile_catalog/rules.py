"""The rules that bind play for one tenant: what the casino reads as rules.json."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pydantic import Field, TypeAdapter

from domicile_catalog.attestation import Attestation, answer
from domicile_catalog.facts import Fact
from domicile_catalog.forms import Frozen, StakeBand
from domicile_catalog.model import Catalogue
from domicile_catalog.play_law import BINDING, FACT_OF_OPTION, FACT_OF_RULE, NEEDED, NOT_OF_PLAY, PlayLaw
from domicile_catalog.protection import PlayLimit, demanded, protection_options, register_options
from domicile_catalog.rule_errors import (
    InvalidLimitError,
    UnknownJurisdictionError,
    UnknownRuleError,
)
from domicile_catalog.tenancy import TenantRequest
from domicile_catalog.vocabulary import AccessNotice, Confidence, IdentityData, Kyc, Moment, Permission

SCHEMA = 1

SLOT_MAX_STAKE = "slotMaxStakeMinor"
MIN_AGE = "minAgeYears"
SESSION_IDLE = "sessionIdleTimeoutSeconds"
LIMITS = (SLOT_MAX_STAKE, MIN_AGE, SESSION_IDLE)


class StakeLimit(Frozen):
    """The highest stake per spin for players of at least this age, in minor units."""

    min_age_years: int
    stake_minor: int


class PlayTerritory(Frozen):
    """Where players must be: regions by ISO 3166 code, as databases of networks have them."""

    regions: tuple[str, ...]


class Rules(Frozen):
    """rules.json, field for field. None means that no limit is set.

    Money is in minor units of `currency`, durations are in the unit of their name. `parameters` has every other
    control of play whose rule is known, by its fact, in the catalogue's own form; null says that there is no such rule.
    Options are left out of the file where they are None: the law says nothing of them, or nobody has read it, and the
    casino has a default (docs/players.md, docs/responsible-gaming.md).

    `confidence` and `sources` have an entry for each rule and parameter: a limit that the tenant tightened is its
    jurisdiction's rule still.
    """

    schema_version: int = Field(default=SCHEMA, serialization_alias="schema")
    catalogue_version: str
    jurisdiction: str
    jurisdiction_name: str
    regulator: str | None
    currency: str
    currency_exponent: int
    timezone: str
    min_age_years: int
    slot_max_stake: tuple[StakeLimit, ...] | None
    slot_min_cycle_ms: int | None
    rtp_minimum_basis_points: int | None
    session_idle_timeout_s: int | None
    record_retention_years: int | None
    registration_fields: tuple[IdentityData, ...] | None = None
    verification_required: bool | None = None
    max_failed_logins: int | None = None
    lockout_minutes: int | None = None
    lockout_until_reset: bool | None = None
    one_session_per_player: bool | None = None
    new_device_notice: bool | None = None
    dormancy_months: int | None = None
    withdrawal_reversal_window_s: int | None = None
    geolocation_moments: tuple[str, ...] | None = None
    geolocation_territory: PlayTerritory | None = None
    limits: tuple[PlayLimit, ...] | None = None
    limit_kinds_required: tuple[str, ...] | None = None
    limit_loosening_hours: int | None = None
    self_exclusion_minimum_days: int | None = None
    time_out_maximum_days: int | None = None
    reality_check_minutes: int | None = None
    reality_check_acknowledged: bool | None = None
    limit_loosening_confirmed: bool | None = None
    approved_games_required: bool | None = None
    exclusion_register: str | None = None
    exclusion_register_moments: tuple[str, ...] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    confidence: dict[str, Confidence]
    sources: dict[str, str]

    @property
    def digest(self) -> str:
        """The sha256 of rules.json: two tenants with one digest play by the same rules."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def to_json(self) -> str:
        """The text of rules.json: the same rules give the same bytes."""
        content = self.model_dump(mode="json", by_alias=True)
        content = {name: value for name, value in content.items() if value is not None or name not in FACT_OF_OPTION}
        return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def tenant_rules(
    catalogue: Catalogue,
    jurisdiction: str,
    limits: Mapping[str, int],
    on: date,
    attestations: Iterable[Attestation] = (),
    *,
    production: bool = False,
    registers: Collection[str] | None = None,
) -> Rules:
    """The jurisdiction's rules of play, tightened by the tenant's limits.

    `limits` has any of slotMaxStakeMinor (minor units per spin), minAgeYears and sessionIdleTimeoutSeconds.
    `registers` are the names of the registers of excluded persons that the casino can ask: one that is not among them
    is named in `parameters` alone, and `exclusion_register` is left out. None asks what the law is, whatever can be
    reached.
    Raises, all of them RulesError: LaxerLimitError where a limit is laxer than the rule; InvalidLimitError;
    UnknownRuleError where the jurisdiction's currency, timezone or minimum age is unknown, and in production where any
    rule of `BINDING` is; RecalledRuleError where one is only recalled in production; ContradictedRuleError where an
    attestation contradicts a source; UnknownJurisdictionError.
    """
    found = catalogue.jurisdiction(jurisdiction, on)
    if found is None:
        near = " or ".join(catalogue.suggest(jurisdiction))
        raise UnknownJurisdictionError(
            f"the catalogue has no jurisdiction {jurisdiction!r}.",
            rule="jurisdiction",
            remedy=f"Did you mean {near}?" if near else "Use one of the catalogue's codes.",
        )
    _check_form(limits)
    law = PlayLaw(found, tuple(attestations), on, production)
    if production:
        law.refuse_what_is_unknown()
    currency: str = law.needed("currency")
    if currency not in catalogue.currencies:
        raise UnknownRuleError(
            f"the minor unit of {currency} is unknown.",
            rule="currency",
            remedy="Correct the attested currency, or add its ISO 4217 exponent to the catalogue.",
        )
    parameters = {name: fact for name in _parameters(catalogue) if (fact := law.fact(name)).known}
    options = _options(law) | register_options(law, registers)
    told = {rule: law.fact(name) for rule, name in FACT_OF_RULE.items()} | parameters
    told |= {rule: _fact_behind(rule, law) for rule in options}
    min_age = _tighten_age(law, limits.get(MIN_AGE))
    return Rules(
        catalogue_version=catalogue.version,
        jurisdiction=found.code,
        jurisdiction_name=found.name,
        regulator=law.fact("regulator").value,
        currency=currency,
        currency_exponent=catalogue.currencies[currency],
        timezone=law.needed("timezone"),
        min_age_years=min_age,
        slot_max_stake=_tighten_stakes(law, limits.get(SLOT_MAX_STAKE), min_age),
        slot_min_cycle_ms=_scaled(law.fact("slot_min_cycle_seconds").value, 1000),
        rtp_minimum_basis_points=_scaled(law.fact("rtp_minimum_percent").value, 100),
        session_idle_timeout_s=_tighten_idle(law, limits.get(SESSION_IDLE)),
        record_retention_years=law.fact("record_retention_years").value,
        **options,
        parameters={name: _plain(fact.value) for name, fact in parameters.items()},
        confidence={rule: fact.confidence for rule, fact in told.items()},
        sources={rule: fact.source for rule, fact in told.items() if fact.source},
    )


def _options(law: PlayLaw) -> dict[str, Any]:
    """The options of which the law says something, in the casino's units."""
    lockout, notice = law.fact("login_lockout").value, law.fact("login_notice").value
    sessions, verified = law.fact("concurrent_sessions").value, law.fact("kyc_before_play").value
    found = {
        "registration_fields": law.fact("identity_data").value,
        "verification_required": None if verified is None else verified is Kyc.YES,
        "max_failed_logins": law.fact("login_failures_maximum").value,
        "lockout_minutes": lockout.minutes if lockout else None,
        "lockout_until_reset": lockout.until_reset if lockout else None,
        "one_session_per_player": None if sessions is None else sessions is Permission.BANNED,
        "new_device_notice": None if notice is None else notice is not AccessNotice.NONE,
        "dormancy_months": law.fact("dormancy_months").value,
        "withdrawal_reversal_window_s": _scaled(law.fact("withdrawal_reversal_hours").value, 3600),
        "approved_games_required": demanded(law.fact("game_approval").value),
        **_places(law),
        **protection_options(law),
    }
    return {rule: value for rule, value in found.items() if value is not None}


CHECKED_AT = {Moment.LOGIN: "login", Moment.DEPOSIT: "deposit", Moment.WAGER: "bet"}
"""The moments at which the casino can ask where a player is, in its words."""


def _places(law: PlayLaw) -> dict[str, Any]:
    """When players must be where the licence is, and where that is.

    A licence reaches as far as its jurisdiction. Outlines for device positions are not here: nobody has given any.
    """
    asked = law.fact("geolocation_moments").value or ()
    moments = tuple(told for moment, told in CHECKED_AT.items() if moment in asked)
    if not moments:
        return {}
    territory = PlayTerritory(regions=(law.jurisdiction.code,))
    return {"geolocation_moments": moments, "geolocation_territory": territory}


def _fact_behind(rule: str, law: PlayLaw) -> Fact[Any]:
    """The fact that an option is told by; of limits, which have two, the one that has any."""
    fact: Fact[Any] = law.fact(FACT_OF_OPTION[rule])
    return law.fact("loss_cap") if rule == "limits" and fact.value is None else fact


def _parameters(catalogue: Catalogue) -> list[str]:
    """The facts of the controls that bind play and have no field of their own."""
    play = (control.fact for name, control in catalogue.controls.items() if not name.startswith(NOT_OF_PLAY))
    return [fact for fact in play if fact not in FACT_OF_RULE.values()]


def _plain(value: Any) -> Any:
    """The value as JSON has it: decimals as text, so that none is rounded."""
    return TypeAdapter(Any).dump_python(value, mode="json")


def rules_for(
    catalogue: Catalogue,
    request: TenantRequest,
    limits: Mapping[str, int],
    *,
    registers: Collection[str] | None = None,
) -> Rules:
    """`tenant_rules()` for a tenant that is to be placed. Raises what that raises."""
    return tenant_rules(
        catalogue,
        request.jurisdiction,
        limits,
        request.on,
        request.attestations,
        production=request.production,
        registers=registers,
    )


def rules_needed(catalogue: Catalogue, request: TenantRequest) -> tuple[str, ...]:
    """Every fact that must be sourced or attested before there are rules of play, in the order of `FACT_OF_RULE`.

    Empty for a jurisdiction that the catalogue does not have.
    """
    found = catalogue.jurisdiction(request.jurisdiction, request.on)
    if found is None:
        return ()
    needed = BINDING if request.production else NEEDED
    names = [name for name in FACT_OF_RULE.values() if name in needed]
    facts = {name: answer(found, name, request.attestations, request.on).fact for name in names}
    return tuple(
        name
        for name, fact in facts.items()
        if not fact.known or (request.production and fact.confidence is Confidence.RECALLED)
    )


def _check_form(limits: Mapping[str, int]) -> None:
    for name, value in limits.items():
        if name not in LIMITS:
            raise InvalidLimitError(
                f"there is no limit {name!r}.", rule="limits", remedy=f"The limits are {', '.join(LIMITS)}."
            )
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise InvalidLimitError(f"{name} is {value!r}.", rule="limits", remedy="Set it to a positive whole number.")


def _tighten_age(law: PlayLaw, wanted: int | None) -> int:
    """The older of the rule and the limit."""
    lawful: int = law.needed("min_age")
    if wanted is None:
        return lawful
    if wanted < lawful:
        raise law.laxer(MIN_AGE, wanted, "min_age", str(lawful))
    return wanted


def _tighten_idle(law: PlayLaw, wanted: int | None) -> int | None:
    """The shorter of the rule and the limit, in seconds."""
    lawful = _scaled(law.fact("session_idle_minutes").value, 60)
    if wanted is None or lawful is None:
        return wanted if lawful is None else lawful
    if wanted > lawful:
        raise law.laxer(SESSION_IDLE, wanted, "session_idle_minutes", f"{lawful} s")
    return wanted


def _tighten_stakes(law: PlayLaw, wanted: int | None, min_age: int) -> tuple[StakeLimit, ...] | None:
    """The lower stake of rule and limit in every age band that players of at least `min_age` fall in.

    A limit between two bands tightens the higher one. One above every band would only be laxer.
    """
    bands: tuple[StakeBand, ...] | None = law.fact("slot_max_stake").value
    if bands is None:
        return None if wanted is None else (StakeLimit(min_age_years=min_age, stake_minor=wanted),)
    highest = max(band.stake_minor for band in bands)
    if wanted is not None and wanted > highest:
        raise law.laxer(SLOT_MAX_STAKE, wanted, "slot_max_stake", str(highest))

    def stake(band: StakeBand) -> int:
        return band.stake_minor if wanted is None else min(band.stake_minor, wanted)

    # Players younger than the first band, where an attested age lets them in, get the first band's stake.
    tightened = [StakeLimit(min_age_years=min_age, stake_minor=stake(bands[0]))]
    for band in bands[1:]:
        if band.min_age <= min_age:
            tightened = [StakeLimit(min_age_years=min_age, stake_minor=stake(band))]
        elif tightened[-1].stake_minor != stake(band):
            tightened.append(StakeLimit(min_age_years=band.min_age, stake_minor=stake(band)))
    return tuple(tightened)


def _scaled(value: int | Decimal | None, factor: int) -> int | None:
    """The value in a unit `factor` times smaller, exactly."""
    if value is None:
        return None
    scaled = Decimal(value) * factor
    whole = int(scaled)
    if whole != scaled:
        raise ArithmeticError(f"{value} x {factor} is not whole; the catalogue's forms should not allow it")
    return whole
