"""Backups of a cell in fakes: what is refused, what waits, what runs, and what is told of how it ended."""

import copy
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from domicile_operator.backups.deciding import OVER, Answer, outcome, status
from domicile_operator.backups.job import backup_job, job_name
from domicile_operator.backups.keeping import keep_backups
from domicile_operator.catalogue import CatalogueRulebook
from domicile_operator.children.base import PrunedChild
from domicile_operator.children.order import BUILD
from domicile_operator.errors import Fault
from domicile_operator.names import API_VERSION, BACKUP_KIND, FIELD_MANAGER
from domicile_operator.reconcile import reconcile
from domicile_operator.spec import TenantSpec
from hypothesis import given
from hypothesis import strategies as st
from operator_testkit.fakes import BACKUP_IMAGE, Clock, Fakes
from operator_testkit.samples import BACKED_UP, SPEC, plan, tenant

TOLD: dict[str, Any] = {
    "format": 1, "backup": "uid-nightly", "tenant": "acme-gb", "licence": "000-1", "snapshot": "ab12", "bytes": 4096,
    "instant": "2026-11-22T12:00:01.5+00:00", "stored_bytes": 1024, "sha256": "5" * 64, "image": "0.1.0-abc1234",
    "catalogue": "c" * 8, "schema": "0028_months_from_before.sql", "server": "15.18",
    "ledger": {
        "accounts": 9, "transactions": 12, "postings": 20, "chains": 2, "heads_sha256": "6" * 64,
        "posted_minor": {"GBP": "5000"}, "held_minor": {"EUR": "0", "GBP": "700"},
    },
}  # fmt: skip
DONE = {"outcome": "done", "receipt": TOLD}


def backup(name: str = "nightly", store: str = "offsite", of: str = "acme-gb") -> dict[str, Any]:
    spec = {"tenant": of, "store": store}
    return {"apiVersion": API_VERSION, "kind": BACKUP_KIND, "metadata": {"name": name}, "spec": spec}


@pytest.fixture
def cell() -> Fakes:
    """With a tenant that is built as far as its stores."""
    fakes = Fakes(BACKED_UP)
    fakes.kube.put(tenant())
    for _ in range(2):
        reconcile("acme-gb", fakes.world)
    return fakes


def told(cell: Fakes, name: str = "nightly") -> dict[str, Any]:
    found: dict[str, Any] = cell.kube.objects[BACKUP_KIND, "", name]["status"]
    return found


def said(cell: Fakes, name: str = "nightly") -> tuple[str, str]:
    return told(cell, name)["phase"], told(cell, name)["conditions"][0]["reason"]


def job(cell: Fakes, name: str = "nightly") -> dict[str, Any]:
    return cell.kube.objects["Job", "casino-acme-gb", job_name(cell.kube.objects[BACKUP_KIND, "", name])]


def ends(cell: Fakes, condition: str, report: dict[str, Any] | None = None, name: str = "nightly") -> None:
    job(cell, name)["status"] = {"conditions": [{"type": condition, "status": "True", "message": "it is over"}]}
    if report is not None:
        uid = cell.kube.objects[BACKUP_KIND, "", name]["metadata"]["uid"]
        cell.bao.documents[f"kv/data/tenants/acme-gb/backups/{uid}"] = {"data": report, "metadata": {"version": 1}}


def test_a_backup_runs_and_its_receipt_stands_in_its_status(cell: Fakes) -> None:
    cell.kube.put(backup())
    keep_backups(cell.world)
    assert said(cell) == ("Running", "Running") and "startedAt" in told(cell)
    secret = cell.bao.documents["kv/data/tenants/acme-gb/backup"]
    assert len(secret["data"]["password"]) >= 40 and secret["options"] == {"cas": 0}
    ends(cell, "Complete", DONE)
    keep_backups(cell.world)
    assert said(cell) == ("Completed", "Completed")
    receipt = told(cell)["receipt"]
    assert (receipt["snapshot"], receipt["place"], receipt["licence"]) == ("ab12", "eu-west-2", "000-1")
    assert receipt["ledger"]["sums"] == [
        {"currency": "EUR", "posted": "0", "held": "0"}, {"currency": "GBP", "posted": "5000", "held": "700"},
    ]  # fmt: skip
    events = [event["reason"] for event in cell.kube.events if event["involvedObject"]["kind"] == BACKUP_KIND]
    assert events == ["BackupRunning", "BackupCompleted"]
    assert secret["data"]["password"] not in str(cell.kube.objects)


