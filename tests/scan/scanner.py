"""Runs checkov: from an environment of its own, on files, without a network."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from domicile_lab.cache import filled
from domicile_lab.paths import Paths

ROOT: Final = Path(__file__).resolve().parents[2]
REQUIREMENTS: Final = ROOT / "tools" / "checkov" / "requirements.txt"
FRAMEWORKS: Final = ("terraform_plan", "kubernetes")


class ScanError(Exception):
    """The scanner did not say what it should have said, so nothing is known of what it was given."""


@dataclass(frozen=True)
class Failure:
    """One check that failed, as checkov tells it. `guideline` is an address, where checkov knows one offline."""

    framework: str
    check: str
    title: str
    guideline: str
    file: Path
    resource: str


@dataclass(frozen=True)
class Report:
    """What failed, how many checks passed, and which (file, resource) any check has judged.

    `read` is how many resources checkov says that it has read, by framework.
    """

    failures: tuple[Failure, ...]
    passed: int
    read: dict[str, int]
    judged: frozenset[tuple[Path, str]]


def environment_folder() -> Path:
    """Where the pins of requirements.txt are installed for this Python."""
    text = REQUIREMENTS.read_bytes() + f"{sys.version_info[:2]}".encode()
    return Paths.of(ROOT).cache / "checkov" / hashlib.sha256(text).hexdigest()[:16]


def python() -> Path:
    """The interpreter that has checkov; installs it from the pins, with their hashes, the first time."""
    folder = environment_folder()
    if not folder.exists():
        print("checkov: installing the pinned version into the cache", file=sys.stderr)
        with filled(folder) as partial:
            _call("uv", "venv", "--quiet", "--python", sys.executable, str(partial))
            into = ("--python", str(partial / "bin" / "python"))
            _call(
                "uv",
                "pip",
                "install",
                "--quiet",
                "--compile-bytecode",
                *into,
                "--require-hashes",
                "-r",
                str(REQUIREMENTS),
            )
    return folder / "bin" / "python"


def _call(*command: str) -> None:
    try:
        subprocess.run(command, check=True)
    except (OSError, subprocess.CalledProcessError) as fault:
        raise ScanError(
            f"checkov could not be installed: {fault}. uv and a Python package index are needed."
        ) from fault


def offline() -> dict[str, str]:
    """The environment for checkov: no account of its vendor's, no proxy that leads out."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    return {**kept, "LOG_LEVEL": "ERROR", "PYTHONHASHSEED": "0"}


def scan(files: Sequence[Path]) -> Report:
    """What checkov says of these files: plans in JSON, manifests in YAML.

    Raises ScanError when it did not run to its end, could not read a file, or obeyed a comment that skips a check.
    """
    command = [str(python()), "-I", "-m", "checkov.main", "--compact", "--skip-download", "--output", "json"]
    command += ["--framework", *FRAMEWORKS, *(part for file in files for part in ("--file", str(file)))]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=offline(), cwd=ROOT)
    if done.returncode not in {0, 1}:
        raise ScanError(f"checkov ended with {done.returncode}: {done.stderr[-2000:]}")
    try:
        found = json.loads(done.stdout)
    except ValueError as fault:
        raise ScanError(f"checkov wrote no JSON: {done.stdout[:500]!r} {done.stderr[-2000:]}") from fault
    return read(found if isinstance(found, list) else [found])


def read(documents: Sequence[dict[str, Any]]) -> Report:
    """The report of checkov's JSON documents, one for each framework. Raises ScanError as `scan` does."""
    failures, judged, counts, passed = [], set(), {}, 0
    for document in documents:
        if "results" not in document:  # what it writes when it found nothing to look at
            raise ScanError(f"checkov looked at nothing: {document}")
        results = document["results"]
        if results["parsing_errors"]:
            raise ScanError(f"checkov could not read {', '.join(results['parsing_errors'])}")
        if results["skipped_checks"]:
            one = results["skipped_checks"][0]
            raise ScanError(
                f"{one['file_abs_path']} skips {one['check_id']} in a comment or annotation. "
                "What is let through stands in tests/scan/waivers.yaml, with a reason."
            )
        counts[document["check_type"]] = document["summary"]["resource_count"]
        passed += len(results["passed_checks"])
        for one in (*results["passed_checks"], *results["failed_checks"]):
            judged.add((Path(one["file_abs_path"]), _resource(one)))
        failures += [
            Failure(
                document["check_type"],
                one["check_id"],
                one["check_name"],
                one.get("guideline") or "",
                Path(one["file_abs_path"]),
                _resource(one),
            )
            for one in results["failed_checks"]
        ]
    return Report(tuple(failures), passed, counts, frozenset(judged))


def _resource(one: dict[str, Any]) -> str:
    return str(one.get("resource_address") or one["resource"])
