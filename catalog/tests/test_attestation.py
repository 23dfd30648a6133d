"""Attestation files."""

import pytest
from domicile_catalog import AttestationError, load_attestations

GOOD = """\
jurisdiction: US-ME
fact: data_residency
value: in_territory
attested_by: Jane Roe
role: Head of Compliance
attested_on: 2026-05-04
source: Letter of 2026-04-28
source_sha256: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
expires_on: 2027-05-04
"""


def load(tmp_path, catalogue, text):
    (tmp_path / "us-me.yaml").write_text(text)
    return load_attestations(tmp_path, catalogue, environment="lab", root=None, production=False)


def test_a_folder_without_attestations_holds_none(tmp_path, catalogue):
    assert load_attestations(tmp_path / "none", catalogue, environment="lab", root=None, production=True) == ()


def test_an_attestation_has_the_value_in_the_form_of_its_fact(tmp_path, catalogue):
    (found,) = load(tmp_path, catalogue, GOOD)
    assert found.value == "in_territory"
    assert "Jane Roe" in found.reference


@pytest.mark.parametrize(
    ("old", "new", "path", "problem"),
    [
        ("US-ME", "US-ZZ", "jurisdiction", "unknown jurisdiction US-ZZ"),
        ("data_residency", "residency", "fact", "no such fact"),
        ("in_territory", "on_premises", "value", "in_territory"),
        ("2027-05-04", "2026-01-01", "", "expires_on is before attested_on"),
        ("2027-05-04", "2027-06-09", "", "more than 400 days after attested_on, and answers about law age"),
        ("jurisdiction: US-ME", "environment: live\njurisdiction: US-ME", "environment", "is live, and this is lab"),
        ("attested_by: Jane Roe\n", "", "attested_by", "is missing"),
        ("role: Head of Compliance\n", "", "role", "is missing"),
        ("source_sha256: 9f86d0", "source_sha256: XYZ", "source_sha256", "not a valid code"),
        ("source: Letter of 2026-04-28", "source: ''", "source", "at least 1 character"),
    ],
)
def test_each_kind_of_fault_is_named(tmp_path, catalogue, old, new, path, problem):
    with pytest.raises(AttestationError) as caught:
        load(tmp_path, catalogue, GOOD.replace(old, new))
    (fault,) = caught.value.faults
    assert fault.path == path
    assert problem in str(fault)


@pytest.mark.parametrize(("expires", "days"), [("2027-06-08", 400), ("2026-05-04", 0)])
def test_an_attestation_lives_400_days_at_most(tmp_path, catalogue, expires, days):
    (found,) = load(tmp_path, catalogue, GOOD.replace("2027-05-04", expires))
    assert (found.expires_on - found.attested_on).days == days


def test_one_that_outlives_the_calendar_is_a_fault_too(tmp_path, catalogue):
    with pytest.raises(AttestationError, match="by 2027-06-08"):
        load(tmp_path, catalogue, GOOD.replace("2027-05-04", "9999-12-31"))


def test_unsigned_it_names_its_environment_or_none(tmp_path, catalogue):
    named = GOOD + "environment: lab\n"
    assert [one.environment for one in (*load(tmp_path, catalogue, GOOD), *load(tmp_path, catalogue, named))] == [
        None,
        "lab",
    ]


def test_where_the_environment_has_no_name_one_for_another_is_refused(tmp_path, catalogue):
    (tmp_path / "us-me.yaml").write_text(GOOD + "environment: lab\n")
    with pytest.raises(AttestationError, match="the name of this one is not known"):
        load_attestations(tmp_path, catalogue, environment=None, root=None, production=False)


def test_all_faults_of_all_files_are_reported_at_once(tmp_path, catalogue):
    (tmp_path / "a.yaml").write_text("fact: nonsense\n")
    with pytest.raises(AttestationError) as caught:
        load(tmp_path, catalogue, GOOD.replace("US-ME", "US-ZZ"))
    assert len(caught.value.faults) == 10
