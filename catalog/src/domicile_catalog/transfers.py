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


@dataclass(frozen=True)
class Demand:
    """What one law asks: the original rests on its ground, or all of it does, or a copy does; or nothing."""

    ground: str
    rule: Localisation


@dataclass
class Home:
    """What the laws of the player's home ask of the data.

    `because` is the refusal to give where no place is on that ground and it may not be relied on that the data need
    not be there. `recalled` tells whether a fact that was relied on is only that.
    """

    territory: str
    demands: list[Demand] = field(default_factory=list)
    recalled: bool = False
    because: Refusal | None = None
    reasons: list[Reason] = field(default_factory=list)

    def allows(self, catalogue: Catalogue, found: Place, *, is_copy: bool) -> bool:
        """Whether the original, or a copy, may rest in a place."""
        binding = {Localisation.ONLY} if is_copy else {Localisation.ONLY, Localisation.PRIMARY}
        return all(
            catalogue.is_within(found.territory, demand.ground) for demand in self.demands if demand.rule in binding
        )

    @property
    def copied_on(self) -> tuple[str, ...]:
        """The grounds on which a copy must rest."""
        return tuple(demand.ground for demand in self.demands if demand.rule is Localisation.COPY)

    @property
    def strictest(self) -> Reason:
        """The reason that a conflict names: the demand that binds most."""
        order = list(Localisation)[::-1]
        at = min(range(len(self.demands)), key=lambda index: order.index(self.demands[index].rule))
        return self.reasons[at]


def laws_protecting(catalogue: Catalogue, *territories: str | None) -> tuple[PersonalDataLaw, ...]:
    """The laws that protect people of any of the territories."""
    return tuple(
        law
        for law in catalogue.personal_data_laws
        if any(ground and catalogue.is_ground_of(ground, code) for ground in territories for code in law.protects)
    )


def localisation(catalogue: Catalogue, question: Question, reading: Reading) -> Home | Refusal | None:
    """What the law of the player's home asks of this class, or None where it has no say.

    Every law of the lineage counts, a state's and its federation's. Players live where the licence is unless the
    question says otherwise. A rule on personal data that is unknown where a player is said to live is read as its
    strictest: the data stays at home. A rule on payment data, and one of where the licence is, binds where it is
    known: the first speaks to payment institutions, and the licence's own rule is asked for beside it.
    """
    residence, traits = question.player_residence, catalogue.data_classes[question.bound_as]
    if not (traits.personal or traits.payment):
        return None
    if residence is not None and not catalogue.knows_ground(residence):
        return refusals.unknown_residence(catalogue, reading.jurisdiction, residence)
    home = Home(residence or question.jurisdiction)
    if traits.personal:
        said = _said(catalogue, question, reading, home, PERSONAL)
        if not said and residence is not None:
            law = _said_by_law(catalogue, question)
            _weigh(home, residence, PERSONAL, law or refusals.residence_unread(reading.jurisdiction, residence))
    if traits.payment:
        _said(catalogue, question, reading, home, PAYMENT)
    return home


def _said(catalogue: Catalogue, question: Question, reading: Reading, home: Home, name: str) -> bool:
    """Weigh what the home, and every state whose ground it is, say of the fact; whether any says anything."""
    told = False
    for code in catalogue.lineage(home.territory):
        found = catalogue.jurisdiction(code, question.on)
        if found is None:
            continue
        own = Reading(found, question.production, reading.attestations, question.on)
        fact = own.look(name)
        if isinstance(fact, Refusal) or fact.known:
            _weigh(home, code, name, own.require(name))
            reading.warnings += own.warnings
            reading.expiring += own.expiring
            told = True
    return told


def _said_by_law(catalogue: Catalogue, question: Question) -> Fact[Any] | None:
    """What a law that protects the residence says itself, if this environment may rely on it."""
    for law in laws_protecting(catalogue, question.player_residence):
        if law.localisation.confidence is Confidence.SOURCED or not question.production:
            return Fact[Any].model_construct(**dict(law.localisation), others=())
    return None


def _weigh(home: Home, ground: str, name: str, said: Fact[Any] | Refusal) -> None:
    if isinstance(said, Refusal):  # the strictest reading, and this refusal if that leaves no place
        home.because = home.because or said
        home.demands.append(Demand(ground, Localisation.ONLY))
        text = f"{name} of {ground} may not be relied on: it is read as its strictest"
        home.reasons.append(Reason(text=text, jurisdiction=ground, fact=name, confidence=said.confidence))
        return
    home.demands.append(Demand(ground, said.given))
    home.recalled |= said.confidence is Confidence.RECALLED
    home.reasons.append(resting_on(f"{name} of {ground} is {said.given}", ground, name, said))


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
