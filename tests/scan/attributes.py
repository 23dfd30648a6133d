"""Prints, as JSON, which attributes of which Terraform types checkov's checks read: type -> attribute -> checks.

Run by the interpreter that has checkov; imports nothing of ours. What a check reads is taken from what it declares (the
key it inspects, the attribute of a graph check) and from the names that its source asks its configuration for.
"""

from __future__ import annotations

import ast
import inspect
import json
import sys
import textwrap
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def segments(key: str) -> Iterator[str]:
    """The names in `rule/[0]/apply_server_side_encryption_by_default/[0]/sse_algorithm` or `rule.*.name`."""
    for part in key.replace("/", ".").split("."):
        name = part.partition("[")[0]
        if name and name != "*" and not name.isdigit():
            yield name


def asked(source: str) -> Iterator[str]:
    """The names that a check's source takes out of a mapping: `conf["name"]`, `conf.get("name")`, `"name" in conf`."""
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        found: ast.expr | None = None
        if isinstance(node, ast.Subscript):
            found = node.slice
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found = node.args[0] if node.func.attr == "get" and node.args else None
        elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn):
            found = node.left if isinstance(node.comparators[0], ast.Name) else None
        if isinstance(found, ast.Constant) and isinstance(found.value, str):
            yield found.value


def declared(check: Any) -> Iterator[str]:
    """The names in the keys that a check says it inspects."""
    for method in ("get_inspected_key", "get_evaluated_keys", "get_inspected_keys"):
        try:
            keys = getattr(check, method)()
        except (AttributeError, NotImplementedError):
            continue
        for key in [keys] if isinstance(keys, str) else keys:
            if isinstance(key, str):
                yield from segments(key)


def graph(condition: Any) -> Iterator[tuple[str, str]]:
    """(type, attribute) of a graph check's conditions; the attribute is empty for a type that it only looks for."""
    if isinstance(condition, list):
        for one in condition:
            yield from graph(one)
    if not isinstance(condition, dict):
        return
    types = condition.get("resource_types") or []
    for kind in [types] if isinstance(types, str) else types:
        yield kind, ""
        if condition.get("cond_type") == "attribute":
            for name in segments(str(condition.get("attribute", ""))):
                yield kind, name
    for kind in condition.get("connected_resource_types") or []:
        yield kind, ""
    for one in condition.values():
        yield from graph(one)


def main() -> None:
    import yaml
    from checkov.terraform.checks import graph_checks
    from checkov.terraform.checks.resource import aws, registry  # noqa: F401  the first loads the checks

    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for kind, checks in registry.resource_registry.checks.items():
        for check in checks:
            for name in ("", *declared(check), *asked(inspect.getsource(type(check)))):
                found[kind][name].add(check.id)
    folder = Path(graph_checks.__file__).parent / "aws"
    for file in sorted(file for file in folder.rglob("*") if file.suffix in {".json", ".yaml"}):
        content = yaml.safe_load(file.read_text())
        for kind, name in graph(content["definition"]):
            found[kind][name].add(content["metadata"]["id"])
    kept = {kind: names for kind, names in sorted(found.items()) if kind.startswith("aws_")}
    json.dump(
        {kind: {name: sorted(ids) for name, ids in sorted(names.items())} for kind, names in kept.items()}, sys.stdout
    )


if __name__ == "__main__":
    main()
