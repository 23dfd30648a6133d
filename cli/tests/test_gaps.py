"""`domicile catalog gaps`: which gaps block which tenants."""

import json
import re

import pytest
from domicile_cli.main import app
from typer.testing import CliRunner

ON = ["--on", "2026-06-01"]


def run(*arguments):
    return CliRunner(env={"COLUMNS": "160", "NO_COLOR": "1"}).invoke(app, ["catalog", "gaps", *map(str, arguments)])


@pytest.fixture
def live(lab):
    """An environment in production, beside the lab."""
    folder = lab.parent / "live"
    (folder / "tenants").mkdir(parents=True)
    (folder / "environment.yaml").write_text("name: live\nproduction: true\n")
    (folder / "tenants" / "kustomization.yaml").write_text(
        (lab / "tenants" / "kustomization.yaml").read_text().split("  -")[0]
    )
    return folder


def settle(environment, lab, name, jurisdiction):
    """A tenant of that name and jurisdiction in an environment."""
    text = (lab / "tenants" / "acme-gb.yaml").read_text()
    text = text.replace("name: acme-gb", f"name: {name}").replace("jurisdiction: GB", f"jurisdiction: {jurisdiction}")
    (environment / "tenants" / f"{name}.yaml").write_text(text)
    with (environment / "tenants" / "kustomization.yaml").open("a") as listed:
        listed.write(f"  - {name}.yaml\n")


def blocks(environments, *more):
    found = json.loads(run("--environments", environments, "--json", *ON, *more).stdout)["gaps"]
    return {(gap["jurisdiction"], gap["fact"]): gap["blocks"] for gap in found if gap["blocks"]}


def test_an_unknown_fact_blocks_everywhere_and_a_recalled_one_in_production(lab, live):
    settle(lab, lab, "fjord", "NO")
    settle(live, lab, "fjord-live", "NO")
    stopped = blocks(lab.parent)
    assert stopped["NO", "data_residency"] == ["lab/fjord", "live/fjord-live"]
    in_production_only = {fact: who for (_, fact), who in stopped.items() if fact != "data_residency"}
    assert {"online_casino", "min_age", "slot_max_stake"} <= set(in_production_only)
    assert set(map(tuple, in_production_only.values())) == {("live/fjord-live",)}


def test_what_blocks_most_comes_first(lab, live):
    settle(live, lab, "sol", "MX")
    settle(lab, lab, "fjord", "NO")
    settle(lab, lab, "skog", "NO")
    output = run("--environments", lab.parent, *ON).output
    table = output[output.index("Gaps that block tenants") : output.index("Gaps ", output.index("they block"))]
    first, second = re.search(r"data_residency +NO", table), re.search(r"online_casino +MX", table)
    assert first and second and first.start() < second.start()
    for words in ("? unknown", "fjord, skog", "○ recalled", "sol", "they block 3 of 5 tenants in 2 environments"):
        assert words in table


def test_an_unknown_rule_of_play_blocks_too(lab):
    missing = json.loads(run("--environments", lab.parent, "--json", *ON).stdout)["gaps"]
    unknown = [gap["jurisdiction"] for gap in missing if gap["stops"] == "the casino's rules"]
    assert unknown
    settle(lab, lab, "rules", unknown[0])
    assert blocks(lab.parent)[unknown[0], "min_age"] == ["lab/rules"]


def test_an_attestation_unblocks_until_it_expires(lab):
    settle(lab, lab, "fjord", "NO")
    (lab / "attestations" / "no.yaml").write_text(
        "jurisdiction: NO\nfact: data_residency\nvalue: none\nattested_by: Jane Roe\nrole: Counsel\n"
        "attested_on: 2026-05-01\nsource: Letter of the regulator\nexpires_on: 2026-06-15\n"
        f"source_sha256: {'a' * 64}\n"
    )
    assert blocks(lab.parent) == {}
    assert blocks(lab.parent, "--on", "2026-06-16") == {("NO", "data_residency"): ["lab/fjord"]}


def test_a_limit_that_is_too_lax_is_no_gap(lab):
    path = lab / "tenants" / "acme-gb.yaml"
    path.write_text(path.read_text().replace("slotMaxStakeMinor: 200", "slotMaxStakeMinor: 900"))
    assert blocks(lab.parent) == {}


def test_the_environments_of_the_checkout_are_read_by_default(lab, monkeypatch, tmp_path):
    monkeypatch.chdir(lab.parent.parent)
    assert "No gap blocks any of 2 tenants in 1 environment." in run(*ON).output
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    told = run(*ON)
    assert (told.exit_code, "There is no environment below ./environments" in told.output) == (0, True)
    assert {tuple(gap["blocks"]) for gap in json.loads(run("--json", *ON).stdout)["gaps"]} == {()}


def test_an_environment_with_faults_says_so_and_counts_as_production(lab):
    settle(lab, lab, "sol", "MX")
    (lab / "environment.yaml").write_text("name: lab\nproduction: perhaps\n")
    stopped = blocks(lab.parent)
    assert stopped["MX", "online_casino"] == ["lab/sol"]
    # As in production no limit may be missing, also of tenants that were lawful before.
    assert stopped["GB", "session_idle_minutes"] == ["lab/acme-gb"]
    assert "lab has 1 fault" in run("--environments", lab.parent, *ON).output
    environments = json.loads(run("--environments", lab.parent, "--json", *ON).stdout)["environments"]
    assert [one["line"] for one in environments[0]["faults"]] == [2]


@pytest.mark.parametrize(("folder", "words"), [("nowhere", "nowhere"), (".", "no environment below")])
def test_a_folder_without_environments_is_wrong_use(tmp_path, monkeypatch, folder, words):
    monkeypatch.chdir(tmp_path)
    told = run("--environments", folder)
    assert (told.exit_code, told.stdout) == (2, "")
    assert words in told.stderr
