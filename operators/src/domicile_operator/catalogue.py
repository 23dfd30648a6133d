"""The catalogue, as the operator's rulebook."""

from datetime import date, datetime
from pathlib import Path

from domicile_catalog import (
    Attestation,
    AttestationError,
    Catalogue,
    DataClass,
    Place,
    Product,
    Question,
    Refusal,
    RulesError,
    TenantRequest,
    cell_law,
    law_ahead,
    load_attestations,
    load_catalogue,
    local_day,
    local_midnight,
    place_tenant,
    rules_for,
    unlawful_since,
)
from domicile_catalog import place as may_rest

from domicile_operator.cell import Cell, Site, unreadable
from domicile_operator.conditions import PLACED
from domicile_operator.decide import Placed
from domicile_operator.errors import Fault, Refused
from domicile_operator.files import Unchanged
from domicile_operator.plan import LawAhead, RulesInForce
from domicile_operator.registers import register_names
from domicile_operator.spec import TenantSpec


class CatalogueRulebook:
    """`Rulebook` over the packaged catalogue and the environment's attestations."""

    def __init__(self, catalogue: Catalogue, attestations: Path) -> None:
        self._catalogue, self._folder = catalogue, attestations
        # Of the cell as it was last: a catalogue with sites forgets what it has resolved, so it is kept.
        self._with_sites: tuple[tuple[Site, ...], Catalogue] = ((), catalogue)
        self._files: Unchanged[tuple[Attestation, ...]] = Unchanged(attestations)
        self._placed = _Placed()

    @classmethod
    def load(cls, attestations: Path) -> "CatalogueRulebook":
        """Read the catalogue that this operator was built with.

        Takes the folder of the environment's attestations; they are read anew for every decision, because
        one may be added while the operator runs. A folder that does not exist holds none.
        """
        return cls(load_catalogue(), attestations)

    def local_day(self, jurisdiction: str, cell: Cell, now: datetime) -> date:
        return local_day(self._catalogue, jurisdiction, now, self._attestations(cell))

    def midnight(self, jurisdiction: str, cell: Cell, day: date) -> datetime:
        return local_midnight(self._catalogue, jurisdiction, day, self._attestations(cell))

    def place(self, spec: TenantSpec, pinned: str | None, cell: Cell, today: date) -> Placed | Refused:
        """Tenants of one jurisdiction with the same limits, in one cell on one day, have one answer."""
        answers = self._placed.answers(cell, self._attestations(cell))
        limits = spec.limits.model_dump_json(by_alias=True, exclude_none=True)
        question = (spec.jurisdiction, tuple(spec.products), limits, pinned, today)
        found = answers.get(question)
        if found is None:
            found = answers[question] = self._place(spec, pinned, cell, today)
        return found

    def _place(self, spec: TenantSpec, pinned: str | None, cell: Cell, today: date) -> Placed | Refused:
        catalogue, cells = self._of(cell), (pinned,) if pinned else cell.places
        request = TenantRequest(
            jurisdiction=spec.jurisdiction,
            products=tuple(Product(product) for product in spec.products),
            candidates=tuple(dict.fromkeys((*cells, *cell.places, *cell.copy_places))),
            cells=cells,
            production=cell.production,
            attestations=self._attestations(cell),
            on=today,
        )
        limits = spec.limits.model_dump(by_alias=True, exclude_none=True)
        answer = place_tenant(catalogue, request)
        if isinstance(answer, Refusal):
            since = unlawful_since(catalogue, request, limits)
            return Refused(answer.code, sentence(answer), PLACED, since)
        try:
            rules = rules_for(catalogue, request, limits, registers=register_names(cell))
        except RulesError as error:
            since = unlawful_since(catalogue, request, limits)
            return Refused(error.code, f"{error.message} {error.remedy}", since=since)
        lives = request.model_copy(update={"cells": (answer.place,)})
        ahead = law_ahead(catalogue, "", lives, limits)
        return Placed(
            answer.place,
            answer.attested,
            answer.warnings,
            RulesInForce(rules.to_json(), rules.digest, rules.catalogue_version),
            answer.expiring,
            LawAhead(ahead.effective, " ".join(ahead.must)) if ahead else None,
        )

    def refuses_backup(self, spec: TenantSpec, place: str, cell: Cell, today: date) -> Refused | None:
        catalogue, attestations = self._of(cell), self._attestations(cell)
        copies = tuple(dict.fromkeys((place, *cell.places, *cell.copy_places)))
        held = [one for one in DataClass if catalogue.data_classes[one].in_cell and one is not DataClass.BACKUP]
        for product in spec.products:
            for data_class in held:
                question = Question(
                    jurisdiction=spec.jurisdiction,
                    product=Product(product),
                    data_class=DataClass.BACKUP,
                    backs_up=data_class,
                    production=cell.production,
                    on=today,
                )
                answer = may_rest(catalogue, question, (place,), attestations, copies_among=copies)
                if isinstance(answer, Refusal):
                    return Refused(answer.code, sentence(answer))
        return None

    def law(self, cell: Cell, now: datetime) -> dict[str, str]:
        return cell_law(
            self._of(cell),
            cell=cell.name,
            places=cell.places,
            copies=cell.copy_places,
            production=cell.production,
            attestations=self._attestations(cell),
            now=now,
            serves=cell.jurisdictions or None,
        )

    def _of(self, cell: Cell) -> Catalogue:
        """The catalogue with the cell's sites. Raises Fault CELL_UNREADABLE where one of them cannot be."""
        sites, catalogue = self._with_sites
        if sites == cell.sites:
            return catalogue
        try:
            catalogue = self._catalogue.with_sites(
                Place(code=site.code, territory=site.territory, city=site.city, kind="site") for site in cell.sites
            )
        except ValueError as error:
            raise unreadable(f"names a site that cannot be: {error}") from error
        self._with_sites = cell.sites, catalogue
        return catalogue

    def _attestations(self, cell: Cell) -> tuple[Attestation, ...]:
        asked = (cell.environment, cell.attestation_root, cell.attestation_serial, cell.production)

        def read() -> tuple[Attestation, ...]:
            return load_attestations(
                self._folder,
                self._catalogue,
                environment=cell.environment,
                root=cell.attestation_root,
                minimum_serial=cell.attestation_serial,
                production=cell.production,
            )

        try:
            return self._files.of(read, asked)
        except AttestationError as error:
            # Wrong papers are trouble to be mended, not an answer to any one tenant.
            raise Fault("ATTESTATIONS_UNREADABLE", str(error)) from error


class _Placed:
    """The answers of one cell with one set of attestations; of another, or of too many questions, none."""

    LIMIT = 2000

    def __init__(self) -> None:
        self._of: tuple[Cell, tuple[Attestation, ...], dict[object, Placed | Refused]] | None = None

    def answers(self, cell: Cell, attestations: tuple[Attestation, ...]) -> dict[object, Placed | Refused]:
        kept = self._of
        if kept is None or kept[0] is not cell or kept[1] is not attestations or len(kept[2]) > self.LIMIT:
            self._of = kept = (cell, attestations, {})
        return kept[2]


def sentence(refusal: Refusal) -> str:
    """The catalogue's refusal with its law and its way out, in one line."""
    parts = [refusal.message]
    if refusal.law:
        parts.append(f"Law: {refusal.law.rstrip('.')}.")
    parts.append(refusal.remedy)
    return " ".join(parts)
