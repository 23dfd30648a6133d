"""`domicile place` for one class of data."""

import json

import pytest
from domicile_cli.main import app
from typer.testing import CliRunner

ON = ["--on", "2026-06-01"]


def run(*arguments):
    return CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1"}).invoke(app, ["place", *arguments])


def test_a_class_has_a_primary_copies_conditions_and_reasons():
    told = run("GB", "--class", "wagering", *ON)
    assert told.exit_code == 0
    for words in (
        "✔ eu-west-2  London, GB",
        "for resilience",
        "✔   Resilient",
        "●   data_residency of GB is regulator_access",
        "eu-west-2 is the best of",
    ):
        assert words in told.output


def test_the_players_home_has_its_say():
    told = run("GB", "--class", "player_identity", "--residence", "ru", *ON)
    assert told.exit_code == 1
    for words in ("RESIDENCE_CONFLICT", "What led there", "●   personal_data_localisation of RU is primary", "152-FZ"):
        assert words in told.output


def test_json_has_the_whole_placement():
    told = json.loads(run("GB", "--class", "wagering", "--residence", "DE", "--json", *ON).stdout)
    assert told["primary"] == told["allowed"][0] == "eu-west-2"
    assert {one["type"] for one in told["conditions"]} == {"Attested", "Resilient", "Transfer"}
    assert "personal_data_localisation" in {one["fact"] for one in told["reasons"]}


def test_json_has_the_reasons_of_a_refusal():
    told = json.loads(run("US-NJ", "--class", "wagering", "--json", *ON).stdout)
    assert told["code"] == "NO_PLACE_IN_TERRITORY"
    assert [one["fact"] for one in told["reasons"]] == ["online_casino", "data_residency", None]


def test_what_is_backed_up_makes_it_a_backup():
    alone = run("MT", "--backs-up", "telemetry", "--json", *ON)
    assert alone.stdout == run("MT", "--class", "backup", "--backs-up", "telemetry", "--json", *ON).stdout
    assert alone.exit_code == 0


def test_the_candidates_and_production_count():
    told = json.loads(run("GB", "--class", "keys", "--candidates", "sa-east-1", "--json", *ON).stdout)
    assert told["allowed"] == ["sa-east-1"]
    assert "FACT_RECALLED" in run("MX", "--class", "keys", "--production", *ON).output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--residence", "DE"], "add --class with one of player_identity, wagering"),
        (["--class", "wagering", "--backs-up", "keys"], "--backs-up goes with the class backup, not with wagering"),
        (["--backs-up", "backup"], "a backup is of another class than backup"),
        (["--class", "keys", "--product", "casino", "--product", "bingo"], "give --product once"),
        (["--class", "wagering", "--residence", "Germany"], "Did you mean DE (Germany)?"),
        (["--class", "wagering", "--residence", "atlantis"], "ISO 3166"),
        (["--class", "money"], "player_identity"),
    ],
)
def test_wrong_use_is_one_sentence_that_says_what_is_right(arguments, words):
    told = run("GB", *arguments)
    assert (told.exit_code, told.stdout) == (2, "")
    assert words in told.stderr
    assert "Traceback" not in told.stderr


def test_a_candidate_that_does_not_exist_is_refused():
    told = run("GB", "--class", "keys", "--candidates", "eu-west-22", *ON)
    assert told.exit_code == 1
    assert "Did you mean eu-west-2" in told.output
