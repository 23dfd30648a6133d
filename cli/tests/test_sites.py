"""An environment's sites and places: who may live there because of them, and what is wrong with them."""

import json

import pytest
from domicile_catalog import load_catalogue
from domicile_cli.generated.schemas import schemas
from domicile_cli.main import app
from typer.testing import CliRunner

ON = ["--on", "2026-06-01"]
GB = "tenants/acme-gb.yaml"
NEWARK = "sites:\n  - {code: newark-1, territory: US-NJ, city: Newark}\n"


def run(*arguments):
    return CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"}).invoke(app, [str(one) for one in arguments])


def told(*arguments):
    return json.loads(run(*arguments, "--json", *ON).stdout)


def extend(lab, more):
    with (lab / "environment.yaml").open("a") as file:
        file.write(more)


@pytest.fixture
def jersey(lab):
    """The lab with a tenant in New Jersey, where no AWS region stands."""
    path = lab / GB
    path.write_text(
        path.read_text().replace("jurisdiction: GB", "jurisdiction: US-NJ").replace("Minor: 200", "Minor: 1")
    )
    return lab


def test_without_a_site_there_new_jersey_is_refused(jersey):
    assert "NO_PLACE_IN_TERRITORY" in run("validate", jersey, *ON).output
    assert run("explain", jersey / GB, *ON).exit_code == 1
    assert run("place", "US-NJ", "-e", jersey, *ON).exit_code == 1


def test_with_a_site_there_new_jersey_is_served(jersey):
    extend(jersey, NEWARK)
    result = run("validate", jersey, *ON)
    assert result.exit_code == 0, result.output
    assert "newark-1" in result.output
    assert "newark-1  Newark, US-NJ" in run("explain", jersey / GB, *ON).output
    assert "newark-1  Newark, US-NJ" in run("explain", "US-NJ", "-e", jersey, *ON).output
    assert "newark-1  Newark, US-NJ" in run("place", "US-NJ", "-e", jersey, *ON).output
    (tenant,) = told("explain", jersey / GB)["tenants"]
    assert {one["answer"]["primary"] for one in tenant["placements"]} == {"newark-1"}
    assert told("place", "US-NJ", "-e", jersey, "--class", "wagering")["allowed"] == ["newark-1"]
    assert run("place", "US-NJ", *ON).exit_code == 1  # of this environment alone


def test_a_site_can_be_named_as_a_candidate_and_only_with_its_environment(lab):
    extend(lab, NEWARK)
    named = ["place", "US-NJ", "--candidates", "newark-1,eu-west-2"]
    assert told(*named, "-e", lab)["place"] == "newark-1"
    assert told(*named)["code"] == "PLACE_UNKNOWN"


def test_places_are_all_that_the_cells_of_an_environment_stand_in(lab):
    extend(lab, "places: [sa-east-1, eu-west-1]\n")
    assert told("place", "GB", "-e", lab)["place"] == "eu-west-1"
    assert told("place", "GB", "-e", lab, "--candidates", "eu-west-2")["place"] == "eu-west-2"
    assert told("explain", lab / GB)["tenants"][0]["decision"]["place"] == "eu-west-1"
    assert "any of 2" in run("explain", "GB", "-e", lab, *ON).output
    assert {one["name"]: one["decision"]["place"] for one in told("validate", lab)["tenants"]} == {
        "acme-br": "sa-east-1",
        "acme-gb": "eu-west-1",
    }


def test_places_leave_out_a_site_that_they_do_not_name(jersey):
    extend(jersey, NEWARK + "places: [us-east-1]\n")
    assert "NO_PLACE_IN_TERRITORY" in run("validate", jersey, *ON).output


def test_a_partition_that_must_be_named_can_be(lab):
    extend(lab, "places: [us-gov-west-1]\n")
    assert told("place", "GB", "-e", lab)["place"] == "us-gov-west-1"


def test_impact_is_of_the_places_of_the_environment(lab, monkeypatch):
    """A region that the law takes from a tenant is one of the environment's, and so is the one to move to."""
    extend(lab, "sites: [{code: leeds-1, territory: GB, city: Leeds}]\nplaces: [eu-central-1, leeds-1, sa-east-1]\n")
    asked = []
    monkeypatch.setattr("domicile_cli.validation.impact", lambda *given: asked.append(given))
    assert run("impact", lab, "--on", "2030-01-01").exit_code == 0
    for catalogue, _, request, _, _ in asked:
        assert request.candidates == ("eu-central-1", "leeds-1", "sa-east-1")
        assert catalogue.places["leeds-1"].territory == "GB"
    assert len(asked) == 2


