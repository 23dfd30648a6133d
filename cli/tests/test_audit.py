"""`domicile audit`: what it reads of an organisation, what it prints and keeps, and what it exits with."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from domicile_audit.cloud.client import Member, Organization
from domicile_audit.cloud.inventory import COLLECTORS
from domicile_audit.cloud.survey import survey
from domicile_audit.holding import Survey
from domicile_catalog import DataClass, load_catalogue
from domicile_cli.audit_scope import scope_of
from domicile_cli.commands import audit as command
from domicile_cli.main import app
from domicile_cli.options import day_of
from domicile_cli.validation import read_folder
from domicile_policies.names import AccountRole
from moto import mock_aws
from typer.testing import CliRunner

LAB = Path(__file__).parents[2] / "environments" / "lab"
READ = ("sqs queues", "kms keys", "s3 buckets")
TAGS = {"domicile:data-class": "wagering", "domicile:jurisdiction": "BR"}


def run(*arguments: object) -> Any:
    environment = {"COLUMNS": "220", "NO_COLOR": "1", "AWS_DEFAULT_REGION": "eu-west-1"}
    return CliRunner(env=environment).invoke(app, [str(one) for one in arguments])


@pytest.fixture()
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "environments" / "lab"
    shutil.copytree(LAB, folder)
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.fixture()
def accounts(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """An organisation with the lab's accounts, by name, and a reading of few types, for speed."""
    few = [one for one in COLLECTORS if one.name in READ]
    monkeypatch.setattr(command, "survey", partial(survey, collectors=few))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        client = boto3.client("organizations", region_name="us-east-1")
        client.create_organization(FeatureSet="ALL")
        made = {}
        for name in ("security", "shared-services", "log-archive-br", "log-archive-anywhere", "gb-lab", "br-lab"):
            answer = client.create_account(AccountName=f"lab-{name}", Email=f"aws+lab-{name}@acme.example")
            made[name] = answer["CreateAccountStatus"]["AccountId"]
        yield made


