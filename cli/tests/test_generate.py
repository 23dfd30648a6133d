"""What follows from the catalogue is written by a command, and nobody forgets to run it."""

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml
from domicile_catalog import load_catalogue
from domicile_cli.generated.files import FOLDERS, generated_files, recorded_day, sources_of, stale
from domicile_cli.generated.schemas import schemas
from domicile_cli.main import app
from typer.testing import CliRunner

SOURCES = ("operators/src/domicile_operator", "catalog/src/domicile_catalog")
ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = load_catalogue()
SCHEMAS = {name.split(".")[0]: json.loads(text) for name, text in schemas(CATALOGUE).items()}


def run(*arguments):
    return CliRunner(env={"COLUMNS": "160"}).invoke(app, ["generate", *map(str, arguments)])


@pytest.fixture
def checkout(tmp_path):
    """The generated files of this checkout, and what they are made of beside the catalogue."""
    for folder in (*FOLDERS, *SOURCES, "docs/assets", "operators/deploy"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def test_this_checkout_is_up_to_date():
    crd = (ROOT / "operators/deploy/crd.yaml").read_text()
    found = stale(ROOT, generated_files(CATALOGUE, recorded_day(ROOT), crd, sources_of(ROOT)))
    assert found == (), "run `make generate`"


def test_what_was_changed_lost_or_left_over_is_stale_and_mended(checkout):
    (checkout / "docs/jurisdictions/GB.md").write_text("by hand")
    (checkout / "policies/generated/br/residency.json").unlink()
    (checkout / "docs/jurisdictions/ZZ.md").write_text("of no jurisdiction")
    crd = checkout / "operators/deploy/crd.yaml"
    crd.write_text(crd.read_text().replace("enum: [casino, ", "enum: [roulette, "))
    (checkout / "docs/reference/casinotenant.md").write_text("by hand")
    checked = run("--root", checkout, "--check", "--json")
    assert checked.exit_code == 1
    assert set(json.loads(checked.stdout)["stale"]) == {
        "docs/jurisdictions/GB.md",
        "docs/jurisdictions/ZZ.md",
        "docs/reference/casinotenant.md",
        "operators/deploy/crd.yaml",
        "policies/generated/br/residency.json",
    }
    day = recorded_day(checkout).isoformat()
    assert run("--root", checkout, "--on", day).exit_code == 0
    assert run("--root", checkout, "--check").exit_code == 0
    assert crd.read_text() == (ROOT / "operators/deploy/crd.yaml").read_text()


def test_outside_a_checkout_nothing_is_written(tmp_path):
    result = run("--root", tmp_path)
    assert (result.exit_code, "is no checkout" in result.output.replace("\n", "")) == (2, True)
    assert list(tmp_path.iterdir()) == []


def valid(name, document):
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
    return not list(jsonschema.Draft202012Validator(SCHEMAS[name]).iter_errors(document))


def test_an_editor_accepts_the_lab_s_files():
    lab = ROOT / "environments" / "lab"
    assert valid("environment", yaml.safe_load((lab / "environment.yaml").read_text()))
    for file in (lab / "tenants").glob("acme-*.yaml"):
        # YAML reads a date where JSON has a string.
        assert valid("tenant", json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str)))


@pytest.mark.parametrize(
    ("path", "wrong"),
    [(("jurisdiction",), "UK"), (("products",), ["roulette"]), (("size",), "huge"), (("colour",), "red")],
)
def test_an_editor_marks_what_the_catalogue_does_not_know(path, wrong):
    file = ROOT / "environments" / "lab" / "tenants" / "acme-gb.yaml"
    document = json.loads(json.dumps(yaml.safe_load(file.read_text()), default=str))
    document["spec"][path[0]] = wrong
    assert not valid("tenant", document)


def test_an_attestation_is_of_a_known_fact_of_a_known_jurisdiction():
    good = {
        "jurisdiction": "NO", "fact": "data_residency", "value": "none", "attested_by": "A", "role": "B",
        "attested_on": "2026-01-01", "source": "letter", "source_sha256": "a" * 64, "expires_on": "2027-01-01",
    }  # fmt: skip
    assert valid("attestation", good)
    assert not valid("attestation", good | {"fact": "residency"})
    assert not valid("attestation", good | {"jurisdiction": "Norway"})
