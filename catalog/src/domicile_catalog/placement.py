"""Where data may lawfully rest: the one function that everything else calls."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from domicile_catalog import refusals
from domicile_catalog.attestation import Attestation
from domicile_catalog.licence import licence_needs, licence_refusal
from domicile_catalog.model import Catalogue, Jurisdiction, PersonalDataLaw, Place
from domicile_catalog.question import (
    Condition,
    ConditionType,
    Copy,
    Placement,
    Purpose,
    Question,
    Reason,
    resting_on,
)
from domicile_catalog.reading import Reading
from domicile_catalog.refusals import Refusal, spell
from domicile_catalog.residency import ResidencyRule, candidate_places, nowhere, residency_rule
from domicile_catalog.transfers import Home, is_free, laws_protecting, localisation, safeguards
from domicile_catalog.vocabulary import Confidence, DataClass, Product, Scope


def place(
    catalogue: Catalogue,
    question: Question,
    candidates: tuple[str, ...] | None = None,
    attestations: Iterable[Attestation] = (),
) -> Placement | Refusal:
    """Which places may hold one class of data, in which order of preference and why, or why none may.

    Pure, total and deterministic: the same arguments give the same answer, for any jurisdiction, and nothing is
    raised; the order of candidates does not matter. None for `candidates` means every place that the catalogue
    offers without being asked, which leaves out separate partitions. Preferred is where the law on personal data
    lets the data go without more, then ground of the jurisdiction, of its state, of a region that both belong to.
    """
    jurisdiction = catalogue.jurisdiction(question.jurisdiction, question.on)
    if jurisdiction is None:
        return refusals.unknown_jurisdiction(catalogue, question.jurisdiction)
    reading = Reading(jurisdiction, question.production, tuple(attestations), question.on)
    case = _Case(catalogue, question, reading)
    answer = _answer(case, candidates)
    update: dict[str, Any] = {
        "warnings": (*reading.warnings, *answer.warnings),
        "reasons": (*_facts(reading), *case.chain),
    }
    if isinstance(answer, Refusal):
        update |= {"needs": facts_needed(reading, (question.product,))}
    return answer.model_copy(update=update)


def facts_needed(reading: Reading, products: tuple[Product, ...]) -> tuple[str, ...]:
    """Every fact that must be sourced or attested first, so that nobody learns of them one refusal at a time."""
    again = Reading(reading.jurisdiction, reading.production, reading.attestations, reading.on)
    licence = licence_needs(again, products)
    if licence is None:
        return ()
    region, residency = again.look("primary_region"), again.look("data_residency")
    named = not isinstance(region, Refusal) and region.known
    bound = not isinstance(residency, Refusal) and residency.value == "in_region"
    names = ("data_residency", "primary_region") if named or bound else ("data_residency",)
    return (*licence, *(name for name in names if isinstance(again.require(name), Refusal)))


@dataclass
class _Case:
    """One question on its way to an answer, and the chain of reasons so far."""

    catalogue: Catalogue
    question: Question
    reading: Reading
    chain: list[Reason] = field(default_factory=list)

    @property
    def jurisdiction(self) -> Jurisdiction:
        return self.reading.jurisdiction

    @property
    def laws(self) -> tuple[PersonalDataLaw, ...]:
        """The laws on personal data that have a say: the licence's, and the player's home's."""
        if not self.catalogue.data_classes[self.question.bound_as].personal:
            return ()
        return laws_protecting(self.catalogue, self.jurisdiction.code, self.question.player_residence)

    def preference(self, found: Place) -> tuple[bool, bool]:
        """A sort key: where every law is known to let the data go comes first, then where that is remembered.

        What no such law binds goes the way of the rest, by the licence's own: the parts of a casino stand together.
        """
        laws = self.laws or laws_protecting(self.catalogue, self.jurisdiction.code)
        as_recalled = self.question.model_copy(update={"production": False})
        known, recalled = (
            all(is_free(self.catalogue, law, found, question) for law in laws)
            for question in (self.question, as_recalled)
        )
        return not known, not recalled


