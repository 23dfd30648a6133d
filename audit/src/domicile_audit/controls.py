"""Whether controls are met: their code exists, their tests pass with it, and do not pass without it."""

import ast
import hashlib
import importlib
import inspect
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory

from domicile_catalog import Control

from domicile_audit.without import VARIABLE, resolve

Progress = Callable[[str], None]


class Met(StrEnum):
    """`met`: shown by a test that misses the code when it is gone. `unmet`: everything else."""

    MET = "met"
    UNMET = "unmet"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a control is met, and why not. `fingerprint` is of the code and tests that were judged."""

    status: Met
    why: str = ""
    fingerprint: str = ""


def verify(controls: Mapping[str, Control], root: Path, progress: Progress = lambda _: None) -> dict[str, Verdict]:
    """Judge every control by running its tests in the checkout at `root`, with its code and without.

    Takes a pytest run for all of them together, and another for each piece of code.
    """
    faults = {name: reference_fault(control, root) for name, control in controls.items()}
    whole = {name: control for name, control in controls.items() if not faults[name]}
    tests = sorted({test for control in whole.values() for test in control.tests})
    progress(f"{len(tests)} tests with all code in place")
    passed = _passing(root, tests) if tests else frozenset[str]()
    removed: dict[str, frozenset[str]] = {}
    for reference in sorted({code for control in whole.values() for code in control.code}):
        mine = sorted({test for control in whole.values() if reference in control.code for test in control.tests})
        progress(f"{len(mine)} tests without {reference}")
        removed[reference] = _passing(root, mine, without=reference)
    return {name: _verdict(control, faults[name], passed, removed, root) for name, control in controls.items()}


def reference_fault(control: Control, root: Path) -> str | None:
    """Why the control's references cannot be followed: there are none, an import fails, a test file is missing."""
    if not control.code:
        return "no code meets it yet"
    for reference in control.code:
        try:
            resolve(reference)
        except (ImportError, AttributeError) as error:
            return f"{reference} cannot be imported: {error}"
    for test in control.tests:
        file, name = _file_and_name(root, test)
        if not file.is_file() or f"def {name}(" not in file.read_text():
            return f"{test} does not exist"
    return None


def fingerprint(control: Control, root: Path) -> str:
    """The sha256 of the modules of the control's code and of its tests: another source asks for another verdict."""
    modules = sorted({reference.partition(":")[0] for reference in control.code})
    sources = [inspect.getsource(importlib.import_module(module)) for module in modules]
    sources += [_source_of(root, test) for test in control.tests]
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()


def record(verdicts: Mapping[str, Verdict]) -> str:
    """The verdicts as the text of a file that is kept with the code."""
    told = {
        name: {"status": one.status, "why": one.why, "fingerprint": one.fingerprint} for name, one in verdicts.items()
    }
    return json.dumps(told, indent=2) + "\n"


def recorded(text: str, controls: Mapping[str, Control], root: Path) -> dict[str, Verdict]:
    """The verdicts of a record, as far as they still hold: a control without one, or changed since, is unmet.

    ValueError where the text is no record.
    """
    found: dict[str, dict[str, str]] = json.loads(text)
    return {name: _holds(control, found.get(name), root) for name, control in controls.items()}


def _holds(control: Control, found: Mapping[str, str] | None, root: Path) -> Verdict:
    fault = reference_fault(control, root)
    if fault:
        return Verdict(Met.UNMET, fault)
    if found is None:
        return Verdict(Met.UNMET, "nobody has verified it: `make controls`")
    if found["status"] == Met.MET and found["fingerprint"] != fingerprint(control, root):
        return Verdict(Met.UNMET, "its code or test has changed since it was verified: `make controls`")
    return Verdict(Met(found["status"]), found["why"], found["fingerprint"])


def _file_and_name(root: Path, test: str) -> tuple[Path, str]:
    """The file of a pytest node id, and the function in it."""
    return root / test.partition("::")[0], test.rpartition("::")[2].partition("[")[0]


def _source_of(root: Path, test: str) -> str:
    """The source of one test, decorators included."""
    file, name = _file_and_name(root, test)
    text = file.read_text()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    return ""


def _verdict(
    control: Control, fault: str | None, passed: frozenset[str], removed: Mapping[str, frozenset[str]], root: Path
) -> Verdict:
    if fault:
        return Verdict(Met.UNMET, fault)
    failing = [test for test in control.tests if test not in passed]
    if failing:
        return Verdict(Met.UNMET, f"{failing[0]} is not collected, or fails")
    for reference in control.code:
        if not any(test not in removed[reference] for test in control.tests):
            return Verdict(Met.UNMET, f"its tests pass without {reference}")
    return Verdict(Met.MET, fingerprint=fingerprint(control, root))


def _passing(root: Path, tests: Iterable[str], without: str | None = None) -> frozenset[str]:
    """Which of the tests pass: every case of a parametrized one must."""
    wanted = list(tests)
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        arguments = ["-q", "-p", "domicile_audit.without", "-p", "no:cacheprovider", f"--junitxml={report}"]
        subprocess.run(
            [sys.executable, "-m", "pytest", *arguments, "--continue-on-collection-errors", *wanted],
            cwd=root,
            env=os.environ | ({VARIABLE: without} if without else {}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if not report.exists():
            return frozenset()
        outcomes = _outcomes(report)
    return frozenset(test for test in wanted if outcomes.get(test.partition("[")[0]) is True)


def _outcomes(report: Path) -> dict[str, bool]:
    """By test, whether all of its cases passed; a JUnit report names a test by the dotted path of its file."""
    outcomes: dict[str, bool] = {}
    for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - written by the run above
        file = case.get("classname", "").replace(".", "/") + ".py"
        name = f"{file}::{case.get('name', '').partition('[')[0]}"
        good = not any(case.find(kind) is not None for kind in ("failure", "error", "skipped"))
        outcomes[name] = outcomes.get(name, True) and good
    return outcomes
