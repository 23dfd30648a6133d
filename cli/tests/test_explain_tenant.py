"""`domicile explain` of a tenant's manifest."""

import json
from datetime import date
from pathlib import Path

import pytest
from domicile_catalog import load_catalogue
from domicile_cli.main import app
from typer.testing import CliRunner

ON = ["--on", "2026-06-01"]
GB = "tenants/acme-gb.yaml"


def run(*arguments):
    return CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1"}).invoke(app, ["explain", *map(str, arguments)])


def told(*arguments):
    return json.loads(run(*arguments, "--json", *ON).stdout)


def edit(folder, file, *changes):
    path = folder / file
    for old, new in changes:
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new, 1))


def attest(folder, jurisdiction, fact, value):
    (folder / "attestations" / f"{jurisdiction}-{fact}.yaml").write_text(
        f"jurisdiction: {jurisdiction}\nfact: {fact}\nvalue: {value}\nattested_by: Jane Roe\nrole: Counsel\n"
        "attested_on: 2026-05-01\nsource: Letter of the regulator\nexpires_on: 2027-05-01\n"
        f"source_sha256: {'a' * 64}\n"
    )


def test_a_lawful_tenant_is_shown_with_place_data_rules_and_licence(lab):
    result = run(lab / GB, *ON)
    assert result.exit_code == 0, result.output
    for words in (
        "In the environment lab",
        "outside production, 0 attestations",
        "✔ eu-west-2  London, GB",
        "until 2028-12-31 (944 days left)",
        "regulator_copy    eu-west-2",
        "tightened by minAgeYears 21; the law: 18",
        "tightened by slotMaxStakeMinor 200 and minAgeYears 21; the law:",
    ):
        assert words in result.output


def test_json_has_the_placement_of_every_class_and_what_each_limit_tightens(lab):
    found = told(lab / GB)
    assert (found["environment"], found["production"], found["faults"]) == ("lab", False, [])
    (tenant,) = found["tenants"]
    assert tenant["lawful"]
    assert len(tenant["placements"]) == 8
    assert all({"Attested", "Resilient"} <= _conditions(one["answer"]) for one in tenant["placements"])
    assert (tenant["law"]["min_age_years"], tenant["rules"]["min_age_years"]) == (18, 21)
    assert {one["limit"]: one["tightens"] for one in tenant["limits"]} == {
        "slotMaxStakeMinor": ["slot_max_stake"],
        "minAgeYears": ["min_age_years", "slot_max_stake"],
        "sessionIdleTimeoutSeconds": ["session_idle_timeout_s"],
    }


def _conditions(answer):
    return {condition["type"] for condition in answer["conditions"]}


def test_a_limit_that_is_the_law_already_tightens_nothing(lab):
    edit(lab, GB, ("minAgeYears: 21", "minAgeYears: 18"))
    assert "tightens nothing: minAgeYears 18" in run(lab / GB, *ON).output


def test_every_refusal_is_told_at_once(lab):
    edit(
        lab,
        GB,
        ("jurisdiction: GB", "jurisdiction: DE"),
        ("products: [casino]", "products: [casino, bingo]"),
        ("slotMaxStakeMinor: 200", "slotMaxStakeMinor: 900"),
        ("minAgeYears: 21", "minAgeYears: 16"),
        ("2028-12-31", "2025-12-31"),
    )
    assert run(lab / GB, *ON).exit_code == 1
    (tenant,) = told(lab / GB)["tenants"]
    assert [(one["path"], one["refusal"]["code"]) for one in tenant["stops"]] == [
        ("spec.products", "PRODUCT_NOT_LICENSED"),
        ("spec.limits.slotMaxStakeMinor", "LIMIT_LAXER"),
        ("spec.limits.minAgeYears", "LIMIT_LAXER"),
        ("spec.licence.validUntil", "LICENCE_EXPIRED"),
    ]
    assert tenant["rules"]["session_idle_timeout_s"] == 900  # the lawful limit binds still
    assert [one["limit"] for one in tenant["limits"] if one["refused"]] == ["slotMaxStakeMinor", "minAgeYears"]


