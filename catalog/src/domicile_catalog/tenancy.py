"""Where a tenant may live: one place for its cell, and a place for every class of its data."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from pydantic import Field

from domicile_catalog import refusals
from domicile_catalog.attestation import Attestation
from domicile_catalog.forms import Frozen
from domicile_catalog.licence import licence_refusal
from domicile_catalog.model import Catalogue
from domicile_catalog.placement import facts_needed, place
from domicile_catalog.question import ConditionType, Placement, Question
from domicile_catalog.reading import Reading
from domicile_catalog.refusals import Refusal
from domicile_catalog.residency import Rest, candidate_places, nowhere, residency_rule
from domicile_catalog.vocabulary import Confidence, DataClass, Product


class TenantRequest(Frozen):
    """What is to be placed, and what may be relied on.

    `candidates` are codes of places; None means every place that the catalogue offers without being asked,
    which leaves out separate partitions. `cells` are the places where the tenant's cell may stand, where those are
    fewer: what rests in a cell rests in one of them, and the rest in any candidate. `on` decides which law and which
    attestations hold.
    """

    jurisdiction: str
    products: Annotated[tuple[Product, ...], Field(min_length=1)]
    candidates: tuple[str, ...] | None = None
    cells: tuple[str, ...] | None = None
    production: bool
    attestations: tuple[Attestation, ...] = ()
    on: date

    def candidates_for(self, catalogue: Catalogue, data_class: DataClass) -> tuple[str, ...] | None:
        """The places that are asked about for a class."""
        in_cell = catalogue.data_classes[data_class].in_cell
        return self.cells if self.cells is not None and in_cell else self.candidates

    def question(self, product: Product, data_class: DataClass) -> Question:
        """What is asked of `place()` for one product and class."""
        return Question(
            jurisdiction=self.jurisdiction,
            product=product,
            data_class=data_class,
            production=self.production,
            on=self.on,
        )


class ClassPlacement(Rest):
    """Where one class of data does rest, among the places where it may."""

    place: str


class TenantPlacement(Frozen):
    """The place that was chosen for the cell, and for every class of data.

    `attested` is true where every fact relied on is sourced or attested: the tenant's condition Attested.
    `relied_on` has those facts with their confidence. `expiring` tells of attestations relied on that end soon.
    """

    jurisdiction: str
    place: str
    attested: bool
    warnings: tuple[str, ...]
    by_data_class: dict[DataClass, ClassPlacement]
    relied_on: dict[str, Confidence]
    expiring: tuple[str, ...] = ()


def place_tenant(catalogue: Catalogue, request: TenantRequest) -> TenantPlacement | Refusal:
    """Decides where the tenant's cell may stand and where each class of its data rests, or why it may live nowhere.

    Pure and total like `place()`, which orders the places: the cell stands in the first that may hold every class
    that rests in a cell, for every product.
    """
    jurisdiction = catalogue.jurisdiction(request.jurisdiction, request.on)
    if jurisdiction is None:
        return refusals.unknown_jurisdiction(catalogue, request.jurisdiction)
    reading = Reading(jurisdiction, request.production, request.attestations, request.on)
    decision = _decide(catalogue, reading, request)
    update: dict[str, object] = {"warnings": tuple(dict.fromkeys((*reading.warnings, *decision.warnings)))}
    if isinstance(decision, Refusal):
        update |= {"needs": facts_needed(reading, request.products)}
    return decision.model_copy(update=update)


def _decide(catalogue: Catalogue, reading: Reading, request: TenantRequest) -> TenantPlacement | Refusal:
    refusal = licence_refusal(reading, request.products)
    if refusal:
        return refusal
    rule = residency_rule(catalogue, reading)
    if isinstance(rule, Refusal):
        return rule
    rests: dict[DataClass, Rest] = {}
    for data_class in DataClass:
        candidates = candidate_places(catalogue, reading.jurisdiction, request.candidates_for(catalogue, data_class))
        if isinstance(candidates, Refusal):
            return candidates
        rests[data_class] = rule.rest(catalogue, data_class, candidates)
    homeless = [data_class for data_class, rest in rests.items() if not rest.allowed]
    if homeless:
        named = candidate_places(catalogue, reading.jurisdiction, request.candidates_for(catalogue, homeless[0]))
        return named if isinstance(named, Refusal) else nowhere(catalogue, rule, homeless, named)
    return _settle(catalogue, reading, request, rests)


def _settle(
    catalogue: Catalogue, reading: Reading, request: TenantRequest, rests: dict[DataClass, Rest]
) -> TenantPlacement | Refusal:
    answers: dict[DataClass, Placement] = {}
    for data_class in DataClass:
        for product in request.products:
            answer = place(
                catalogue,
                request.question(product, data_class),
                request.candidates_for(catalogue, data_class),
                request.attestations,
                copies_among=request.candidates if request.candidates is not None else catalogue.implicit_places,
            )
            if isinstance(answer, Refusal):
                return answer
            answers[data_class] = answer
    rests = {name: rest.model_copy(update={"allowed": answers[name].allowed}) for name, rest in rests.items()}
    cell = cell_places(catalogue, rests)[0]
    transfer = answers[DataClass.PLAYER_IDENTITY].condition(ConditionType.TRANSFER)
    return TenantPlacement(
        jurisdiction=reading.jurisdiction.code,
        place=cell,
        attested=Confidence.RECALLED not in reading.relied_on.values(),
        warnings=(transfer.message,) if transfer and not transfer.status else (),
        by_data_class={
            data_class: ClassPlacement(
                place=cell if cell in rest.allowed else answers[data_class].primary,
                scope=rest.scope,
                allowed=rest.allowed,
                why=rest.why,
            )
            for data_class, rest in rests.items()
        },
        relied_on=dict(reading.relied_on),
        expiring=tuple(reading.expiring),
    )


def cell_places(catalogue: Catalogue, rests: Mapping[DataClass, Rest]) -> tuple[str, ...]:
    """The places that may hold every class of data that rests in a cell, in the order of the first such class."""
    resting = [rests[name] for name in DataClass if catalogue.data_classes[name].in_cell]
    return tuple(code for code in resting[0].allowed if all(code in rest.allowed for rest in resting))


def resting_places(catalogue: Catalogue, request: TenantRequest) -> dict[DataClass, Rest] | Refusal:
    """Where each class of data may rest by the residency rule alone, whatever can be licensed.

    `allowed` is empty for a class that no candidate may hold. For explaining; to decide, use `place()`.
    """
    jurisdiction = catalogue.jurisdiction(request.jurisdiction, request.on)
    if jurisdiction is None:
        return refusals.unknown_jurisdiction(catalogue, request.jurisdiction)
    rule = residency_rule(catalogue, Reading(jurisdiction, request.production, request.attestations, request.on))
    if isinstance(rule, Refusal):
        return rule
    candidates = candidate_places(catalogue, jurisdiction, request.candidates)
    if isinstance(candidates, Refusal):
        return candidates
    return {data_class: rule.rest(catalogue, data_class, candidates) for data_class in DataClass}