@dataclass(frozen=True)
class _Law:
    """What binds: the licence's rule and the player's home, and the candidates to hold against both."""

    rule: ResidencyRule
    home: Home | None
    candidates: tuple[Place, ...]


def _answer(case: _Case, named: tuple[str, ...] | None) -> Placement | Refusal:
    """The licence, the residency rule, the player's home, then the places: the order in which a lawyer would ask."""
    refusal = licence_refusal(case.reading, (case.question.product,))
    law = refusal or _law(case, named)
    if isinstance(law, Refusal):
        return law
    allowed = _allowed(case, law)
    if isinstance(allowed, Refusal):
        return allowed
    required = _required_copies(case, law, allowed)
    if isinstance(required, Refusal):
        return required
    return _placement(case, law, allowed, required)


def _law(case: _Case, named: tuple[str, ...] | None) -> _Law | Refusal:
    rule = residency_rule(case.catalogue, case.reading)
    if isinstance(rule, Refusal):
        return rule
    candidates = candidate_places(case.catalogue, case.jurisdiction, named)
    if isinstance(candidates, Refusal):
        return candidates
    home = localisation(case.catalogue, case.question, case.reading)
    return home if isinstance(home, Refusal) else _Law(rule, home, candidates)


def _allowed(case: _Case, law: _Law) -> tuple[Place, ...] | Refusal:
    """The places that the licence and the player's home both allow, the best first."""
    bound, home = case.question.bound_as, law.home
    rest = law.rule.rest(case.catalogue, bound, law.candidates)
    case.chain.append(Reason(text=f"{bound} may rest {_how_far(law.rule, rest.scope)}: {rest.why}"))
    if not rest.allowed:
        return nowhere(case.catalogue, law.rule, [bound], law.candidates)
    allowed = [found for found in law.candidates if found.code in rest.allowed]
    if home:
        case.chain += home.reasons
    if home and home.bound:
        allowed = [found for found in allowed if case.catalogue.is_within(found.territory, home.territory)]
        if not allowed:
            return home.because or refusals.residence_conflict(
                case.jurisdiction, home.territory, home.reasons[-1], bound, rest.allowed
            )
    return tuple(sorted(allowed, key=case.preference))


def _how_far(rule: ResidencyRule, scope: Scope) -> str:
    where = {
        Scope.TERRITORY: f"only in {rule.jurisdiction.name}",
        Scope.REGION: f"only in the {rule.region.value}" if rule.region else "only in a region",
        Scope.ANYWHERE: "anywhere",
    }
    return where[scope]


def _required_copies(case: _Case, law: _Law, allowed: tuple[Place, ...]) -> tuple[str, ...] | Refusal:
    """The places of the copies that a rule demands beside the primary: on the licence's ground, or the player's."""
    catalogue, rule, home, primary, found = case.catalogue, law.rule, law.home, allowed[0], []
    bound = case.question.bound_as
    copied_as = rule.of(bound).copied_as
    if copied_as is not None and not catalogue.is_within(primary.territory, case.jurisdiction.code):
        copies = rule.rest(catalogue, copied_as, law.candidates)
        if not copies.allowed:
            return nowhere(catalogue, rule, [copied_as], law.candidates)
        found.append(copies.allowed[0])
        case.chain.append(Reason(text=f"a copy rests in {copies.allowed[0]}: {copies.why}"))
    if home and home.copied and not catalogue.is_within(primary.territory, home.territory):
        at_home = [one.code for one in allowed if catalogue.is_within(one.territory, home.territory)]
        if not at_home:
            codes = tuple(one.code for one in allowed)
            return refusals.residence_conflict(
                case.jurisdiction, home.territory, home.reasons[-1], f"a copy of {bound}", codes
            )
        found.append(at_home[0])
        text = f"a copy rests in {at_home[0]}, where the player lives"
        case.chain.append(Reason(text=text, jurisdiction=home.territory))
    return tuple(dict.fromkeys(found))


