"""For how long a cell keeps records: as long as the strictest of its jurisdictions demands."""

import math
from collections.abc import Iterable
from datetime import date

from domicile_catalog import Attestation, Catalogue
from domicile_catalog.attestation import answer

from domicile_infra.plan.errors import PlanError

FACTS = ("record_retention_years", "aml_retention_years")
"""What sets a time: for records of play, and for those against money laundering, which are among them."""


def retention_years(
    catalogue: Catalogue, jurisdictions: Iterable[str], on: date, attestations: Iterable[Attestation] = ()
) -> int:
    """The longest time, in whole years, for which any of the jurisdictions has records kept.

    Raises PlanError for a jurisdiction that the catalogue does not have, of which no time is known, or where an
    attestation contradicts what is known: a lock cannot be made shorter once it is set, and none is guessed.
    """
    known, longest = tuple(attestations), 0
    for code in jurisdictions:
        found = catalogue.jurisdiction(code, on)
        if found is None:
            near = " or ".join(catalogue.suggest(code)) or "one of the catalogue's codes"
            raise PlanError(f"The catalogue has no jurisdiction {code}. Name {near}.")
        answers = {name: answer(found, name, known, on) for name in FACTS}
        for name, given in answers.items():
            if given.contradicts:
                raise PlanError(
                    f"{name} of {code} is {given.fact.value} by {given.fact.source}, and {given.contradicts.value} by "
                    f"{given.contradicts.reference}. Withdraw the attestation, or correct the catalogue."
                )
        years = [int(given.fact.value) for given in answers.values() if given.fact.value is not None]
        if not years:
            raise PlanError(
                f"How long {found.name} has records kept is unknown, and the lock on them cannot be shortened once it "
                f"is set. Add {FACTS[0]} to the catalogue with its source, or attest it for {code}."
            )
        longest = max(longest, *years)
    if not longest:
        raise PlanError("A cell without jurisdictions keeps no records. Name the jurisdictions that it serves.")
    return longest


TELEMETRY_DAYS = 400
"""How long telemetry is kept, in days: a year, and time to look back at it."""
LOG_TERMS = (400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)
"""The terms of a year and more that CloudWatch keeps a log group for, in days (PutRetentionPolicy)."""
FOREVER = 0


def log_days(years: int) -> int:
    """The shortest term of CloudWatch's that covers so many years, in days; 0, which is for ever, beyond the last."""
    wanted = math.ceil(years * 365.25)
    return next((term for term in LOG_TERMS if term >= wanted), FOREVER)
