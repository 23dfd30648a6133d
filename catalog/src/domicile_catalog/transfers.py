"""What the laws on personal data say of where a player's data may go."""

from dataclasses import dataclass, field
from typing import Any

from domicile_catalog import refusals
from domicile_catalog.facts import Fact
from domicile_catalog.model import Catalogue, PersonalDataLaw, Place
from domicile_catalog.question import Question, Reason, resting_on
from domicile_catalog.reading import Reading
from domicile_catalog.refusals import Refusal
from domicile_catalog.vocabulary import Confidence, Localisation

PERSONAL, PAYMENT = "personal_data_localisation", "payment_data_localisation"


@dataclass
class Home:
    """What the law of a player's residence asks of the data.

    `bound`: the original rests there. `copied`: a copy does. `because` is the refusal to give where no place is on
    that ground and it may not be relied on that the data need not be there. `recalled` tells whether a fact that was
    relied on is only that.
    """

    territory: str
    bound: bool = False
    copied: bool = False
    recalled: bool = False
    because: Refusal | None = None
    reasons: list[Reason] = field(default_factory=list)


def laws_protecting(catalogue: Catalogue, *territories: str | None) -> tuple[PersonalDataLaw, ...]:
    """The laws that protect people of any of the territories."""
    return tuple(
        law
        for law in catalogue.personal_data_laws
        if any(ground and catalogue.is_ground_of(ground, code) for ground in territories for code in law.protects)
    )


def localisation(catalogue: Catalogue, question: Question, reading: Reading) -> Home | Refusal | None:
    """What the law of the player's residence asks of this class, or None where it has no say.

    A rule on personal data that is unknown is read as its strictest: the data stays at home. A rule on payment data
    binds where it is known, for such rules speak to payment institutions first.
    """
    residence, traits = question.player_residence, catalogue.data_classes[question.bound_as]
    if residence is None or not (traits.personal or traits.payment):
        return None
    if not catalogue.knows_ground(residence):
        return refusals.unknown_residence(catalogue, reading.jurisdiction, residence)
    home = Home(residence)
    if traits.personal:
        said = _said(catalogue, question, reading, PERSONAL) or _said_by_law(catalogue, question)
        _weigh(catalogue, question, home, PERSONAL, said or refusals.residence_unread(reading.jurisdiction, residence))
    if traits.payment and (said := _said(catalogue, question, reading, PAYMENT)):
        _weigh(catalogue, question, home, PAYMENT, said)
    return home


def _said(catalogue: Catalogue, question: Question, reading: Reading, name: str) -> Fact[Any] | Refusal | None:
    """What the residence, or a state whose ground it is, says of the fact; None where neither says anything."""
    for code in catalogue.lineage(str(question.player_residence)):
        found = catalogue.jurisdiction(code, question.on)
        if found is None:
            continue
        own = Reading(found, question.production, reading.attestations, question.on)
        fact = own.look(name)
        if isinstance(fact, Refusal) or fact.known:
            required = own.require(name)
            reading.warnings += own.warnings
            reading.expiring += own.expiring
            return required
    return None


def _said_by_law(catalogue: Catalogue, question: Question) -> Fact[Any] | None:
    """What a law that protects the residence says itself, if this environment may rely on it."""
    for law in laws_protecting(catalogue, question.player_residence):
        if law.localisation.confidence is Confidence.SOURCED or not question.production:
            return Fact[Any].model_construct(**dict(law.localisation), others=())
    return None


def _weigh(catalogue: Catalogue, question: Question, home: Home, name: str, said: Fact[Any] | Refusal) -> None:
    if isinstance(said, Refusal):  # the strictest reading, and this refusal if that leaves no place
        home.bound, home.because = True, home.because or said
        text = f"{name} of {home.territory} may not be relied on: it is read as its strictest"
        home.reasons.append(Reason(text=text, jurisdiction=home.territory, fact=name, confidence=said.confidence))
        return
    copies = catalogue.data_classes[question.data_class].copy_of_another
    rule: Localisation = said.given
    home.bound |= rule is Localisation.ONLY or (rule is Localisation.PRIMARY and not copies)
    home.copied |= rule is Localisation.COPY and not copies
    home.recalled |= said.confidence is Confidence.RECALLED
    home.reasons.append(resting_on(f"{name} of {home.territory} is {rule}", home.territory, name, said))


def is_free(catalogue: Catalogue, law: PersonalDataLaw, place: Place, question: Question) -> bool:
    """Whether a law lets the data rest in a place without more: at home, or where it finds protection adequate.

    What is only recalled counts outside production; an entry with terms counts for nobody by itself.
    """
    if any(catalogue.is_ground_of(place.territory, code) for code in law.protects):
        return True
    return any(
        free.terms is None
        and free.holds(question.on)
        and free.value is not None
        and catalogue.is_ground_of(place.territory, free.value)
        and (free.confidence is Confidence.SOURCED or not question.production)
        for free in law.free_to
    )


def safeguards(catalogue: Catalogue, law: PersonalDataLaw, place: Place, question: Question) -> str:
    """What a law asks of a transfer that is not free, in one sentence."""
    terms = [
        free.terms
        for free in law.free_to
        if free.terms and free.value and free.holds(question.on) and catalogue.is_ground_of(place.territory, free.value)
    ]
    unless = f", unless the recipient belongs to these: {terms[0]}" if terms else ""
    return f"{law.name} asks of data that rests in {place.code} ({place.territory}): {law.safeguards}{unless}."