def _placement(case: _Case, law: _Law, allowed: tuple[Place, ...], required: tuple[str, ...]) -> Placement:
    best = allowed[0]
    spare = next((found.code for found in allowed[1:] if found.code not in required), None)
    text = f"{best.code} is the best of {len(allowed)}: {_why_best(case, best)}"
    case.chain.append(Reason(text=text))
    copies = [Copy(place=code, purpose=Purpose.REQUIRED) for code in required]
    if spare:
        copies.append(Copy(place=spare, purpose=Purpose.RESILIENCE))
    return Placement(
        primary=best.code,
        allowed=tuple(found.code for found in allowed),
        copies=tuple(copies),
        conditions=(
            _attested(case, law),
            _resilient(case.question.data_class, best.code, copies),
            *_transfer(case, best),
        ),
        reasons=(),
    )


def _why_best(case: _Case, best: Place) -> str:
    catalogue, jurisdiction = case.catalogue, case.jurisdiction
    if catalogue.is_within(best.territory, jurisdiction.code):
        return f"it stands in {jurisdiction.name}"
    if catalogue.country(best.territory) == catalogue.country(jurisdiction.code):
        return f"it stands in the same state as {jurisdiction.name}"
    return f"of those allowed none is nearer to {jurisdiction.name}"


def _attested(case: _Case, law: _Law) -> Condition:
    kind, reading = ConditionType.ATTESTED, case.reading
    if Confidence.RECALLED in reading.relied_on.values() or (law.home and law.home.recalled):
        text = "A fact that this rests on is only recalled: production would refuse it."
        return Condition(type=kind, status=False, reason="FactRecalled", message=text)
    if reading.expiring:
        text = " ".join(reading.expiring)
        return Condition(type=kind, status=True, reason="AttestationExpiring", message=text)
    text = "Every fact that this rests on is sourced or attested."
    return Condition(type=kind, status=True, reason="Known", message=text)


def _resilient(data_class: DataClass, primary: str, copies: list[Copy]) -> Condition:
    kind = ConditionType.RESILIENT
    if copies:
        second = ", ".join(copy.place for copy in copies)
        text = f"{data_class} rests in {primary}, with a copy in {second}."
        return Condition(type=kind, status=True, reason="TwoPlaces", message=text)
    text = f"Of the candidates only {primary} may hold {data_class}: its loss loses what no other place may keep."
    return Condition(type=kind, status=False, reason="OnePlace", message=text)


def _transfer(case: _Case, best: Place) -> tuple[Condition, ...]:
    """Whether the laws on personal data of the licence and of the player's home let the data rest there."""
    kind, catalogue, jurisdiction = ConditionType.TRANSFER, case.catalogue, case.jurisdiction
    if not catalogue.data_classes[case.question.bound_as].personal:
        return ()
    asked = [
        safeguards(catalogue, law, best, case.question)
        for law in case.laws
        if not is_free(catalogue, law, best, case.question)
    ]
    if asked:
        return (Condition(type=kind, status=False, reason="SafeguardsNeeded", message=" ".join(asked)),)
    if not case.laws and not catalogue.is_within(best.territory, jurisdiction.code):
        law = jurisdiction.facts.personal_data_law.value or "the law on personal data"
        text = f"The data leaves {jurisdiction.name}; what {law} asks of that is not in the catalogue."
        return (Condition(type=kind, status=False, reason="LawUnread", message=text),)
    text = "The law on personal data lets the data rest there without more."
    return (Condition(type=kind, status=True, reason="Free", message=text),)


def _facts(reading: Reading) -> tuple[Reason, ...]:
    code = reading.jurisdiction.code
    return tuple(
        resting_on(f"{name} of {code} is {spell(fact.value)}", code, name, fact) for name, fact in reading.cited.items()
    )
