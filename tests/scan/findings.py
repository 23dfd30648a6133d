"""From stacks and manifests to findings: what is written for the scanner, and whose resource its answers are about."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import yaml
from domicile_infra.plan.workloads import logical_name, token

from tests.scan import scanner, terraform
from tests.scan.origin import ROOT, origin
from tests.scan.resource import Stack
from tests.scan.scanner import Report, ScanError
from tests.scan.waivers import Waiver

FRAMEWORKS: Final = {"terraform_plan": "aws", "kubernetes": "kubernetes"}
"""checkov's name for a kind of file -> the package of the resources in it."""


@dataclass(frozen=True)
class Subject:
    """Something that was scanned. `title` is how waivers name it, `kind` its type, `at` our file to look at."""

    stack: str
    title: str
    kind: str
    at: str


@dataclass(frozen=True)
class Finding:
    """A check that failed for a subject, with the check's own text."""

    subject: Subject
    check: str
    text: str


@dataclass
class Written:
    """Files for the scanner, and who is behind what it will name in them."""

    files: list[Path] = field(default_factory=list)
    subjects: dict[tuple[Path, str], Subject] = field(default_factory=dict)
    whole_files: dict[Path, Subject] = field(default_factory=dict)

    def subject(self, file: Path, resource: str) -> Subject:
        """Raises ScanError where nothing of ours has that name."""
        if file in self.whole_files:
            return self.whole_files[file]
        if (file, resource) in self.subjects:
            return self.subjects[file, resource]
        # A pod's template is to checkov a pod of its own: Pod.<namespace>.<owner's name>.<labels>.
        _, _, pod = resource.partition(".")
        for (other, owner), subject in self.subjects.items():
            if other == file and f"{pod}.".startswith(f"{owner.partition('.')[2]}.") and resource.startswith("Pod."):
                return subject
        raise ScanError(f"checkov names {resource} in {file}, which nobody wrote there")


@dataclass(frozen=True)
class Scan:
    """Everything that was found, how many checks passed, and which kinds no check has looked at."""

    findings: tuple[Finding, ...]
    passed: int
    subjects: int
    unchecked: tuple[str, ...]


def scan(stacks: Sequence[Stack], manifests: Iterable[Path] = ()) -> Scan:
    """What the scanner says of these stacks, and of manifests in YAML.

    Raises LookupError where a resource cannot be translated, and ScanError where the scanner failed or left any out.
    """
    with TemporaryDirectory(prefix="scan-") as folder:
        written = write(stacks, manifests, Path(folder).resolve())
        return judge(written, scanner.scan(written.files))


def write(stacks: Sequence[Stack], manifests: Iterable[Path], folder: Path) -> Written:
    """A plan for each stack's AWS resources and a file for each object in its cluster. Manifests are files already."""
    written = Written()
    for stack in stacks:
        other = sorted({one.package for one in stack.resources} - {"aws", "kubernetes"})
        if other:
            raise LookupError(f"{stack.name}: resources of {', '.join(other)} would not be scanned.")
        if resources := stack.of("aws"):
            file = folder / f"{stack.name}.json"
            file.write_text(json.dumps(terraform.plan(resources)))
            written.files.append(file)
            named = terraform.addresses(resources)
            for one in resources:
                subject = Subject(stack.name, one.title, one.type, origin(one))
                written.subjects[file, named[one.urn]] = subject
        for number, one in enumerate(stack.of("kubernetes")):
            file = folder / f"{stack.name}-{number}.yaml"
            file.write_text(yaml.safe_dump(dict(one.inputs), sort_keys=False))
            written.files.append(file)
            written.whole_files[file] = Subject(stack.name, one.title, one.type, origin(one))
    for path in manifests:
        at = str(path.resolve().relative_to(ROOT)) if path.resolve().is_relative_to(ROOT) else str(path)
        for document in yaml.safe_load_all(path.read_text()):
            # A kustomization has no name, and what Prometheus reads is a list.
            if isinstance(document, Mapping) and "name" in document.get("metadata", {}):
                kind = token(document)
                subject = Subject(at, f"{kind}::{logical_name(document)}", kind, at)
                written.subjects[path.resolve(), _in_cluster(document)] = subject
        written.files.append(path.resolve())
    return written


def _in_cluster(document: Mapping[str, Any]) -> str:
    """What the scanner calls an object."""
    metadata = document.get("metadata") or {}
    return f"{document['kind']}.{metadata.get('namespace', 'default')}.{metadata.get('name', '')}"


def judge(written: Written, report: Report) -> Scan:
    """The report in our words. Raises ScanError as `scan` does."""
    seen = {written.subject(file, resource) for file, resource in report.judged}
    everything = {*written.subjects.values(), *written.whole_files.values()}
    for framework, package in FRAMEWORKS.items():
        wanted = sum(one.kind.startswith(f"{package}:") for one in everything)
        if report.read.get(framework, 0) < wanted:
            raise ScanError(f"checkov read {report.read.get(framework, 0)} of {wanted} resources of {package}")
    kinds = {one.kind for one in seen}
    findings = {
        Finding(written.subject(one.file, one.resource), one.check, " ".join(filter(None, (one.title, one.guideline))))
        for one in report.failures
    }
    return Scan(
        tuple(sorted(findings, key=lambda one: (one.check, one.subject.title, one.subject.stack))),
        report.passed,
        len(everything),
        tuple(sorted({one.kind for one in everything} - kinds)),
    )


@dataclass(frozen=True)
class Verdict:
    """`open` are findings that nobody let through, `stale` waivers that let nothing through."""

    open: tuple[Finding, ...]
    waived: int
    stale: tuple[Waiver, ...]


def settle(findings: Iterable[Finding], waivers: Sequence[Waiver]) -> Verdict:
    """Hold findings against waivers."""
    left, waived, used = [], 0, set()
    for one in findings:
        covering = [waiver for waiver in waivers if waiver.covers(one.check, one.subject.title)]
        used.update(covering)
        waived += bool(covering)
        if not covering:
            left.append(one)
    return Verdict(tuple(left), waived, tuple(one for one in waivers if one not in used))


def told(findings: Iterable[Finding]) -> list[str]:
    """The findings in lines to read: a check once, and below it each resource with our file and the stacks it is in."""
    by_check: dict[tuple[str, str], dict[tuple[str, str], list[str]]] = defaultdict(lambda: defaultdict(list))
    for one in findings:
        by_check[one.check, one.text][one.subject.title, one.subject.at].append(one.subject.stack)
    lines = []
    for (check, text), resources in sorted(by_check.items()):
        lines.append(f"{check}: {text}")
        lines += [f"    {title}\n        {at} ({', '.join(stacks)})" for (title, at), stacks in resources.items()]
    return lines
