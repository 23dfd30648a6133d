"""What is judged, as values: which accounts, whose law binds each, and where each class of data may rest by it.

Nothing here is read from the cloud, and nothing is decided here either: where data may rest is what
`domicile_catalog.place()` answers, kept beside the sentence and the source that a finding cites.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated

from domicile_catalog import Attestation, Catalogue, Confidence, DataClass, Placement, Product, Question, Refusal, place
from domicile_catalog.forms import Frozen
from domicile_policies.names import AccountRole
from pydantic import Field


class ClassLaw(Frozen):
    """Where one jurisdiction lets one class of data rest, and the words and source to cite where it does not.

    `places` are codes of AWS regions and sites, sorted; empty where it may rest nowhere.
    """

    jurisdiction: str
    data_class: DataClass
    places: tuple[str, ...]
    why: str
    fact: str | None = None
    confidence: Confidence | None = None
    source: str | None = None


class JurisdictionLaw(Frozen):
    """A jurisdiction's answer for every class of data."""

    jurisdiction: str
    by_class: dict[DataClass, ClassLaw]


class AccountScope(Frozen):
    """An account to read; a cell that stands on a site has none, and goes by its name as `account_id`.

    `cell` is the name of the cell that it holds, if it holds one.

    `jurisdictions` are those whose data the account may hold; none for the organisation's own accounts.
    `retention_days` is how long an audit log there has to be kept, the longest of those jurisdictions.
    """

    account_id: Annotated[str, Field(min_length=1)]
    role: AccountRole
    cell: str | None = None
    jurisdictions: tuple[str, ...] = ()
    retention_days: int | None = None


class AuditScope(Frozen):
    """Everything that an audit holds the world against.

    `organization_accounts` are all accounts that are ours, whether they are read or not: sharing with one of them is
    no sharing with a stranger. `laws` has an entry for each jurisdiction of the environment.
    """

    environment: str
    production: bool
    organization_id: str
    organization_accounts: frozenset[str]
    accounts: tuple[AccountScope, ...]
    laws: dict[str, JurisdictionLaw]
    catalogue_version: str
    on: date

    def account(self, account_id: str) -> AccountScope | None:
        """The scope of an account, or None for one that is not read."""
        return next((one for one in self.accounts if one.account_id == account_id), None)

    def law(self, jurisdictions: Iterable[str], data_classes: Iterable[DataClass]) -> tuple[ClassLaw, ...]:
        """Every law that binds data of these classes and jurisdictions; a jurisdiction without an entry binds nothing.

        `domicile_audit.judgement` reports tags that name a jurisdiction which the environment does not have.
        """
        known = [self.laws[code] for code in dict.fromkeys(jurisdictions) if code in self.laws]
        return tuple(law.by_class[name] for law in known for name in dict.fromkeys(data_classes))


def jurisdiction_law(
    catalogue: Catalogue, jurisdiction: str, *, on: date, production: bool, attestations: Iterable[Attestation] = ()
) -> JurisdictionLaw:
    """Where a jurisdiction lets each class of data rest on a day, of all places that the catalogue offers.

    `catalogue` has the environment's sites (`Catalogue.with_sites`). A jurisdiction that refuses every product lets
    nothing rest anywhere, and cites the refusal.
    """
    held = tuple(attestations)
    return JurisdictionLaw(
        jurisdiction=jurisdiction,
        by_class={
            name: _class_law(catalogue, jurisdiction, name, on=on, production=production, attestations=held)
            for name in DataClass
        },
    )


def laws_of(
    catalogue: Catalogue,
    jurisdictions: Iterable[str],
    *,
    on: date,
    production: bool,
    attestations: Iterable[Attestation] = (),
) -> dict[str, JurisdictionLaw]:
    """The laws of an environment's jurisdictions, for `AuditScope.laws`."""
    held = tuple(attestations)
    return {
        code: jurisdiction_law(catalogue, code, on=on, production=production, attestations=held)
        for code in sorted(set(jurisdictions))
    }


def lawful_places(
    catalogue: Catalogue,
    jurisdictions: Iterable[str],
    *,
    on: date,
    production: bool,
    attestations: Iterable[Attestation] = (),
) -> Mapping[DataClass, frozenset[str]]:
    """Where each class may rest for all of these jurisdictions at once; no jurisdiction lets nothing rest."""
    laws = laws_of(catalogue, jurisdictions, on=on, production=production, attestations=attestations)
    sets = {name: [frozenset(law.by_class[name].places) for law in laws.values()] for name in DataClass}
    return {name: frozenset.intersection(*found) if found else frozenset() for name, found in sets.items()}


def _class_law(
    catalogue: Catalogue,
    jurisdiction: str,
    data_class: DataClass,
    *,
    on: date,
    production: bool,
    attestations: tuple[Attestation, ...],
) -> ClassLaw:
    refusal: Refusal | None = None
    for product in Product:
        question = Question(
            jurisdiction=jurisdiction, product=product, data_class=data_class, production=production, on=on
        )
        answer = place(catalogue, question, None, attestations)
        if isinstance(answer, Placement):
            return _lawful(jurisdiction, data_class, answer)
        # The refusal of a product that is licensed tells more than that of one that is not.
        if refusal is None or refusal.code == "PRODUCT_NOT_LICENSED":
            refusal = answer
    if refusal is None:  # Product has members, so that the loop ran
        raise AssertionError("the catalogue has no products")
    return ClassLaw(
        jurisdiction=jurisdiction,
        data_class=data_class,
        places=(),
        why=refusal.message,
        fact=refusal.rule,
        confidence=refusal.confidence,
        source=refusal.source,
    )


def _lawful(jurisdiction: str, data_class: DataClass, answer: Placement) -> ClassLaw:
    """The law in the words of the chain that led to the answer."""
    chain = [one for one in answer.reasons if one.fact is None and one.text.startswith(f"{data_class} may rest")]
    cited = {one.fact: one for one in answer.reasons if one.jurisdiction == jurisdiction}
    binding = cited.get("data_residency") or cited.get("primary_region")
    return ClassLaw(
        jurisdiction=jurisdiction,
        data_class=data_class,
        places=tuple(sorted(answer.allowed)),
        why=chain[0].text if chain else f"{data_class} may rest where the catalogue says",
        fact=binding.fact if binding else None,
        confidence=binding.confidence if binding else None,
        source=binding.source if binding else None,
    )
