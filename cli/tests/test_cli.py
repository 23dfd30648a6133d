"""The `domicile` command: what it prints, and what it exits with."""

import json
from pathlib import Path

import pytest
from domicile_catalog import Confidence
from domicile_catalog.forms import MoneyCap, Pause, StakeBand, TimeOut
from domicile_cli.main import app
from domicile_cli.render.base import spelt
from typer.testing import CliRunner

LAB = Path(__file__).parents[2] / "environments" / "lab"
ON = ["--on", "2026-06-01"]


def run(*arguments):
    return CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1"}).invoke(app, [str(one) for one in arguments])


def test_explain_shows_facts_places_rules_and_the_decision():
    result = run("explain", "gb", *ON)
    assert result.exit_code == 0
    for words in ("Great Britain", "eu-west-2", "player_identity", "GBP 2.00 from 18, GBP 5.00 from 25", "● sourced"):
        assert words in result.output


def test_explain_a_refusal_names_law_rule_and_remedy_and_exits_1():
    result = run("explain", "NO", *ON)
    assert result.exit_code == 1
    for words in ("FACT_UNKNOWN", "Pengespilloven 2022", "data_residency", "attestation of NO data_residency"):
        assert words in result.output


def test_a_refusal_shows_every_fact_that_is_needed():
    assert "sourced or attested: online_casino, data_residency" in run("place", "NO", "--production", *ON).output


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((StakeBand(min_age=18, stake_minor=200), StakeBand(min_age=25, stake_minor=500)), "200 minor from 18, 500 m"),
        ((MoneyCap(period="month", amount_minor=100_000),), "100000 minor a month"),
        ((MoneyCap(period="day", amount_minor=5, min_age=21),), "5 minor a day from 21"),
        (Pause(after_minutes=60, minutes=5), "5 minutes after 60"),
        (TimeOut(minimum_hours=72), "72 hours at least"),
        (TimeOut(minimum_hours=24, maximum_hours=48), "24 hours at least, 48 hours at most"),
        (TimeOut(), "as the operator offers"),
        (None, "none"),
    ],
)
def test_every_form_of_fact_is_shown_in_words(value, words):
    assert spelt(value, Confidence.SOURCED).startswith(words)


def test_a_source_that_is_not_named_is_not_called_none():
    assert ", None" not in run("explain", "GB", *ON).output


def test_explain_json_is_json():
    told = json.loads(run("explain", "BR", "--json", *ON).stdout)
    assert told["decision"]["place"] == "sa-east-1"
    assert told["rules"]["schema"] == 1


def test_production_refuses_what_is_recalled():
    assert run("explain", "MX", *ON).exit_code == 0
    refused = run("explain", "MX", "--production", *ON)
    assert refused.exit_code == 1
    assert "FACT_RECALLED" in refused.output


@pytest.mark.parametrize("code", ["GB", "GI", "BR", "DE"])
def test_explain_is_no_success_where_the_casino_would_have_no_rules(code):
    told = run("explain", code, "--production", *ON)
    assert told.exit_code == (1 if "No rules of play" in told.output else 0)


def test_place_chooses_among_the_candidates():
    result = run("place", "GB", "--candidates", "sa-east-1, eu-west-2", "--json", *ON)
    assert (result.exit_code, json.loads(result.stdout)["place"]) == (0, "eu-west-2")


def test_place_refuses_a_product_without_a_licence():
    result = run("place", "DE", "--product", "casino", "--product", "bingo", *ON)
    assert (result.exit_code, "PRODUCT_NOT_LICENSED" in result.output) == (1, True)


def test_an_unknown_jurisdiction_is_a_usage_error_with_a_suggestion():
    result = run("explain", "Brazill")
    assert result.exit_code == 2
    assert "Did you mean BR (Brazil)?" in result.stderr


def test_gaps_lists_jurisdictions_and_what_is_stopped():
    assert "any environment: data_residency" in run("catalog", "gaps").output
    found = json.loads(run("catalog", "gaps", "--json").stdout)["gaps"]
    assert {gap["confidence"] for gap in found} == {"recalled", "unknown"}


def test_version_names_the_catalogue_too():
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("domicile 0.1.0, catalogue ")


@pytest.mark.parametrize("command", [[], ["explain"], ["place"], ["validate"], ["catalog", "gaps"]])
def test_help_shows_examples(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert not command or "Examples" in result.output


def edit(folder, file, old, new):
    path = folder / file
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))