def test_each_product_without_a_licence_is_named(lab):
    edit(lab, "tenants/acme-br.yaml", ("products: [casino]", "products: [poker, bingo, casino]"))
    (tenant,) = told(lab / "tenants/acme-br.yaml")["tenants"]
    assert ["poker" in one["refusal"]["remedy"] for one in tenant["stops"]] == [True, False]
    assert {one["product"] for one in tenant["placements"] if "primary" in one["answer"]} == {"casino"}


def test_a_licence_ends_with_its_last_day(lab):
    edit(lab, GB, ("2028-12-31", "2026-06-01"))
    assert "until 2026-06-01 (0 days left)" in run(lab / GB, *ON).output
    assert run(lab / GB, "--on", "2026-06-02").exit_code == 1


def test_rules_that_cannot_be_are_refused_beside_the_placement(lab):
    day, catalogue = date(2026, 6, 1), load_catalogue()
    ageless = [code for code in catalogue.jurisdictions if not catalogue.jurisdiction(code, day).facts.min_age.known]
    edit(lab, GB, ("jurisdiction: GB", f"jurisdiction: {ageless[0]}"))
    (tenant,) = told(lab / GB)["tenants"]
    assert (tenant["rules"], tenant["law"]) == (None, None)
    assert [one["refusal"]["rule"] for one in tenant["stops"]][-1] == "min_age"
    assert "min_age" in run(lab / GB, *ON).output


def test_an_unknown_jurisdiction_is_refused_with_a_suggestion(lab):
    edit(lab, GB, ("jurisdiction: GB", "jurisdiction: GBR"))
    result = run(lab / GB, *ON)
    assert result.exit_code == 1
    assert "Did you mean" in result.output


def test_the_environments_attestations_and_production_count(lab):
    edit(lab, GB, ("jurisdiction: GB", "jurisdiction: NO"))
    assert "FACT_UNKNOWN" in run(lab / GB, *ON).output
    attest(lab, "NO", "data_residency", "none")
    result = run(lab / GB, *ON)
    assert (result.exit_code, "1 attestation." in result.output) == (0, True)
    assert "FACT_RECALLED" in run(lab / "tenants/acme-gb.yaml", "--production", *ON).output


def test_another_environment_can_be_named(lab, tmp_path):
    live = tmp_path / "environments" / "live"
    live.mkdir()
    (live / "environment.yaml").write_text("name: live\nproduction: true\n")
    found = told(lab / GB, "--environment", live)
    assert (found["environment"], found["production"]) == ("live", True)


def test_a_file_in_no_environment_says_so(lab, tmp_path):
    (tmp_path / "mine.yaml").write_text((lab / GB).read_text())
    result = run(tmp_path / "mine.yaml", *ON)
    assert (result.exit_code, "In no environment" in result.output) == (0, True)
    assert "decided production" in run(tmp_path / "mine.yaml", "--production", *ON).output


def test_the_environment_is_found_from_inside_it(lab, monkeypatch):
    monkeypatch.chdir(lab / "tenants")
    assert told("acme-gb.yaml")["environment"] == told("../tenants/acme-gb.yaml")["environment"] == "lab"


def test_an_environment_that_cannot_be_read_counts_as_production_and_is_at_fault(lab):
    (lab / "environment.yaml").write_text("name: lab\nproduction: maybe\n")
    found = told(lab / GB)
    assert found["production"]
    assert [(Path(one["file"]).name, one["line"]) for one in found["faults"]] == [("environment.yaml", 2)]
    (lab / "environment.yaml").unlink()
    assert run(lab / GB, *ON).exit_code == 1


