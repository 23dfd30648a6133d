"""A control is met by code that its test misses, and by nothing less."""

import sys

import pytest
from domicile_audit.controls import Met, record, recorded, reference_fault, verify
from domicile_catalog import Control

CODE = """
def cap(stake):
    return min(stake, 200)


class Door:
    def open(self, age):
        return age >= 18
"""
TESTS = """
import limits_under_test
from limits_under_test import Door, cap
import pytest


def test_the_cap_holds():
    assert cap(500) == 200


@pytest.mark.parametrize("age", [17, 16])
def test_the_door_is_shut(age):
    assert Door().open(age) is False


def test_nothing_at_all():
    assert True


def test_that_only_calls():
    cap(500)


def test_that_fails():
    assert cap(500) == 100
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A checkout with a module and its tests."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "limits_under_test.py").write_text(CODE)
    (folder / "tests").mkdir()
    (folder / "tests" / "test_limits.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\npythonpath = .\n")
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


def control(code, *tests):
    return Control(
        title="A control",
        fact="slot_max_stake",
        unit="minor units",
        code=(code,) if code else (),
        tests=tuple(f"tests/test_limits.py::{test}" for test in tests),
        evidence="the ledger",
    )


@pytest.fixture(scope="module")
def verdicts(root):
    controls = {
        "met": control("limits_under_test:cap", "test_the_cap_holds"),
        "met by a method": control("limits_under_test:Door.open", "test_the_door_is_shut"),
        "met by one of two": control("limits_under_test:cap", "test_nothing_at_all", "test_the_cap_holds"),
        "nothing": control(None),
        "no module": control("limits_that_are_not:cap", "test_the_cap_holds"),
        "no object": control("limits_under_test:floor", "test_the_cap_holds"),
        "no test": control("limits_under_test:cap", "test_the_floor_holds"),
        "passes without": control("limits_under_test:cap", "test_nothing_at_all"),
        "only called": control("limits_under_test:cap", "test_that_only_calls"),
        "fails with": control("limits_under_test:cap", "test_that_fails"),
    }
    return verify(controls, root)


@pytest.mark.parametrize("name", ["met", "met by a method", "met by one of two"])
def test_code_that_a_test_misses_meets_the_control(verdicts, name):
    assert verdicts[name].status is Met.MET, verdicts[name].why
    assert len(verdicts[name].fingerprint) == 64


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("nothing", "no code meets it yet"),
        ("no module", "cannot be imported"),
        ("no object", "cannot be imported"),
        ("no test", "does not exist"),
        ("passes without", "its tests pass without limits_under_test:cap"),
        ("only called", "its tests pass without limits_under_test:cap"),
        ("fails with", "is not collected, or fails"),
    ],
)
def test_everything_less_is_unmet_and_says_why(verdicts, name, why):
    assert verdicts[name].status is Met.UNMET
    assert why in verdicts[name].why


def test_a_recorded_verdict_holds_until_its_code_or_test_changes(root, verdicts):
    one = {"door": control("limits_under_test:Door.open", "test_the_door_is_shut")}
    kept = record({"door": verdicts["met by a method"]})
    assert recorded(kept, one, root)["door"].status is Met.MET
    file = root / "tests" / "test_limits.py"
    text = file.read_text()
    file.write_text(text + "\n# another line of the same file\n")
    assert recorded(kept, one, root)["door"].status is Met.MET
    file.write_text(text.replace("[17, 16]", "[17]"))
    changed = recorded(kept, one, root)["door"]
    file.write_text(text)
    assert (changed.status, "changed since" in changed.why) == (Met.UNMET, True)
    assert "nobody has verified" in recorded("{}", one, root)["door"].why


def test_references_are_followed_without_running_anything(root):
    assert reference_fault(control("limits_under_test:cap", "test_the_cap_holds"), root) is None
    assert "does not exist" in (reference_fault(control("limits_under_test:cap", "test_gone"), root) or "")