def test_the_lab_that_ships_is_valid():
    result = run("validate", LAB, *ON)
    assert result.exit_code == 0, result.output
    assert "acme-gb" in result.output
    assert "no faults" in result.output


GB, BR = "tenants/acme-gb.yaml", "tenants/acme-br.yaml"


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        (GB, "jurisdiction: GB", "jurisdiction: GBR", "JURISDICTION_UNKNOWN"),
        (GB, "jurisdiction: GB", "jurisdiction: US-NJ", "NO_PLACE_IN_TERRITORY"),
        (GB, "slotMaxStakeMinor: 200", "slotMaxStakeMinor: 900", "LIMIT_LAXER"),
        (GB, "2028-12-31", "2025-12-31", "LICENCE_EXPIRED"),
        (GB, "name: acme-gb", "name: Acme_GB", "metadata.name"),
        (GB, "name: acme-gb", "name: acme-br", "more than one manifest"),
        (GB, "size: small", "size: tiny", "'small', 'medium' or 'large'"),
        (GB, "  brand:", "  brnad:", "spec.brnad: unknown key (allowed: brand"),
        (BR, "products: [casino]", "products: [roulette]", "spec.products.0"),
        ("tenants/kustomization.yaml", "  - acme-gb.yaml\n", "", "leaves out acme-gb.yaml"),
        ("tenants/kustomization.yaml", "acme-gb.yaml", "acme-uk.yaml", "lists acme-uk.yaml"),
        ("environment.yaml", "name: lab", "name: live", "name: is live"),
    ],
)
def test_validate_names_each_kind_of_fault(lab, file, old, new, words):
    edit(lab, file, old, new)
    result = run("validate", lab, "--json", *ON)
    assert result.exit_code == 1
    faults = json.loads(result.stdout)["faults"]
    shown = run("validate", lab, *ON).output
    assert any(words in f"{one['path']}: {one['problem']} (allowed: {one['allowed']})" for one in faults), shown


def test_validate_lists_every_fault_at_once(lab):
    edit(lab, GB, "slotMaxStakeMinor: 200", "slotMaxStakeMinor: 900")
    edit(lab, GB, "2028-12-31", "2025-12-31")
    edit(lab, BR, "size: small", "size: tiny")
    (lab / "attestations" / "no.yaml").write_text("jurisdiction: NO\n")
    faults = json.loads(run("validate", lab, "--json", *ON).stdout)["faults"]
    assert {fault["file"] for fault in faults} == {GB, BR, "attestations/no.yaml"}
    assert len(faults) == 11


def test_validate_tells_the_line_of_each_fault(lab):
    edit(lab, GB, "slotMaxStakeMinor: 200", "slotMaxStakeMinor: 900")
    edit(lab, BR, "size: small", "size: tiny")
    edit(lab, "environment.yaml", "production: false", "production: maybe")
    faults = json.loads(run("validate", lab, "--json", *ON).stdout)["faults"]
    for fault in faults:
        assert fault["path"].rsplit(".", 1)[-1] in (lab / fault["file"]).read_text().splitlines()[fault["line"] - 1]
    assert {fault["file"] for fault in faults} == {GB, BR, "environment.yaml"}


def test_an_attestation_of_the_environment_counts(lab):
    edit(lab, GB, "jurisdiction: GB", "jurisdiction: NO")
    (lab / "attestations" / "no-data_residency.yaml").write_text(
        "jurisdiction: NO\nfact: data_residency\nvalue: none\nattested_by: Jane Roe\nrole: Counsel\n"
        "attested_on: 2026-05-01\nsource: Letter of the regulator\nexpires_on: 2027-05-01\n"
        f"source_sha256: {'a' * 64}\n"
    )
    assert run("validate", lab, *ON).exit_code == 0
    assert run("explain", "NO", "--environment", lab, *ON).exit_code == 0
    assert run("explain", "NO", "--environment", lab, "--on", "2028-01-01").exit_code == 1


def test_help_flows_in_the_width_of_the_terminal() -> None:
    told = CliRunner(env={"COLUMNS": "70", "NO_COLOR": "1"}).invoke(app, ["audit", "--help"]).output
    lines = [line.strip() for line in told.splitlines()]
    start = next(at for at, line in enumerate(lines) if line.startswith("Every account of the environment"))
    paragraph = lines[start : lines.index("", start)]
    assert len(paragraph) > 2 and all(len(line) > 50 for line in paragraph[:-1]), paragraph
