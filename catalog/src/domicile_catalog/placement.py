"""Where data may lawfully rest: the one function that everything else calls."""

from collections.abc import Iterable
from typing import Any

from domicile_catalog import refusals
from domicile_catalog.attestation import Attestation
from domicile_catalog.case import Case, Law
from domicile_catalog.conditions import attested, resilient, transfer
from domicile_catalog.licence import licence_needs, licence_refusal
from domicile_catalog.model import Catalogue, Place
from domicile_catalog.question import (
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
from domicile_catalog.transfers import Home, localisation
from domicile_catalog.vocabulary import Product, Scope


def place(
    catalogue: Catalogue,
    question: Question,
    candidates: tuple[str, ...] | None = None,
    attestations: Iterable[Attestation] = (),
    *,
    copies_among: tuple[str, ...] | None = None,
) -> Placement | Refusal:
    """Which places may hold one class of data, in which order of preference and why, or why none may.

    Pure, total and deterministic: the same arguments give the same answer, for any jurisdiction, and nothing is
    raised; the order of candidates does not matter. None for `candidates` means every place that the catalogue
    offers without being asked, which leaves out separate partitions. `copies_among` are the places for the copies that
    a rule demands, where they are others than the candidates. Preferred is where the law on personal data
    lets the data go without more, then ground of the jurisdiction, of its state, of a region that both belong to.
    """
    jurisdiction = catalogue.jurisdiction(question.jurisdiction, question.on)
    if jurisdiction is None:
        return refusals.unknown_jurisdiction(catalogue, question.jurisdiction)
    reading = Reading(jurisdiction, question.production, tuple(attestations), question.on)
    case = Case(catalogue, question, reading)
    answer = _answer(case, candidates, copies_among if copies_among is not None else candidates)
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


def _answer(case: Case, named: tuple[str, ...] | None, copies: tuple[str, ...] | None) -> Placement | Refusal:
    """The licence, the residency rule, the player's home, then the places: the order in which a lawyer would ask."""
    refusal = licence_refusal(case.reading, (case.question.product,))
    law = refusal or _law(case, named, copies)
    if isinstance(law, Refusal):
        return law
    allowed = _allowed(case, law)
    if isinstance(allowed, Refusal):
        return allowed
    required = _required_copies(case, law, allowed)
    if isinstance(required, Refusal):
        return required
    return _placement(case, law, allowed, required)


def _law(case: Case, named: tuple[str, ...] | None, copies: tuple[str, ...] | None) -> Law | Refusal:
    rule = residency_rule(case.catalogue, case.reading)
    if isinstance(rule, Refusal):
        return rule
    candidates = candidate_places(case.catalogue, case.jurisdiction, named)
    if isinstance(candidates, Refusal):
        return candidates
    for_copies = candidate_places(case.catalogue, case.jurisdiction, copies)
    if isinstance(for_copies, Refusal):
        return for_copies
    home = localisation(case.catalogue, case.question, case.reading)
    return home if isinstance(home, Refusal) else Law(rule, home, candidates, for_copies)


def _allowed(case: Case, law: Law) -> tuple[Place, ...] | Refusal:
    """The places that the licence and the player's home both allow, the best first."""
    bound, home = case.question.bound_as, law.home
    rest = law.rule.rest(case.catalogue, bound, law.candidates)
    case.chain.append(Reason(text=f"{bound} may rest {_how_far(law.rule, rest.scope)}: {rest.why}"))
    if not rest.allowed:
        return nowhere(case.catalogue, law.rule, [bound], law.candidates)
    allowed = [found for found in law.candidates if found.code in rest.allowed]
    if home:
        case.chain += home.reasons
        is_copy = case.catalogue.data_classes[case.question.data_class].copy_of_another
        allowed = [found for found in allowed if home.allows(case.catalogue, found, is_copy=is_copy)]
        if not allowed:
            return home.because or _conflict(case, home, bound, rest.allowed)
    return tuple(sorted(allowed, key=case.preference))


def _how_far(rule: ResidencyRule, scope: Scope) -> str:
    where = {
        Scope.TERRITORY: f"only in {rule.jurisdiction.name}",
        Scope.REGION: f"only in the {rule.region.value}" if rule.region else "only in a region",
        Scope.ANYWHERE: "anywhere",
    }
    return where[scope]


def _conflict(case: Case, home: Home, needed: str, allowed: tuple[str, ...]) -> Refusal:
    return refusals.residence_conflict(case.jurisdiction, home.territory, home.strictest, needed, allowed)


def _required_copies(case: Case, law: Law, allowed: tuple[Place, ...]) -> tuple[str, ...] | Refusal:
    """The places of the copies that a rule demands beside the primary: on the licence's ground, or the player's."""
    catalogue, home, primary, found = case.catalogue, law.home, allowed[0], []
    bound = case.question.bound_as
    copied_as = law.rule.of(bound).copied_as
    if copied_as is not None and not catalogue.is_within(primary.territory, case.jurisdiction.code):
        copies = law.rule.rest(catalogue, copied_as, law.for_copies)
        lawful = [code for code in copies.allowed if _may_be_copied_to(case, home, code)]
        if not lawful:
            if copies.allowed and home:
                return home.because or _conflict(case, home, f"every copy of {bound}", copies.allowed)
            return nowhere(catalogue, law.rule, [copied_as], law.for_copies)
        found.append(lawful[0])
        case.chain.append(Reason(text=f"a copy rests in {lawful[0]}: {copies.why}"))
    if home and not case.catalogue.data_classes[case.question.data_class].copy_of_another:
        for ground in home.copied_on:
            resting = [primary.code, *found]
            if any(catalogue.is_within(catalogue.places[code].territory, ground) for code in resting):
                continue
            at_home = [one.code for one in _allowed_for_copies(case, law) if catalogue.is_within(one.territory, ground)]
            if not at_home:
                codes = tuple(one.code for one in allowed)
                return _conflict(case, home, f"a copy of {bound}", codes)
            found.append(at_home[0])
            text = f"a copy rests in {at_home[0]}, where the player lives"
            case.chain.append(Reason(text=text, jurisdiction=ground))
    return tuple(found)


def _may_be_copied_to(case: Case, home: Home | None, code: str) -> bool:
    return home is None or home.allows(case.catalogue, case.catalogue.places[code], is_copy=True)


def _allowed_for_copies(case: Case, law: Law) -> list[Place]:
    """Where a copy may rest by the licence's own rule for the class."""
    rest = law.rule.rest(case.catalogue, case.question.bound_as, law.for_copies)
    return [found for found in law.for_copies if found.code in rest.allowed]


def _placement(case: Case, law: Law, allowed: tuple[Place, ...], required: tuple[str, ...]) -> Placement:
    best = allowed[0]
    spare = _spare(case, law, best, required)
    text = f"{best.code} is the best of {len(allowed)}: {_why_best(case, best)}"
    case.chain.append(Reason(text=text))
    copies = [Copy(place=code, purpose=Purpose.REQUIRED) for code in required]
    # A copy for resilience is our choice: it goes nowhere that the law on personal data lets the original not go.
    freely = spare is not None and case.preference(spare) <= case.preference(best)
    if spare and freely:
        copies.append(Copy(place=spare.code, purpose=Purpose.RESILIENCE))
    return Placement(
        primary=best.code,
        allowed=tuple(found.code for found in allowed),
        copies=tuple(copies),
        conditions=(
            attested(case, law),
            resilient(case.question.data_class, best.code, copies, spare),
            *transfer(case, [best, *(case.catalogue.places[copy.place] for copy in copies)]),
        ),
        reasons=(),
    )


def _spare(case: Case, law: Law, best: Place, required: tuple[str, ...]) -> Place | None:
    """The best other place for a copy under the same rule."""
    others = [
        found
        for found in _allowed_for_copies(case, law)
        if found != best and found.code not in required and _may_be_copied_to(case, law.home, found.code)
    ]
    return min(others, key=case.preference, default=None)


def _why_best(case: Case, best: Place) -> str:
    catalogue, jurisdiction = case.catalogue, case.jurisdiction
    if catalogue.is_within(best.territory, jurisdiction.code):
        return f"it stands in {jurisdiction.name}"
    if catalogue.country(best.territory) == catalogue.country(jurisdiction.code):
        return f"it stands in the same state as {jurisdiction.name}"
    return f"of those allowed none is nearer to {jurisdiction.name}"


def _facts(reading: Reading) -> tuple[Reason, ...]:
    code = reading.jurisdiction.code
    return tuple(
        resting_on(f"{name} of {code} is {spell(fact.value)}", code, name, fact) for name, fact in reading.cited.items()
    )