def test_every_tenant_of_a_file_is_explained(lab):
    path = lab / "tenants" / "both.yaml"
    path.write_text((lab / GB).read_text() + "---\n" + (lab / "tenants/acme-br.yaml").read_text())
    assert [one["tenant"] for one in told(path)["tenants"]] == ["acme-gb", "acme-br"]


def test_faults_have_their_line_in_whichever_document_they_stand(lab):
    good = (lab / GB).read_text()
    bad = good.replace("size: small", "size: tiny").replace("  brand:", "  brnad:").replace("acme-gb", "acme-uk")
    path = lab / "tenants" / "both.yaml"
    path.write_text(f"{good}---\n{bad}")
    found = told(path)
    first = len(good.splitlines()) + 1
    lines = bad.splitlines()
    assert [(one["line"] - first, one["path"]) for one in found["faults"]] == [
        (lines.index("spec:") + 1, "spec.brand"),
        (next(n for n, line in enumerate(lines, 1) if "brnad" in line), "spec.brnad"),
        (lines.index("  size: tiny") + 1, "spec.size"),
    ]
    assert [one["tenant"] for one in found["tenants"]] == ["acme-gb"]
    assert run(path, *ON).exit_code == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("a: [1\nb: }", "x.yaml:2: is not YAML"),
        ("a: 1\na: 2\n", "x.yaml:2: is not YAML: line 2: 'a' stands twice"),
        ("", "x.yaml: holds no CasinoTenant"),
        ("---\n---\n", "x.yaml: holds no CasinoTenant"),
        ("just words", "x.yaml:1: input should be"),
        ("\n- a\n- b\n", "x.yaml:2: input should be"),
        ("kind: ConfigMap\n", "x.yaml:1: kind: input should be 'CasinoTenant': 'ConfigMap'"),
        ("a: &a [*a]\n", "x.yaml"),
        ("? [a]\n: b\n", "is not YAML"),
        ("validUntil: 2026-02-30\n", "is not YAML"),
    ],
)
def test_what_is_no_tenant_is_told_with_its_line(tmp_path, content, words):
    path = tmp_path / "x.yaml"
    path.write_text(content)
    result = run(path, *ON)
    assert result.exit_code == 1
    assert words in result.output.replace("\n", "")
    assert told(path)["tenants"] == []


def test_a_file_that_is_no_text_is_at_fault(tmp_path):
    (tmp_path / "x.yml").write_bytes(b"\xff\xfe\x00")
    assert run(tmp_path / "x.yml", *ON).exit_code == 1


def test_a_name_that_stands_twice_is_at_fault(lab):
    path = lab / "tenants" / "both.yaml"
    path.write_text((lab / GB).read_text() + "---\n" + (lab / GB).read_text())
    assert [one["path"] for one in told(path)["faults"]] == ["metadata.name"] * 2


def test_what_somebody_wrote_is_no_markup(lab):
    edit(lab, GB, ("brand: Acme Casino", 'brand: "[red]Acme[/red]"'))
    assert "[red]Acme[/red]" in run(lab / GB, *ON).output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.yaml"], "There is no file missing.yaml"),
        (["environments"], "is a folder"),
        (["environments/lab/tenants/acme-gb.yaml", "--product", "bingo"], "leave --product out"),
        (["environments/lab/tenants/acme-gb.yaml", "--environment", "nowhere"], "nowhere"),
    ],
)
def test_wrong_use_is_told(lab, monkeypatch, tmp_path, arguments, words):
    monkeypatch.chdir(tmp_path)
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert words in result.stderr


def test_a_jurisdiction_stays_one_where_a_file_has_its_name(monkeypatch, tmp_path):
    (tmp_path / "GB").write_text("no manifest")
    (tmp_path / "tenant").write_text("no manifest")
    monkeypatch.chdir(tmp_path)
    assert "Great Britain" in run("GB", *ON).output
    assert run("tenant", *ON).exit_code == 1
