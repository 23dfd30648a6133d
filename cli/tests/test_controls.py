"""`domicile controls`, over the verdicts that are kept with the code."""

import json
import shutil
from pathlib import Path

import pytest
from domicile_cli.main import app
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]
ON = ("--on", "2026-06-01")


def run(*arguments):
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1"})
    return runner.invoke(app, ["controls", *map(str, arguments)], catch_exceptions=False)


def told(*arguments):
    return json.loads(run(*arguments, "--root", ROOT, "--json").stdout)


def test_every_control_says_whether_it_is_met_and_by_what():
    found = {one["id"]: one for one in told()["controls"]}
    assert found["slot.stake-maximum"]["status"] == "met"
    assert found["limits.required"] | {"status": "unmet", "why": "no code meets it yet"} == found["limits.required"]


def test_what_is_kept_is_what_the_code_was_verified_as():
    stale = [one["id"] for one in told()["controls"] if one["code"] and one["status"] == "unmet"]
    assert stale == [], "run `make controls`"


def test_a_jurisdictions_requirements_have_value_clause_and_day():
    found = {one["control"]: one for one in told("DE", *ON)["requirements"]}
    stake = found["slot.stake-maximum"]
    assert (stake["id"], stake["standing"], stake["status"]) == ("DE.slot.stake-maximum", "in_force", "met")
    assert stake["value"] == [{"min_age": 18, "stake_minor": 100}]
    assert found["game.autoplay"]["value"] == "banned"


def test_the_rule_of_a_day_is_a_function_of_the_day():
    def stake(day):
        found = {one["control"]: one for one in told("GB", "--on", day)["requirements"]}
        return found["slot.stake-maximum"]

    assert stake("2025-04-08")["standing"] == "unread"
    assert (stake("2025-04-09")["value"], stake("2025-04-09")["next_change"]) == (
        [{"min_age": 18, "stake_minor": 500}],
        "2025-05-21",
    )
    assert [band["stake_minor"] for band in stake("2025-05-21")["value"]] == [200, 500]


def test_unmet_leaves_out_what_is_met_and_what_is_not_in_force():
    for one in told("GB", "--unmet", *ON)["requirements"]:
        assert (one["standing"], one["status"]) == ("in_force", "unmet")
    shown = run("GB", "--root", ROOT, *ON)
    assert shown.exit_code == 0
    assert "slot.stake-maximum" in shown.output and "nobody has read" in shown.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--write"], "give both"),
        (["UK", "--root", ROOT], "GB"),
        (["--root", ROOT / "docs"], "--verify --write"),
        (["--verify", "--root", ROOT / "docs"], "run this in a checkout"),
    ],
)
def test_wrong_use_says_what_is_right(arguments, words):
    result = run(*arguments)
    assert (result.exit_code, words in result.output.replace("\n", " ")) == (2, True), result.output


def test_a_record_that_is_none_is_told_and_not_a_traceback(tmp_path):
    for text in ("{", "[]", '{"slot.stake-maximum": {"status": "fine"}}'):
        (tmp_path / "docs" / "controls").mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / "controls" / "verdicts.json").write_text(text)
        for folder in ("app", "catalog"):
            if not (tmp_path / folder).exists():
                shutil.copytree(ROOT / folder / "tests", tmp_path / folder / "tests")
        result = run("--root", tmp_path)
        assert result.exit_code == 2 and "no record of verdicts" in result.output.replace("\n", " "), text