def session(account: str) -> boto3.Session:
    given = boto3.client("sts", region_name="eu-west-1").assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/planter", RoleSessionName="planter"
    )["Credentials"]
    return boto3.Session(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def queue(account: str, region: str) -> None:
    """A queue with a key of the account's, both tagged."""
    own = session(account)
    tags = [{"TagKey": key, "TagValue": value} for key, value in (TAGS | {"domicile:data-class": "keys"}).items()]
    key = own.client("kms", region_name=region).create_key(Tags=tags)["KeyMetadata"]["Arn"]
    own.client("sqs", region_name=region).create_queue(QueueName="bets", Attributes={"KmsMasterKeyId": key}, tags=TAGS)


REGIONS = ("--region", "sa-east-1", "--region", "eu-west-2")


def test_a_lawful_organisation_is_clean_and_its_evidence_is_kept(lab: Path, accounts: dict[str, str]) -> None:
    queue(accounts["br-lab"], "sa-east-1")
    result = run("audit", lab, "--no-sign", *REGIONS)
    assert result.exit_code == 4, result.output
    for words in ("What lab holds", "wagering", "sa-east-1", "sqs:queue 1", "partial: 2 things", "not signed"):
        assert words in result.output
    (kept,) = Path("evidence/lab/unsigned").glob("*.json")
    told = json.loads(kept.read_text())
    assert (told["verdict"], told["environment"], told["sequence"]) == ("partial", "lab", None)
    assert told["run"]["caller"].startswith("arn:aws:")
    assert told["extent"] == {
        "whole": False,
        "narrowed_to": ["sa-east-1", "eu-west-2"],
        "accounts": sorted([*accounts.values(), "123456789012"]),
        "regions": ["eu-west-1", "eu-west-2", "sa-east-1"],  # the caller's own, too, which lists all buckets
        "clusters": [],
        "clusters_left": ["gb-lab", "br-lab"],
    }
    assert {one["account"] for one in told["read"]["coverage"]} == {*accounts.values(), "123456789012"}


def test_only_an_audit_of_everything_is_clean(
    lab: Path, accounts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "read_cluster", lambda *_: Survey())
    Path("kubeconfig").touch()
    clusters = [f"--kubeconfig={cell}=kubeconfig" for cell in ("gb-lab", "br-lab")]
    whole = run("audit", lab, "--no-sign", "--json", *clusters)
    assert whole.exit_code == 0, whole.output
    told = json.loads(whole.stdout)
    assert told["verdict"] == "clean" and told["extent"]["whole"]
    assert len(told["extent"]["regions"]) > 10
    narrowed = run("audit", lab, "--no-sign", "--json", "--output", "kept", *clusters, "--region", "eu-west-2")
    assert (narrowed.exit_code, json.loads(narrowed.stdout)["verdict"]) == (4, "partial")


def test_a_region_that_is_misspelt_is_told(lab: Path, accounts: dict[str, str]) -> None:
    result = run("audit", lab, "--no-sign", "--region", "eu-wset-2")
    assert result.exit_code == 3
    assert "eu-wset-2" in result.output and "incomplete (partial)" in result.output


def test_an_unsigned_audit_leaves_the_signed_chain_as_it_is(
    lab: Path, accounts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True)
    monkeypatch.setenv("DOMICILE_AUDIT_KEY", "key")
    near = ("--region", "eu-west-2")
    assert "not signed" not in run("audit", lab, *near).output
    assert "not signed" in run("audit", lab, "--no-sign", *near).output  # the flag outweighs the variable
    held = run("audit", lab, "--verify", "--json")
    assert held.exit_code == 0, held.output
    assert [one["verdict"] for one in json.loads(held.stdout)["documents"]] == ["partial"]


def test_a_violation_is_shown_with_its_law_and_remedy_and_exits_1(lab: Path, accounts: dict[str, str]) -> None:
    queue(accounts["br-lab"], "eu-west-2")
    result = run("audit", lab, "--no-sign", *REGIONS)
    assert result.exit_code == 1
    for words in ("✘ wrong-place", "wagering of BR rests in eu-west-2", "data_residency of BR", "→ Move it"):
        assert words in result.output


def test_an_account_that_is_not_there_is_told_and_exits_3(lab: Path, accounts: dict[str, str]) -> None:
    text = (lab / "environment.yaml").read_text().replace("name: gb-lab", "name: gb-new")
    (lab / "environment.yaml").write_text(text)
    result = run("audit", lab, "--no-sign", "--json", *REGIONS)
    assert result.exit_code == 3, result.output
    told = json.loads(result.stdout)
    assert told["verdict"] == "incomplete"
    assert [one["account"] for one in told["unread"]] == ["gb-new"]


def test_json_is_json_and_names_the_evidence(lab: Path, accounts: dict[str, str]) -> None:
    queue(accounts["br-lab"], "eu-west-2")
    result = run("audit", lab, "--no-sign", "--json", "--output", "kept", *REGIONS)
    told = json.loads(result.stdout)
    assert told["verdict"] == "violations"
    assert [one["lawful"] for one in told["holdings"] if one["type"] == "sqs:queue"] == [False]
    assert {one["rule"] for one in told["findings"]} == {"wrong-place"}
    assert Path(told["evidence"]["file"]).parent == Path("kept/unsigned")


def test_evidence_is_signed_chained_and_verified(lab: Path, accounts: dict[str, str]) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], check=True)
    for number in (1, 2):
        result = run("audit", lab, "--sign", "key", "--region", "eu-west-2")
        assert result.exit_code == 4, result.output
        assert len(list(Path("evidence/lab").glob("*.json.sig"))) == number
    held = run("audit", lab, "--verify")
    assert held.exit_code == 0
    assert "2 documents" in held.output
    stranger = run("audit", lab, "--verify", "--signer", "SHA256:nobody")
    assert stranger.exit_code == 1
    first, second = sorted(Path("evidence/lab").glob("*.json"))
    first.write_text(first.read_text().replace("partial", "clean"))
    broken = run("audit", lab, "--verify", "--json")
    assert broken.exit_code == 1
    told = json.loads(broken.stdout)
    assert not told["holds"]
    assert [one["file"] for one in told["documents"] if one["problem"]] == [first.name]
    assert second.exists()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ((), "--sign KEY or --no-sign"),
        (("--no-sign", "--sign", "key"), "not both"),
        (("--sign", "no-such-key"), "does not exist"),
        (("--no-sign", "--kubeconfig", "gb-lab"), "CELL=FILE"),
        (("--verify", "--no-sign"), "leave out --sign and --no-sign"),
    ],
)
def test_what_is_used_wrongly_is_told_before_anything_is_read(lab: Path, options: tuple[str, ...], told: str) -> None:
    result = run("audit", lab, *options)
    assert result.exit_code == 2
    assert told in result.output


