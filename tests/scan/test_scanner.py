"""A scan that saw less than it was given is no scan."""

import json
from pathlib import Path

import pytest

from tests.scan import scanner
from tests.scan.__main__ import main
from tests.scan.declared import SECRET, exported, plain
from tests.scan.findings import judge, scan, write
from tests.scan.resource import Stack
from tests.scan.scanner import Report, ScanError


def document(**results: list) -> dict:
    known = {"passed_checks": [], "failed_checks": [], "skipped_checks": [], "parsing_errors": []}
    return {"check_type": "terraform_plan", "results": known | results, "summary": {"resource_count": 0}}


def test_a_file_that_checkov_cannot_read_is_a_fault() -> None:
    with pytest.raises(ScanError, match=r"could not read a\.json"):
        scanner.read([document(parsing_errors=["a.json"])])


def test_a_check_that_a_comment_skips_is_a_fault() -> None:
    skipped = {"file_abs_path": "/x.yaml", "check_id": "CKV_K8S_1"}
    with pytest.raises(ScanError, match=r"waivers\.yaml"):
        scanner.read([document(skipped_checks=[skipped])])


def test_an_answer_about_nothing_is_a_fault() -> None:
    with pytest.raises(ScanError, match="looked at nothing"):
        scanner.read([{"passed": 0, "failed": 0, "resource_count": 0}])


def test_fewer_resources_read_than_declared_is_a_fault(cell: Stack, tmp_path: Path) -> None:
    written = write([cell], [], tmp_path)
    count = len(cell.of("aws"))
    with pytest.raises(ScanError, match=f"read {count - 1} of {count} resources of aws"):
        judge(written, Report((), 0, {"terraform_plan": count - 1, "kubernetes": 999}, frozenset()))


def test_a_finding_about_something_that_nobody_declared_is_a_fault(cell: Stack, tmp_path: Path) -> None:
    written = write([cell], [], tmp_path)
    with pytest.raises(ScanError, match="nobody wrote there"):
        judge(written, Report((), 0, {}, frozenset({(tmp_path / "cell.json", "aws_kms_key.other")})))


def test_what_is_no_object_of_a_cluster_is_written_as_none(tmp_path: Path) -> None:
    scraped = tmp_path / "scrape.yaml"
    scraped.write_text("- {job_name: domicile}\n---\n---\nkind: Kustomization\n")
    assert write([], [scraped], tmp_path).subjects == {}


def test_resources_of_another_provider_are_a_fault(tmp_path: Path) -> None:
    export = exported(of_stack(tmp_path, {"urn": urn("random:index:Id", "x"), "type": "random:index:Id"}))
    with pytest.raises(LookupError, match="random"):
        scan([export])


def urn(kind: str, name: str) -> str:
    return f"urn:pulumi:gb::domicile::{kind}::{name}"


def of_stack(folder: Path, *resources: dict) -> Path:
    file = folder / "gb.json"
    entries = [{"custom": True, "inputs": {}, **one} for one in resources]
    file.write_text(json.dumps({"version": 3, "deployment": {"resources": entries}}))
    return file


def test_an_exported_stack_is_scanned_and_fails_for_what_is_wrong_in_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys, kind = urn("domicile:cell:Keys", "keys"), "aws:kms/key:Key"
    export = of_stack(
        tmp_path,
        {"urn": keys, "type": "domicile:cell:Keys", "custom": False},
        {
            "urn": urn(f"domicile:cell:Keys${kind}", "data"),
            "type": kind,
            "parent": keys,
            "inputs": {"enableKeyRotation": False, "description": {SECRET: "1b47", "ciphertext": "v1:x"}},
        },
    )
    assert main([str(export)]) == 1
    said = capsys.readouterr().out
    assert "CKV_AWS_7" in said
    assert "aws:kms/key:Key::data" in said
    assert "infra/src/domicile_infra/cell/keys.py:" in said


def test_a_file_that_is_no_export_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    file.write_text("{}")
    assert main([str(file)]) == 2
    assert "pulumi stack export" in capsys.readouterr().err


def test_secrets_are_unwrapped_or_covered_and_numbers_are_whole() -> None:
    wrapped = {"a": {SECRET: "1b47", "value": "x"}, "b": [{SECRET: "1b47", "ciphertext": "v1:y"}], "c": 5432.0}
    assert plain(wrapped) == {"a": "x", "b": ["(secret)"], "c": 5432}


def test_checkov_is_called_without_an_account_of_its_vendor(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BC_API_KEY", "PRISMA_API_URL", "CKV_VALIDATE_SECRETS", "AWS_PROFILE", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "set")
    assert scanner.offline().keys() <= {"PATH", "HOME", "LANG", "TMPDIR", "LOG_LEVEL", "PYTHONHASHSEED"}