def test_gaps_read_an_environment_with_sites(lab):
    path = lab / GB
    path.write_text(path.read_text().replace("jurisdiction: GB", "jurisdiction: NO"))
    extend(lab, "sites:\n  - {code: oslo-1, territory: NO, city: Oslo}\nplaces: [oslo-1]\n")
    found = json.loads(run("catalog", "gaps", "--environments", lab.parent, "--json", *ON).stdout)
    assert found["environments"] == [{"name": "lab", "production": False, "faults": []}]
    assert ["lab/acme-gb"] in [gap["blocks"] for gap in found["gaps"] if gap["fact"] == "data_residency"]


@pytest.mark.parametrize(
    ("more", "line", "path", "words"),
    [
        (
            "sites: [{code: a1, territory: ZZ, city: A}]",
            3,
            "sites.0.territory",
            "unknown territory ZZ (allowed: the ISO",
        ),
        (
            "sites: [{code: a1, territory: US-NX, city: A}]",
            3,
            "sites.0.territory",
            "(allowed: US-TX or US-NY or US-NV)",
        ),
        ("sites: [{code: a1, territory: EU, city: A}]", 3, "sites.0.territory", "unknown territory EU"),
        ("sites: [{code: a1, territory: us-nj, city: A}]", 3, "sites.0.territory", "is not a valid code: 'us-nj'"),
        (
            "sites:\n  - code: eu-west-2\n    territory: US-NJ\n    city: A",
            4,
            "sites.0.code",
            "eu-west-2 is an AWS region's (allowed: a code that no AWS region",
        ),
        (
            "sites:\n  - {code: a1, territory: MT, city: A}\n  - {code: a1, territory: MT, city: B}",
            5,
            "sites.1.code",
            "a1 stands at more than one site (allowed: a code that",
        ),
        (
            "sites: [{code: A_1, territory: MT, city: A}]",
            3,
            "sites.0.code",
            "is not a valid code: 'A_1' (allowed: ^[a-z]",
        ),
        (f"sites: [{{code: {'a' * 64}, territory: MT, city: A}}]", 3, "sites.0.code", "at most 63 characters"),
        ("sites: [{code: a1, territory: MT}]", 3, "sites.0.city", "is missing"),
        ("sites: [{code: a1, territory: MT, city: ''}]", 3, "sites.0.city", "at least 1 character"),
        (
            "sites: [{code: a1, territory: MT, city: A, kind: aws}]",
            3,
            "sites.0.kind",
            "unknown key (allowed: code, territory, city)",
        ),
        ("sites: a1", 3, "sites", "tuple"),
        ("places: [eu-west-2, eu-wst-1]", 3, "places.1", "unknown place eu-wst-1 (allowed: eu-west-1"),
        (
            "places:\n  - eu-west-2\n  - atlantis",
            5,
            "places.1",
            "unknown place atlantis (allowed: an AWS region, or a code",
        ),
        ("places: [eu-west-2, eu-west-2]", 3, "places.1", "eu-west-2 stands twice (allowed: each place once)"),
        ("places: []", 3, "places", "at least 1 item"),
        (NEWARK + "places: [atlantis]", 5, "places.0", "a site of this environment (newark-1)"),
        (
            "palces: [eu-west-2]",
            3,
            "palces",
            "unknown key (allowed: name, production, disposable, owner, sites, places, organization, release, "
            "cells, approvals)",
        ),
    ],
)
def test_what_is_wrong_is_told_with_file_line_field_and_what_is_right(lab, more, line, path, words):
    extend(lab, more + "\n")
    faults = told("validate", lab)["faults"]
    mine = [one for one in faults if one["file"] == "environment.yaml"]
    shown = [
        f"{one['problem']} (allowed: {one['allowed']})" for one in mine if (one["line"], one["path"]) == (line, path)
    ]
    assert any(words in one for one in shown), mine
    assert run("place", "GB", "-e", lab, *ON).exit_code == 1


def test_a_site_at_fault_is_one_fault_and_not_one_of_places_too(lab):
    extend(lab, "sites: [{code: a1, territory: ZZ, city: A}]\nplaces: [a1, eu-west-2, sa-east-1]\n")
    assert [one["path"] for one in told("validate", lab)["faults"]] == ["sites.0.territory"]


def test_the_schema_knows_the_ground_that_a_site_can_stand_on():
    schema = json.loads(schemas(load_catalogue())["environment.schema.json"])
    ground = schema["$defs"]["Site"]["properties"]["territory"]["enum"]
    assert {"US-NJ", "MT", "US"} <= set(ground) and "EU" not in ground
