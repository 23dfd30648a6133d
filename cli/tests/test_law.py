"""Commands about law that changes."""

import json
from pathlib import Path

import pytest
from domicile_cli.main import app
from typer.testing import CliRunner

ROOT = Path(__file__).resolve().parents[2]


def run(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_check_counts_what_the_catalogue_holds():
    told = run("catalog", "check", "--json")
    assert told.exit_code == 0
    held = json.loads(told.stdout)
    assert (held["jurisdictions"], held["faults"]) == (184, [])


def test_diff_tells_what_began_between_two_days():
    found = json.loads(run("diff", "GB", "2025-01-01", "2025-12-31", "--json").stdout)
    changes = {(one["fact"], one["day"]): one for one in found}
    # RTS 14G: five seconds for casino games that are neither slots nor poker between players, from 17 January 2025.
    five = changes["other_games_min_cycle_seconds", "2025-01-17"]
    assert (float(five["after"]), five["before_known"]) == (5, False)
    assert "slot_min_cycle_seconds" not in {fact for fact, _ in changes}


def test_diff_says_so_when_nothing_changed():
    assert "Nothing" in run("diff", "GB", "1990-01-01", "1990-01-02").output


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["diff", "GB", "2026-01-01", "2025-01-01"], "earlier day first"),
        (["diff", "UK", "2025-01-01", "2026-01-01"], "GB"),
        (["diff", "GB", "yesterday", "2026-01-01"], "formats"),
        (["impact", "--on", "soon"], "formats"),
        (["impact"], "--on"),
    ],
)
def test_wrong_use_is_told_with_what_is_right(arguments, word):
    told = run(*arguments)
    assert told.exit_code == 2
    assert word in told.output


def test_impact_reads_every_environment_of_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)
    told = run("impact", "--on", "2027-06-01", "--json")
    assert told.exit_code == 0
    assert json.loads(told.stdout) == {"lab": []}


def test_impact_needs_an_environment(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    told = run("impact", "--on", "2027-06-01")
    assert told.exit_code == 2
    assert "name its folder" in told.output