def test_a_store_where_the_law_allows_none_is_refused_by_name_and_rule(cell: Fakes) -> None:
    cell.kube.put(backup(store="abroad"))
    keep_backups(cell.world)
    assert said(cell) == ("Refused", "NO_PLACE_IN_TERRITORY")
    message = told(cell)["conditions"][0]["message"]
    assert "abroad" in message and "sa-east-1" in message and "Law: an act." in message
    assert not [one for one in cell.kube.find("Job", "casino-acme-gb") if "backup" in one["metadata"]["name"]]


@pytest.mark.parametrize(
    ("wanted", "reason"), [(backup(store="nowhere"), "STORE_UNKNOWN"), (backup(of="other-gb"), "TENANT_UNKNOWN")]
)
def test_what_names_nothing_is_refused(cell: Fakes, wanted: dict[str, Any], reason: str) -> None:
    cell.kube.put(wanted)
    keep_backups(cell.world)
    assert said(cell) == ("Refused", reason)


def test_one_runs_at_a_time_and_the_next_begins_when_it_is_over(cell: Fakes) -> None:
    for name in ("a", "b"):
        cell.kube.put(backup(name))
    for _ in range(2):
        keep_backups(cell.world)
        assert (said(cell, "a"), said(cell, "b")) == (("Running", "Running"), ("Pending", "ANOTHER_RUNS"))
    ends(cell, "Failed", name="a")
    keep_backups(cell.world)
    assert said(cell, "a") == ("Failed", "BACKUP_JOB_FAILED") and said(cell, "b")[0] == "Running"


@pytest.mark.parametrize("at", range(12))
def test_whoever_is_killed_between_two_steps_goes_on_where_it_was(cell: Fakes, at: int) -> None:
    """One Job and one password come of it, at whichever call it ended."""
    cell.kube.put(backup())
    cell.switch.fail_at = len(cell.switch.calls) + at
    with suppress(Fault):
        keep_backups(cell.world)
    cell.switch.fail_at = None
    secret = copy.deepcopy(cell.bao.documents.get("kv/data/tenants/acme-gb/backup"))
    # What OpenBao tells of a secret that is there.
    if secret:
        cell.bao.documents["kv/metadata/tenants/acme-gb/backup"] = {"current_version": 1}
    for _ in range(2):
        keep_backups(cell.world)
    assert said(cell) == ("Running", "Running")
    assert secret in (None, cell.bao.documents["kv/data/tenants/acme-gb/backup"])
    assert len([one for one in cell.kube.find("Job", "casino-acme-gb") if "backup" in one["metadata"]["name"]]) == 1


def test_a_job_that_somebody_deleted_is_made_again(cell: Fakes) -> None:
    cell.kube.put(backup())
    keep_backups(cell.world)
    del cell.kube.objects["Job", "casino-acme-gb", job(cell)["metadata"]["name"]]
    keep_backups(cell.world)
    assert said(cell) == ("Pending", "BACKUP_JOB_GONE")
    keep_backups(cell.world)
    assert said(cell) == ("Running", "Running")


def test_what_waits_says_for_what(cell: Fakes) -> None:
    cell.kube.put(backup())
    cell.backup_image = ""
    keep_backups(cell.world)
    assert said(cell) == ("Pending", "BACKUP_IMAGE_MISSING")
    cell.backup_image = BACKUP_IMAGE
    cell.kube.objects["CasinoTenant", "", "acme-gb"]["metadata"]["annotations"] = {"casino.domicile.dev/paused": "why"}
    keep_backups(cell.world)
    assert said(cell) == ("Pending", "TENANT_HELD")
    cell.kube.put(tenant("new-gb"))
    cell.kube.put(backup("new", of="new-gb"))
    keep_backups(cell.world)
    assert said(cell, "new") == ("Pending", "TENANT_NOT_BUILT")


def test_trouble_is_told_and_is_no_end(cell: Fakes) -> None:
    cell.kube.put(backup())
    cell.switch.calls.clear()
    real = cell.bao.read
    cell.bao.read = lambda path: (_ for _ in ()).throw(Fault("OPENBAO_SEALED", "It is sealed."))  # type: ignore[method-assign]
    keep_backups(cell.world)
    assert said(cell) == ("Pending", "OPENBAO_SEALED")
    cell.bao.read = real  # type: ignore[method-assign]
    keep_backups(cell.world)
    assert said(cell) == ("Running", "Running")


