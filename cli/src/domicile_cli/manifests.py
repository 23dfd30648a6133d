"""Reads tenants' manifests, and says of every fault in which line it stands."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import yaml
from domicile_catalog import Fault
from domicile_catalog.documents import parse, parse_documents, read_bytes

from domicile_cli.tenant import CasinoTenant

_NULL = "tag:yaml.org,2002:null"


@dataclass(frozen=True, slots=True)
class Manifest:
    """A tenant's manifest, the file that it stands in, and its document there, for the lines."""

    file: str
    tenant: CasinoTenant
    document: yaml.Node | None

    def fault(self, path: str, problem: str) -> Fault:
        """A fault at a path of this manifest, with its line."""
        return _located(Fault(self.file, path, problem), self.document)


def read_manifests(path: Path, name: str, faults: list[Fault]) -> list[Manifest]:
    """Every tenant of a file, which may hold several documents; what is none becomes faults of the file `name`."""
    found: list[Fault] = []
    content = read_bytes(path, name, found)
    documents = parse_documents(content, name, found)
    if not documents and not found:
        found.append(Fault(name, "", "holds no CasinoTenant"))
    faults += [_with_the_parsers_line(fault) for fault in found]
    manifests: list[Manifest] = []
    for document, node in zip(documents, _nodes(content, len(documents)), strict=True):
        wrong: list[Fault] = []
        tenant = parse(CasinoTenant, document, name, wrong)
        faults += [_located(fault, node) for fault in wrong]
        if tenant:
            manifests.append(Manifest(name, tenant, node))
    return manifests


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Each fault once, as a reader of the files comes by them."""
    return tuple(sorted(set(faults), key=lambda one: (one.file, one.line, one)))


def named_twice(manifests: Iterable[Manifest]) -> list[Fault]:
    """A fault for each manifest whose tenant has another's name."""
    among = tuple(manifests)
    names = Counter(one.tenant.metadata.name for one in among)
    return [
        one.fault("metadata.name", f"{one.tenant.metadata.name} stands in more than one manifest")
        for one in among
        if names[one.tenant.metadata.name] > 1
    ]


def _nodes(content: bytes, count: int) -> list[yaml.Node | None]:
    """The documents of a file as they are written, without the empty ones; None for each where they cannot be told."""
    try:
        composed = list(yaml.compose_all(content.decode(), Loader=yaml.SafeLoader))
    except (ValueError, TypeError, RecursionError, yaml.YAMLError):
        return [None] * count
    nodes = [node for node in composed if node is not None and node.tag != _NULL]
    return [*nodes] if len(nodes) == count else [None] * count


def _located(fault: Fault, node: yaml.Node | None) -> Fault:
    """The fault with its line: the deepest step of its path that is written. What is missing is missing there."""
    if node is None:
        return fault
    line = _first_line(node)
    for step in filter(None, fault.path.split(".")):
        if isinstance(node, yaml.MappingNode):
            below = {key.value: (key, value) for key, value in node.value}
            if step not in below:
                break
            key, node = below[step]
            line = key.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and step.isdigit() and int(step) < len(node.value):
            node = node.value[int(step)]
            line = node.start_mark.line + 1
        else:
            break
    return replace(fault, line=line)


def _first_line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _with_the_parsers_line(fault: Fault) -> Fault:
    """What is no YAML has no nodes; the parser says last where it gave up."""
    lines = re.findall(r"line (\d+)", fault.problem)
    return replace(fault, line=int(lines[-1])) if lines else fault
