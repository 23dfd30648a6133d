"""Building a cloud: what is refused before the engine starts, and what each stack's own file says."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import ClassVar

import botocore.exceptions
import pytest
from domicile_catalog import load_catalogue
from domicile_catalog.environment import NOBODY, TrustAnchor
from domicile_cli.cloud.engine import Engine, EngineError, last_words, project_root, variables_of, write_stack_file
from domicile_cli.cloud.order import waits_because
from domicile_cli.cloud.preflight import caller_account, credentials_fault, read_to_build
from domicile_cli.main import app
from domicile_infra.stacks import StackRef, stack_file, stacks_of
from moto import mock_aws
from typer.testing import CliRunner

LAB = Path(__file__).parents[2] / "environments" / "lab"
DAY = date(2026, 11, 24)


def run(*arguments, **env):
    runner = CliRunner(env={"COLUMNS": "200", "NO_COLOR": "1", **env})
    return runner.invoke(app, [str(one) for one in arguments])


def around(folder=LAB):
    return read_to_build(folder, load_catalogue(), NOBODY, DAY)[0]


def caller(account=None, error=None):
    def ask(_region):
        if error:
            raise error
        return account

    return ask


@pytest.fixture
def broken(tmp_path):
    """The lab's environment with one text put for another."""

    def make(was, becomes):
        folder = tmp_path / "lab"
        shutil.copytree(LAB, folder)
        path = folder / "environment.yaml"
        assert was in path.read_text()
        path.write_text(path.read_text().replace(was, becomes))
        return folder

    return make


def test_the_stacks_are_the_organisation_and_then_each_cell():
    found = json.loads(run("stacks", LAB, "--json").stdout)
    assert [one["name"] for one in found] == ["organization-lab", "gb-lab", "br-lab"]
    assert found[0]["cell"] is None and found[1]["cell"] == "gb-lab"


def test_a_cell_is_one_entry_and_no_code(broken):
    more = "  - {name: de-lab, place: eu-central-1, jurisdictions: [DE], baseDomain: de.acme.example}\ncells:\n"
    folder = broken("cells:\n", "cells:\n" + more.removesuffix("cells:\n"))
    assert [one["name"] for one in json.loads(run("stacks", folder, "--json").stdout)][1] == "de-lab"


@pytest.mark.parametrize("command", ["up", "preview"])
def test_a_fault_of_the_environment_ends_what_would_build_it_with_its_line(broken, command):
    folder = broken("place: sa-east-1", "place: eu-west-9")
    lines = (folder / "environment.yaml").read_text().splitlines()
    result = run(command, folder, "--json")
    assert result.exit_code == 1
    line = lines.index("    place: eu-west-9") + 1
    assert f"environment.yaml:{line}: cells.1.place: unknown place eu-west-9" in result.stderr


@pytest.mark.parametrize("command", ["refresh", "destroy"])
def test_what_the_law_no_longer_allows_can_still_be_read_and_taken_down(broken, command):
    result = run(command, broken("[BR]", "[NL]"), "--yes" if command == "destroy" else "--json", PATH="/nowhere")
    assert "NO_PLACE" not in result.stderr and "make tools" in result.stderr


def test_the_program_is_told_of_the_folder_and_the_root_that_were_checked(tmp_path):
    root = "SHA256:" + "a" * 43
    told = variables_of(tmp_path / "environments" / "live", TrustAnchor(root, 4))
    assert told == {
        "DOMICILE_ENVIRONMENTS": str(tmp_path / "environments"),
        "DOMICILE_ATTESTATION_ROOT": root,
        "DOMICILE_ATTESTATION_SERIAL": "4",
    }


def test_a_file_that_pulumi_made_gets_what_is_ours_and_a_name_that_only_begins_alike_is_another(tmp_path):
    (tmp_path / "environments").mkdir()
    path = tmp_path / "environments" / "Pulumi.gb-prod.yaml"
    path.write_text("secretsprovider: awskms://x\n")
    write_stack_file(tmp_path, StackRef("gb-prod", "live", "gb-prod"))
    assert "domicile:cell: gb-prod" in path.read_text() and "awskms://x" in path.read_text()
    path.write_text("config:\n  domicile:environment: live2\n  domicile:cell: gb-prod\n")
    with pytest.raises(EngineError, match="live2"):
        write_stack_file(tmp_path, StackRef("gb-prod", "live", "gb-prod"))


