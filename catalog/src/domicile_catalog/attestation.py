"""A compliance officer's answer to a fact that the catalogue lacks, on the record of one environment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator

from domicile_catalog.documents import DataError, Fault, located, parse, parse_documents, read_bytes
from domicile_catalog.facts import FACT_NAMES, Fact, Facts
from domicile_catalog.forms import Frozen, Text
from domicile_catalog.model import Catalogue, Jurisdiction, TerritoryCode
from domicile_catalog.trust import OFFICERS_FILE, load_trust
from domicile_catalog.vocabulary import Confidence

MAX_LIFE = timedelta(days=400)
"""A year, and time to renew it. Answers about law age, and nobody tells us when."""


class AttestationError(DataError):
    """Attestation files that cannot be used."""


class Attestation(Frozen):
    """Who answered which fact of which jurisdiction, when, from what source, and until when it holds.

    `value` takes the form of the fact: `in_territory` for data_residency, whole years for min_age. It counts
    from the day of `attested_on` to the day of `expires_on`, both included. `source_sha256` is of the document that
    the officer read, as it is kept. `environment` is the only one in which it counts; a signed one names it.
    """

    environment: Text | None = None
    jurisdiction: TerritoryCode
    fact: Text
    value: Any
    attested_by: Text
    role: Text
    attested_on: date
    source: Text
    source_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    expires_on: date

    @field_validator("fact")
    @classmethod
    def _fact_exists(cls, name: str) -> str:
        if name not in FACT_NAMES:
            raise ValueError(f"no such fact; the facts are {', '.join(FACT_NAMES)}")
        return name

    @field_validator("value")
    @classmethod
    def _value_has_the_form_of_the_fact(cls, value: Any, info: ValidationInfo) -> Any:
        name = info.data.get("fact")
        if name is None:  # the fact's own fault is on the list already
            return value
        attested = {"value": value, "confidence": Confidence.ATTESTED, "source": "attestation"}
        try:
            return Facts.model_validate({name: attested}).get(name).value
        except ValidationError as error:
            raise ValueError(f"is no {name}: {error.errors()[0]['msg']}") from None

    @model_validator(mode="after")
    def _ends_in_time(self) -> Self:
        if self.expires_on < self.attested_on:
            raise ValueError("expires_on is before attested_on")
        if self.expires_on - self.attested_on > MAX_LIFE:
            latest = self.attested_on + MAX_LIFE
            raise ValueError(
                f"expires_on is more than {MAX_LIFE.days} days after attested_on, and answers about law age: "
                f"have it attested again by {latest}"
            )
        return self

    def holds(self, on: date) -> bool:
        """Whether it counts on that day."""
        return self.attested_on <= on <= self.expires_on

    @property
    def reference(self) -> str:
        """Where the answer comes from, for a reader of a placement or a rule."""
        return f"{self.source} (attested by {self.attested_by} on {self.attested_on}, until {self.expires_on})"


@dataclass(frozen=True, slots=True)
class Answer:
    """A fact as it stands on a day, given the attestations.

    `rests_on` is the attestation that answers it. `contradicts` is one that holds and says something else than a
    sourced fact or than another attestation does. Which of them is right is not for a program to choose.
    """

    fact: Fact[Any]
    warnings: tuple[str, ...] = ()
    contradicts: Attestation | None = None
    rests_on: Attestation | None = None


def answer(jurisdiction: Jurisdiction, name: str, attestations: Iterable[Attestation], on: date) -> Answer:
    """The jurisdiction's fact of that name: sourced before attested, attested before recalled."""
    fact = jurisdiction.facts.get(name)
    about = sorted(
        (one for one in attestations if one.jurisdiction == jurisdiction.code and one.fact == name),
        key=lambda one: (one.attested_on, one.expires_on, one.attested_by, one.source, repr(one.value)),
    )
    warnings = tuple(_ignored(one, on) for one in about if not one.holds(on))
    holding = [one for one in about if one.holds(on)]
    if not holding:
        return Answer(fact, warnings)
    latest = holding[-1]
    if fact.confidence is Confidence.SOURCED:
        wrong = next((one for one in holding if one.value != fact.value), None)
        return Answer(fact, warnings, contradicts=wrong)
    disagreeing = next((one for one in holding if one.value != latest.value), None)
    attested: Fact[Any] = Fact(
        value=latest.value, confidence=Confidence.ATTESTED, source=latest.reference, note=fact.note
    )
    return Answer(attested, warnings, contradicts=disagreeing, rests_on=latest)


def load_attestations(
    folder: Path,
    catalogue: Catalogue,
    *,
    environment: str | None,
    root: str | None,
    minimum_serial: int | None = None,
    production: bool,
) -> tuple[Attestation, ...]:
    """Every attestation of an environment, from the `*.yaml` in its attestations folder.

    `root` is the fingerprint of the key that vouches for the officers. With it, every file must be signed by one of
    them, in a list whose serial is `minimum_serial` or more, and must name `environment`; without it, production
    takes nobody's word, and elsewhere an attestation counts unsigned. One that names another environment counts
    nowhere here; None is an environment whose name is not known. A folder that does not exist holds none. Raises
    AttestationError with every fault, a bad signature or an unknown jurisdiction among them. Expired ones load:
    `place()` ignores them and says so.
    """
    faults: list[Fault] = []
    found: list[Attestation] = []
    files = sorted(path for path in folder.glob("*.yaml") if path.name != OFFICERS_FILE)
    trust = load_trust(folder, root, faults, minimum_serial) if root is not None and files else None
    if production and root is None:
        problem = "counts for nothing: no root is configured that vouches for its officer"
        faults += [
            Fault(path.name, "", problem, "the root's fingerprint, as `ssh-keygen -l` prints it") for path in files
        ]
    for path in files:
        read: list[Attestation] = []
        content = read_bytes(path, path.name, faults)
        for document in parse_documents(content, path.name, faults):
            attestation = parse(Attestation, document, path.name, faults)
            if attestation is None:
                continue
            if attestation.jurisdiction not in catalogue.jurisdictions:
                near = " or ".join(catalogue.suggest(attestation.jurisdiction))
                problem = f"unknown jurisdiction {attestation.jurisdiction}"
                hint = f"; did you mean {near}?" if near else ""
                faults.append(Fault(path.name, "jurisdiction", problem + hint))
            if stray := _stray(attestation, path.name, environment, signed=root is not None):
                faults.append(stray)
            read.append(attestation)
        if trust is not None:
            faults += trust.faults(path, content, read)
        found += read
    if faults:
        where = (located(fault, folder) for fault in faults)
        raise AttestationError(f"The attestations in {folder} cannot be used", where)
    return tuple(found)


def _stray(one: Attestation, file: str, environment: str | None, *, signed: bool) -> Fault | None:
    """A fault where the attestation is for another environment, or is signed and for none."""
    if one.environment is None:
        problem = "is missing: a signed attestation is for one environment, and counts in no other"
        return Fault(file, "environment", problem, environment or "") if signed else None
    if one.environment == environment:
        return None
    here = f"this is {environment}" if environment else "the name of this one is not known"
    return Fault(file, "environment", f"is {one.environment}, and {here}: it counts in no other", environment or "")


def _ignored(one: Attestation, on: date) -> str:
    when = f"expired on {one.expires_on}" if one.expires_on < on else f"counts only from {one.attested_on}"
    return f"{one.attested_by}'s attestation of {one.jurisdiction} {one.fact} {when} and is ignored; renew it."
