"""Attestations for tests."""

from datetime import date, timedelta

from domicile_catalog import Attestation

TODAY = date(2026, 6, 1)


def attest(
    jurisdiction,
    fact,
    value,
    *,
    by="Jane Roe",
    attested_on=TODAY - timedelta(days=30),
    expires_on=TODAY + timedelta(days=365),
):
    """An officer's answer to a fact, good for a year from TODAY."""
    return Attestation(
        jurisdiction=jurisdiction,
        fact=fact,
        value=value,
        attested_by=by,
        role="Head of Compliance",
        attested_on=attested_on,
        source="Letter of the regulator",
        source_sha256="a" * 64,
        expires_on=expires_on,
    )