def test_a_key_that_cannot_sign_is_told_before_anything_is_read(lab: Path) -> None:
    Path("key").write_text("no key")
    result = run("audit", lab, "--sign", "key")
    assert (result.exit_code, "cannot sign" in result.output) == (2, True)


def test_evidence_that_is_not_there_cannot_be_verified(lab: Path) -> None:
    result = run("audit", lab, "--verify")
    assert (result.exit_code, "has no signed evidence" in result.output) == (3, True)


def test_without_an_organisation_it_says_what_to_give(lab: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    with mock_aws():
        result = run("audit", lab, "--no-sign")
    assert result.exit_code == 3
    assert "AWSOrganizationsNotInUseException" in result.output and "the management account" in result.output


class TestScope:
    def members(self, *names: str) -> Organization:
        return Organization(
            id="o-1",
            accounts=tuple(
                Member(id=f"{number:012d}", name=f"lab-{name}", email=f"AWS+lab-{name}@acme.example")
                for number, name in enumerate(names, start=1)
            ),
        )

    def test_accounts_are_known_by_their_address_and_bound_by_their_cells_law(self) -> None:
        folder = read_folder(LAB, load_catalogue())
        found = self.members(
            "security", "shared-services", "log-archive-br", "log-archive-anywhere", "gb-lab", "br-lab"
        )
        scoped = scope_of(folder, found, day_of(None))
        assert scoped.missing == ()
        told = {one.account_id: (one.role, one.cell, one.jurisdictions) for one in scoped.scope.accounts}
        assert told["123456789012"] == (AccountRole.MANAGEMENT, None, ())
        assert told["000000000003"] == (AccountRole.LOG_ARCHIVE, None, ("BR",))
        assert told["000000000006"] == (AccountRole.CELL, "br-lab", ("BR",))
        assert scoped.scope.laws["BR"].by_class[DataClass.WAGERING].places == ("sa-east-1",)
        assert {one.retention_days for one in scoped.scope.accounts if one.cell} == {1}  # it may be thrown away

    def test_an_archive_that_stands_is_read_whether_or_not_a_zone_needs_it(self) -> None:
        folder = read_folder(LAB, load_catalogue())
        found = self.members("security", "shared-services", "log-archive-br", "log-archive-old", "gb-lab", "br-lab")
        scoped = scope_of(folder, found, day_of(None))
        archives = {one.account_id: one.jurisdictions for one in scoped.scope.accounts if one.role == "log_archive"}
        assert archives == {"000000000003": ("BR",), "000000000004": ("BR", "GB")}
        assert [one.account for one in scoped.missing] == ["log-archive-anywhere"]

    def test_a_cluster_on_a_site_is_bound_by_the_tenants_laws(self) -> None:
        folder = read_folder(LAB, load_catalogue())
        (site,) = scope_of(folder, None, day_of(None), ["newark"]).scope.accounts
        assert (site.account_id, site.cell, site.jurisdictions) == ("newark", "newark", ("BR", "GB"))