def test_a_stack_that_is_not_there_is_a_usage_error():
    result = run("up", LAB, "--stack", "fr-lab", "--yes")
    assert result.exit_code == 2 and "gb-lab" in result.stderr


@pytest.mark.parametrize(
    ("ask", "says"),
    [
        (caller(error=botocore.exceptions.NoCredentialsError()), "no usable credentials"),
        (
            caller(error=botocore.exceptions.ClientError({"Error": {"Code": "ExpiredToken", "Message": "old"}}, "x")),
            "log in again",
        ),
        (
            caller(error=botocore.exceptions.ClientError({"Error": {"Code": "InvalidClientTokenId"}}, "x")),
            "credentials that AWS knows",
        ),
        (
            caller(error=botocore.exceptions.EndpointConnectionError(endpoint_url="http://127.0.0.1:9")),
            "AWS does not answer",
        ),
        (caller("210987654321"), "credentials are of account 210987654321"),
    ],
)
def test_credentials_that_cannot_build_it_are_told_at_the_accounts_line(ask, says):
    fault = credentials_fault(around(), LAB, ask)
    assert fault and (fault.line, fault.path) == (8, "organization.account") and says in str(fault)


def test_the_credentials_are_asked_about_without_a_region_of_their_own(monkeypatch):
    for name in ("AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with mock_aws():
        assert caller_account("eu-west-1") == "123456789012"


@pytest.mark.parametrize("command", ["up", "destroy", "stacks", "audit", "validate"])
def test_a_folder_that_is_no_environments_is_told_with_those_that_are_near(command):
    for folder, near in ((LAB.parent, LAB), (LAB / "tenants", LAB)):
        result = run(command, folder, COLUMNS="900")
        told = " ".join(result.output.replace("│", " ").split())
        assert result.exit_code == 2, result.output
        assert "is no environment's folder" in told and f"Did you mean {near}?" in told


def test_the_management_accounts_credentials_are_right():
    assert credentials_fault(around(), LAB, caller("123456789012")) is None


def test_a_machine_without_the_engine_is_told_so():
    result = run("preview", LAB, PATH="/nowhere")
    assert result.exit_code == 1 and "make tools" in result.stderr


def test_a_stacks_file_is_made_once_and_belongs_to_one_cell(tmp_path):
    (tmp_path / "environments").mkdir()
    ref = StackRef("gb-lab", "lab", "gb-lab")
    write_stack_file(tmp_path, ref)
    path = tmp_path / "environments" / "Pulumi.gb-lab.yaml"
    assert path.read_text() == "config:\n  domicile:environment: lab\n  domicile:cell: gb-lab\n" == stack_file(ref)
    path.write_text(path.read_text() + "encryptionsalt: v1:x\n")
    write_stack_file(tmp_path, ref)
    assert path.read_text().endswith("encryptionsalt: v1:x\n")
    with pytest.raises(EngineError, match="another environment"):
        write_stack_file(tmp_path, StackRef("gb-lab", "live", "gb-lab"))


def test_the_engines_last_words_are_told_with_what_to_do():
    told = " code: 255\n stdout: Previewing update\n stderr: error: PULUMI_ACCESS_TOKEN must be set for login\n"
    assert last_words(told).splitlines() == [
        "error: PULUMI_ACCESS_TOKEN must be set for login",
        "Say where stacks' state is kept: `pulumi login s3://<bucket>`, or PULUMI_BACKEND_URL.",
    ]
    silent = " code: 255\n stdout: it failed\n stderr: "
    assert last_words(silent) == silent


def test_an_environment_without_an_organisation_has_no_stacks():
    environment = around().environment
    assert stacks_of(environment.model_copy(update={"organization": None})) == ()


def test_the_project_is_found_from_an_environments_folder(tmp_path):
    assert project_root(LAB) == LAB.parents[1]
    with pytest.raises(EngineError, match=r"Pulumi\.yaml"):
        project_root(tmp_path)


def test_what_the_organisation_cannot_be_is_told_with_its_line_before_the_engine_starts(broken):
    cells = "".join(
        f"  - {{name: gb-{at}, place: eu-west-2, jurisdictions: [GB], baseDomain: gb{at}.acme.example}}\n"
        for at in range(8)
    )
    folder = broken("cells:\n", f"cells:\n{cells}")
    result = run("up", folder, "--yes", PATH="/nowhere")
    assert result.exit_code == 1
    assert "organization.quotas.accounts: 15 accounts" in result.stderr and "AWS allows 10" in result.stderr
    path = folder / "environment.yaml"
    path.write_text(path.read_text().replace("  budget:", "  quotas: {accounts: 20}\n  budget:"))
    assert "make tools" in run("up", folder, "--yes", PATH="/nowhere").stderr


ARCHIVE = {
    "bucket": "b",
    "keyArn": "arn:aws:kms:eu-west-2:111122223333:key/k",
    "accountId": "1" * 12,
    "retentionDays": 1,
}
EXPORTED = {
    "schema": 1,
    "organizationId": "o-abcdefghij",
    "managementAccountId": "1" * 12,
    "accounts": {
        "gb-lab": {
            "id": "2" * 12,
            "role": "cell",
            "unit": "anywhere",
            "roles": {"deployer": f"arn:aws:iam::{'2' * 12}:role/domicile-deployer"},
            "boundary": f"arn:aws:iam::{'2' * 12}:policy/domicile-boundary",
        }
    },
    "zoneOfCell": {"gb-lab": "anywhere"},
    "logArchives": {"anywhere": {"eu-west-2": ARCHIVE}},
}


def test_a_cell_is_previewed_once_the_organisation_has_made_what_it_is_planned_from():
    environment = around().environment
    organization, gb, br = stacks_of(environment)
    assert waits_because(environment, organization, None) is None
    assert "organization-lab makes its account and its roles, and has not been built" in waits_because(
        environment, gb, None
    )
    assert waits_because(environment, gb, EXPORTED) is None
    assert "no account for the cell br-lab" in waits_because(environment, br, EXPORTED)
    assert "schema" in waits_because(environment, gb, EXPORTED | {"schema": 0})


class NothingBuilt(Engine):
    """An engine over which the organisation has not been built; it says what it was asked to run."""

    ran: ClassVar[list[str]] = []

    def output(self, ref, name):
        return None

    def run(self, ref, operation, on_event):
        self.ran.append(f"{operation} {ref.name}")


def test_a_preview_of_a_new_environment_shows_the_organisation_and_says_what_comes_after(monkeypatch, tmp_path):
    monkeypatch.setattr("domicile_cli.cloud.work.Engine", NothingBuilt)
    monkeypatch.setattr("domicile_cli.cloud.work.credentials_fault", lambda around, folder: None)
    monkeypatch.setattr("domicile_cli.cloud.work.tools_missing", lambda: None)
    NothingBuilt.ran.clear()
    told = run("preview", LAB)
    assert told.exit_code == 0, told.output
    assert NothingBuilt.ran == ["preview organization-lab"]
    assert "preview gb-lab: not yet" in told.output and "preview br-lab: not yet" in told.output
    assert "domicile up" in told.output
    found = json.loads(run("preview", LAB, "--json").stdout)
    assert [(one["stack"], "waits" in one) for one in found] == [
        ("organization-lab", False),
        ("gb-lab", True),
        ("br-lab", True),
    ]


def kept_for_good(broken):
    return broken("disposable: true\n", "disposable: false\n")


def test_nothing_is_changed_unseen_where_what_holds_data_needs_an_approval(broken, monkeypatch):
    monkeypatch.setattr("domicile_cli.cloud.work.tools_missing", lambda: None)
    monkeypatch.setattr("domicile_cli.cloud.work.credentials_fault", lambda *_: None)
    monkeypatch.setattr("domicile_cli.cloud.work.project_root", lambda _: LAB.parents[1])
    result = run("up", kept_for_good(broken), "--skip-preview", "--yes")
    assert result.exit_code == 2 and "lab is not disposable" in result.stderr
