"""What a placement is, or is not yet: attested, resilient, free to be transferred."""

from domicile_catalog.case import Case, Law
from domicile_catalog.model import Place
from domicile_catalog.question import Condition, ConditionType, Copy
from domicile_catalog.transfers import is_free, laws_protecting, safeguards
from domicile_catalog.vocabulary import Confidence, DataClass


def attested(case: Case, law: Law) -> Condition:
    """Whether every fact relied on is sourced or attested."""
    kind, reading = ConditionType.ATTESTED, case.reading
    if Confidence.RECALLED in reading.relied_on.values() or (law.home and law.home.recalled):
        text = "A fact that this rests on is only recalled: production would refuse it."
        return Condition(type=kind, status=False, reason="FactRecalled", message=text)
    if reading.expiring:
        text = " ".join(reading.expiring)
        return Condition(type=kind, status=True, reason="AttestationExpiring", message=text)
    text = "Every fact that this rests on is sourced or attested."
    return Condition(type=kind, status=True, reason="Known", message=text)


def resilient(data_class: DataClass, primary: str, copies: list[Copy], spare: Place | None) -> Condition:
    """Whether a second place holds a copy. `spare` is the best that could, by the licence and the player's home."""
    kind = ConditionType.RESILIENT
    if copies:
        second = ", ".join(copy.place for copy in copies)
        text = f"{data_class} rests in {primary}, with a copy in {second}."
        return Condition(type=kind, status=True, reason="TwoPlaces", message=text)
    if spare:
        text = f"A copy of {data_class} could rest in {spare.code}, but the data does not flow there without more."
        return Condition(type=kind, status=False, reason="SecondPlaceNeedsSafeguards", message=text)
    text = f"Of the candidates only {primary} may hold {data_class}: its loss loses what no other place may keep."
    return Condition(type=kind, status=False, reason="OnePlace", message=text)


def transfer(case: Case, places: list[Place]) -> tuple[Condition, ...]:
    """Whether the laws on personal data of the licence and of the player's home let the data, and copies, go there."""
    kind, catalogue, question = ConditionType.TRANSFER, case.catalogue, case.question
    if not catalogue.data_classes[question.bound_as].personal:
        return ()
    asked = [
        safeguards(catalogue, law, found, question)
        for found in places
        for law in case.laws
        if not is_free(catalogue, law, found, question)
    ]
    unread = [_unread(case, ground, found) for found in places for ground in case.grounds]
    if asked:
        message = " ".join(dict.fromkeys([*asked, *filter(None, unread)]))
        return (Condition(type=kind, status=False, reason="SafeguardsNeeded", message=message),)
    if any(unread):
        message = " ".join(dict.fromkeys(filter(None, unread)))
        return (Condition(type=kind, status=False, reason="LawUnread", message=message),)
    text = "The law on personal data lets the data rest there without more."
    return (Condition(type=kind, status=True, reason="Free", message=text),)


def _unread(case: Case, ground: str, found: Place) -> str | None:
    """What is to be said where data leaves ground whose law on personal data is not in the catalogue."""
    catalogue = case.catalogue
    if laws_protecting(catalogue, ground) or catalogue.is_within(found.territory, ground):
        return None
    known = catalogue.jurisdiction(ground, case.question.on)
    law = (known.facts.personal_data_law.value if known else None) or "the law on personal data"
    return f"The data leaves {known.name if known else ground}; what {law} asks of that is not in the catalogue."
