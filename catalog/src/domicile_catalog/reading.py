"""Which facts a decision may rely on: the sourced, the attested, and outside production the recalled."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domicile_catalog import refusals
from domicile_catalog.attestation import Attestation, answer
from domicile_catalog.facts import Fact
from domicile_catalog.model import Jurisdiction
from domicile_catalog.refusals import Refusal
from domicile_catalog.vocabulary import Confidence, SourceKind

EXPIRY_NOTICE_DAYS = 30
"""From how many days before its last an attestation is announced to end."""

# A source is a source; but these only report what the law says.
HEARSAY = (SourceKind.PRESS, SourceKind.VENDOR, SourceKind.OTHER)


@dataclass
class Reading:
    """Reads one jurisdiction's facts, and remembers what the decision came to rest on and what to warn of."""

    jurisdiction: Jurisdiction
    production: bool
    attestations: tuple[Attestation, ...]
    on: date
    cited: dict[str, Fact[Any]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    expiring: list[str] = field(default_factory=list)

    def look(self, name: str) -> Fact[Any] | Refusal:
        """The fact, known or not, or a refusal where an attestation contradicts it."""
        found = answer(self.jurisdiction, name, self.attestations, self.on)
        if found.rests_on and (found.rests_on.expires_on - self.on).days <= EXPIRY_NOTICE_DAYS:
            self._ends_soon(found.rests_on)
        self.warnings.extend(warning for warning in found.warnings if warning not in self.warnings)
        if found.contradicts:
            return refusals.contradicted(self.jurisdiction, name, found.fact, found.contradicts)
        return found.fact

    def _ends_soon(self, one: Attestation) -> None:
        told = (
            f"{one.attested_by}'s attestation of {one.jurisdiction} {one.fact} ends with {one.expires_on}: renew it, "
            "or the tenants that rest on it are refused from the next day on."
        )
        if told not in self.expiring:
            self.expiring.append(told)

    def require(self, name: str) -> Fact[Any] | Refusal:
        """The fact, if this environment may rely on it."""
        fact = self.look(name)
        if isinstance(fact, Refusal):
            return fact
        if not fact.known:
            return refusals.fact_unknown(self.jurisdiction, name, fact)
        if fact.confidence is Confidence.RECALLED:
            if self.production:
                return refusals.recalled_in_production(self.jurisdiction, name, fact)
            if name not in self.cited:
                self.warnings.append(
                    f"{name} of {self.jurisdiction.code} ({refusals.spell(fact.value)}) is recalled, not "
                    "sourced: production would refuse it."
                )
        if fact.source_kind in HEARSAY and name not in self.cited:
            self.warnings.append(
                f"{name} of {self.jurisdiction.code} ({refusals.spell(fact.value)}) is sourced from {fact.source}, "
                "which is neither law nor regulator nor counsel: read the law before relying on it."
            )
        self.cited[name] = fact
        return fact

    @property
    def relied_on(self) -> dict[str, Confidence]:
        """The facts that the decision came to rest on, and how each is known."""
        return {name: fact.confidence for name, fact in self.cited.items()}
