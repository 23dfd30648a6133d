"""The requirements of a jurisdiction on a day: its facts, read as controls."""

from datetime import date

from domicile_catalog.controls import Requirement, Standing, next_change
from domicile_catalog.model import Catalogue
from domicile_catalog.vocabulary import Localisation, Permission, Residency

_ASK_NOTHING = (Residency.NONE, Localisation.NONE, Permission.ALLOWED)


def requirements(catalogue: Catalogue, code: str, on: date) -> tuple[Requirement, ...]:
    """Every control as it stands in a jurisdiction on a day there, in the order of controls.yaml.

    KeyError where the catalogue has no such jurisdiction.
    """
    record, found = catalogue.jurisdictions[code], catalogue.jurisdiction(code, on)
    assert found is not None
    told = []
    for name, control in catalogue.controls.items():
        fact = found.facts.get(control.fact)
        asks_nothing = fact.value is None or fact.value in _ASK_NOTHING
        standing = Standing.UNREAD if not fact.known else Standing.NONE if asks_nothing else Standing.IN_FORCE
        told.append(
            Requirement(
                id=f"{code}.{name}",
                control=name,
                jurisdiction=code,
                standing=standing,
                value=fact.value,
                confidence=fact.confidence,
                source=fact.source,
                source_kind=fact.source_kind,
                clause=fact.clause,
                excerpt=fact.excerpt,
                note=fact.note,
                valid_from=fact.valid_from,
                valid_to=fact.valid_to,
                next_change=next_change(record.facts.get(control.fact), on),
            )
        )
    return tuple(told)
