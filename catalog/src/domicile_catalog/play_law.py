"""The facts of a jurisdiction that bind play, as one environment may rely on them on a day."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domicile_catalog.attestation import Attestation, answer
from domicile_catalog.facts import Fact
from domicile_catalog.model import Jurisdiction
from domicile_catalog.rule_errors import ContradictedRuleError, LaxerLimitError, RecalledRuleError, UnknownRuleError
from domicile_catalog.vocabulary import Confidence

# Each rule of rules.json and the fact that it comes from.
FACT_OF_RULE = {
    "regulator": "regulator",
    "currency": "currency",
    "timezone": "timezone",
    "min_age_years": "min_age",
    "slot_max_stake": "slot_max_stake",
    "slot_min_cycle_ms": "slot_min_cycle_seconds",
    "rtp_minimum_basis_points": "rtp_minimum_percent",
    "session_idle_timeout_s": "session_idle_minutes",
    "record_retention_years": "record_retention_years",
}

FACT_OF_OPTION = {
    "registration_fields": "identity_data",
    "verification_required": "kyc_before_play",
    "max_failed_logins": "login_failures_maximum",
    "lockout_minutes": "login_lockout",
    "lockout_until_reset": "login_lockout",
    "one_session_per_player": "concurrent_sessions",
    "new_device_notice": "login_notice",
    "dormancy_months": "dormancy_months",
    "withdrawal_reversal_window_s": "withdrawal_reversal_hours",
    "geolocation_moments": "geolocation_moments",
    "geolocation_territory": "geolocation_moments",
    "limits": "deposit_cap",  # and loss_cap
    "limit_kinds_required": "limits_required",
    "limit_loosening_hours": "limit_increase_hours",
    "self_exclusion_minimum_days": "self_exclusion_minimum_months",
    "time_out_maximum_days": "time_out",
    "reality_check_minutes": "reality_check_minutes",
    "reality_check_acknowledged": "reality_check_acknowledgement",
    "limit_loosening_confirmed": "limit_increase_confirmation",
    "approved_games_required": "game_approval",
    "exclusion_register": "self_exclusion_register",
    "exclusion_register_moments": "register_check_moments",
}
"""Rules that rules.json has only where the law of the jurisdiction says something: elsewhere the casino has a default
of its own. None of them stops a casino for being unknown."""

BINDING = frozenset(FACT_OF_RULE.values()) - {"regulator", "record_retention_years"}
"""The facts that the casino enforces on play: in production none may be a memory, nor unknown."""

NEEDED = frozenset({"currency", "timezone", "min_age"})
"""The facts without which no casino can run anywhere."""

NOT_OF_PLAY = ("placement.", "licence.")
"""Controls that bind the platform, and not the casino."""


@dataclass
class PlayLaw:
    """One jurisdiction's facts on a day, attestations counted."""

    jurisdiction: Jurisdiction
    attestations: tuple[Attestation, ...]
    on: date
    production: bool
    _known: dict[str, Fact[Any]] = field(default_factory=dict)

    def fact(self, name: str) -> Fact[Any]:
        if name not in self._known:
            found = answer(self.jurisdiction, name, self.attestations, self.on)
            if found.contradicts:
                raise ContradictedRuleError(
                    f"{name} of {self.jurisdiction.code} is {found.fact.value} by {found.fact.source}, and "
                    f"{found.contradicts.value} by {found.contradicts.reference}.",
                    rule=name,
                    remedy="Withdraw the attestation, or correct the catalogue with the newer source.",
                )
            if self.production and name in BINDING and found.fact.confidence is Confidence.RECALLED:
                raise RecalledRuleError(
                    f"{name} of {self.jurisdiction.name} is recalled, not sourced, and production relies on no memory.",
                    rule=name,
                    remedy=f"Add it to the catalogue with its source, or attest {self.jurisdiction.code} {name}.",
                )
            self._known[name] = found.fact
        return self._known[name]

    def refuse_what_is_unknown(self) -> None:
        """Raise UnknownRuleError that names every rule of play that nobody has read: it may not pass for "no limit"."""
        lacking = [name for name in FACT_OF_RULE.values() if name in BINDING and not self.fact(name).known]
        if lacking:
            raise UnknownRuleError(
                f"{', '.join(lacking)} of {self.jurisdiction.name} {'is' if len(lacking) == 1 else 'are'} unknown, and "
                "in production no limit may be missing because nobody has read it.",
                rule=lacking[0],
                remedy=f"Add each to the catalogue with its source, or attest it for {self.jurisdiction.code}; that "
                "there is no such rule is attested as null.",
            )

    def needed(self, name: str) -> Any:
        fact = self.fact(name)
        if fact.value is None:
            raise UnknownRuleError(
                f"{name} of {self.jurisdiction.name} is unknown, and a casino cannot run without it.",
                rule=name,
                remedy=f"Add it to the catalogue with its source, or attest {self.jurisdiction.code} {name}.",
            )
        return fact.value

    def laxer(self, limit: str, wanted: int, name: str, at: str) -> LaxerLimitError:
        fact = self.fact(name)
        known = f"{fact.confidence}: {fact.source}" if fact.source else str(fact.confidence)
        return LaxerLimitError(
            f"{limit} {wanted} is laxer than {self.jurisdiction.name}'s {name}, which is {at} ({known}).",
            rule=name,
            remedy=f"Set {limit} to {at} or stricter, or leave it out.",
        )
