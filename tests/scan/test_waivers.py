"""Waivers: what they cover, and which of them are faults themselves."""

from pathlib import Path

import pytest
import yaml

from tests.scan.findings import Finding, Subject, Verdict, settle, told
from tests.scan.waivers import Waiver, read_waivers

BUCKET = Subject("cell", "aws:s3/bucket:Bucket::documents", "aws:s3/bucket:Bucket", "infra/x.py:3")
FOUND = Finding(BUCKET, "CKV_AWS_144", "Ensure that S3 bucket has cross-region replication enabled")
GOOD = {
    "check": "CKV_AWS_144",
    "resource": "aws:s3/bucket:Bucket::*",
    "reason": "A copy abroad is what the law forbids.",
}


def written(folder: Path, *entries: object) -> Path:
    file = folder / "waivers.yaml"
    file.write_text(yaml.safe_dump(list(entries)))
    return file


def test_a_finding_without_a_waiver_is_left() -> None:
    assert settle([FOUND], []).open == (FOUND,)


def test_a_waiver_covers_its_check_on_the_resources_of_its_pattern_and_nothing_else(tmp_path: Path) -> None:
    (waiver,) = read_waivers(written(tmp_path, GOOD))
    other_check = Finding(BUCKET, "CKV_AWS_20", "public")
    elsewhere = Finding(Subject("cell", "aws:kms/key:Key::data", "aws:kms/key:Key", "y"), "CKV_AWS_144", "x")
    verdict = settle([FOUND, other_check, elsewhere], [waiver])
    assert verdict.open == (other_check, elsewhere)
    assert (verdict.waived, verdict.stale) == (1, ())


def test_a_waiver_that_lets_nothing_through_is_stale() -> None:
    old = Waiver("CKV_AWS_144", "aws:s3/bucket:Bucket::gone", "A reason that was a good one in its day.")
    assert settle([FOUND], [old]) == Verdict((FOUND,), 0, (old,))


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({**GOOD, "reason": ""}, "reason must be a text"),
        ({**GOOD, "reason": "   "}, "reason must be a text"),
        ({**GOOD, "reason": "not needed"}, "is no reason"),
        ({"check": "CKV_AWS_144", "resource": "x"}, "needs check, resource and reason"),
        ({**GOOD, "until": "2030"}, "needs check, resource and reason"),
        ({**GOOD, "resource": "*"}, "for everything"),
        ({**GOOD, "resource": "*::*"}, "for everything"),
        ("CKV_AWS_144", "needs check, resource and reason"),
    ],
)
def test_a_waiver_that_says_too_little_or_too_much_is_refused(tmp_path: Path, entry: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        read_waivers(written(tmp_path, entry))


def test_the_same_waiver_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="twice"):
        read_waivers(written(tmp_path, GOOD, {**GOOD, "reason": GOOD["reason"] + " Still."}))


def test_what_is_told_has_the_check_its_text_the_resource_our_file_and_the_stack() -> None:
    text = "\n".join(told([FOUND]))
    assert all(part in text for part in (FOUND.check, FOUND.text, BUCKET.title, BUCKET.at, BUCKET.stack))