def test_what_the_program_says_of_its_failure_is_told(cell: Fakes) -> None:
    cell.kube.put(backup())
    keep_backups(cell.world)
    ends(cell, "Failed", {"outcome": "failed", "code": "BACKUP_STORE_FAILED", "message": "the store is full"})
    keep_backups(cell.world)
    assert said(cell) == ("Failed", "BACKUP_STORE_FAILED") and "full" in told(cell)["conditions"][0]["message"]


def test_a_pass_over_the_tenant_leaves_the_job_of_a_backup_alone(cell: Fakes) -> None:
    cell.kube.put(backup())
    keep_backups(cell.world)
    made = job(cell)
    made["metadata"]["managedFields"] = [{"manager": FIELD_MANAGER}]
    for child in BUILD:
        if isinstance(child, PrunedChild) and child.kind == "Job":
            child.prune(plan(cell=BACKED_UP), [], cell.world)
    assert job(cell)["metadata"]["name"] == made["metadata"]["name"]


def test_the_job_is_restricted_and_knows_no_secret() -> None:
    made = backup_job(plan(cell=BACKED_UP), BACKED_UP.backups[0], backup() | {
        "metadata": {"name": "nightly", "uid": "0f0e0d0c-1111-2222-3333-444455556666"}}, BACKUP_IMAGE)  # fmt: skip
    pod = made["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["serviceAccountName"] == "casino-backup" and pod["automountServiceAccountToken"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]} and container["image"] == BACKUP_IMAGE
    assert container["args"] == ["backup", "take"] and pod["restartPolicy"] == "Never"
    environment = {one["name"]: one["value"] for one in container["env"]}
    assert environment["CASINO_BACKUP_STORE"] == "rest:https://offsite.example:8000/acme-gb/"
    assert environment["BAO_BACKUP_PASSWORD"] == "tenants/acme-gb/backup" and "BAO_DATABASE_ROLE" not in environment
    assert {"name": "tmp", "emptyDir": {"sizeLimit": "512Mi"}} in pod["volumes"]
    (owner,) = made["metadata"]["ownerReferences"]
    assert owner["kind"] == BACKUP_KIND and len(made["metadata"]["name"]) <= 63


REPORTS = st.sampled_from([None, DONE, {"outcome": "failed", "code": "X", "message": "m"}, {}])
JOBS = st.sampled_from(["Complete", "Failed", "Suspended", ""])


@given(JOBS, REPORTS)
def test_only_a_job_that_ended_well_and_told_so_completes_a_backup(
    condition: str, report: dict[str, Any] | None
) -> None:
    conditions = [{"type": condition, "status": "True"}] if condition else []
    answer = outcome({"status": {"conditions": conditions}}, report, "eu-west-2")
    assert (answer.phase == "Completed") == (condition == "Complete" and report is DONE)
    assert (answer.phase in OVER) == (condition in ("Complete", "Failed"))
    assert (answer.receipt is not None) == (answer.phase == "Completed")


@given(st.lists(st.sampled_from(["Pending", "Running", "Completed", "Failed"]), min_size=1, max_size=6))
def test_times_move_once_and_the_condition_only_where_it_turns(phases: list[Any]) -> None:
    clock, before = Clock(), {}
    for phase in phases:
        clock.advance(seconds=10)
        after = status(before, Answer(phase, "R", "m"), clock())
        assert after.get("startedAt", "") == before.get("startedAt", after.get("startedAt", ""))
        same = before and before["conditions"][0]["status"] == after["conditions"][0]["status"]
        moved = before and before["conditions"][0]["lastTransitionTime"] != after["conditions"][0]["lastTransitionTime"]
        assert not (same and moved)
        before = after


@pytest.mark.parametrize(("place", "code"), [("sa-east-1", None), ("eu-west-2", "NO_PLACE_IN_TERRITORY")])
def test_the_catalogue_says_where_a_backup_of_everything_may_rest(place: str, code: str | None, tmp_path: Path) -> None:
    spec = TenantSpec.model_validate(SPEC | {"jurisdiction": "BR"})
    refused = CatalogueRulebook.load(tmp_path).refuses_backup(spec, place, BACKED_UP, date(2026, 11, 22))
    assert (refused and refused.code) == code
    assert refused is None or "Lei 14.790/2023" in refused.message
