"""Writes `schema/<module>.json`: what pulumi_aws declares about the types of the table.

    python -m domicile_lab.providers.aws.generate

The official plugin would carry this as its schema. Here it is read from the source of the Python SDK, without importing
it (which takes seconds); the provider then knows, without the SDK, every property's name in the program and its kind.

Format: `resources` maps a token to `inputs` and `outputs` (property -> kind), `required` (inputs) and `computed`
(optional inputs that the service fills in when they are not given); `types` maps the name of an object type to its
properties. A kind is `s`, `i`, `f`, `b`, `any`, `[kind` (a list), `{kind` (a map), or `@Name` (an object type).
"""

from __future__ import annotations

import ast
import functools
import importlib.util
import json
import re
import sys
from pathlib import Path
from typing import Any, Final

SCALARS: Final = {"str": "s", "int": "i", "float": "f", "bool": "b"}
FOLDER: Final = Path(__file__).parent / "schema"


def generate(tokens: list[str]) -> dict[str, Any]:
    """Schemas of the tokens (`aws:kms/key:Key`), by module (`kms`)."""
    modules: dict[str, Any] = {}
    for token in sorted(tokens):
        module = token.split(":")[1].partition("/")[0]
        schema = modules.setdefault(module, {"resources": {}, "types": {}})
        schema["resources"][token] = _resource(module, token, schema["types"])
    return {module: _merged(schema) for module, schema in modules.items()}


def text(schema: dict[str, Any]) -> str:
    """The file's text: one line a resource's property list and a line an object type, so that a diff can be read."""
    lines = ["{", '"resources": {']
    resources = [f"{json.dumps(token)}: {json.dumps(each)}" for token, each in schema["resources"].items()]
    lines += [",\n".join(resources), "},", '"types": {']
    lines += [",\n".join(f"{json.dumps(name)}: {json.dumps(each)}" for name, each in schema["types"].items()), "}", "}"]
    return "\n".join(lines) + "\n"


def _resource(module: str, token: str, types: dict[str, Any]) -> dict[str, Any]:
    stem = token.split("/")[1].partition(":")[0]
    name = token.rpartition(":")[2]
    source = _parse(f"{module}/{re.sub(r'(?<!^)(?=[A-Z])', '_', stem).lower()}.py", token)
    # `InitArgs` where an object type has taken the shorter name
    inputs = _properties(source.get(f"{name}Args") or source[f"{name}InitArgs"])
    outputs = _properties(source[name])
    found: dict[str, Any] = {
        "inputs": {key: _kind(kind, module, types) for key, kind in sorted(inputs.items())},
        "required": sorted(key for key, kind in inputs.items() if not _optional(kind)),
        "computed": sorted(key for key in inputs if _optional(inputs[key]) and not _filled(outputs.get(key))),
        "outputs": {key: _kind(kind, module, types) for key, kind in sorted(outputs.items())},
    }
    return found


@functools.cache
def _parse(path: str, token: str = "") -> dict[str, ast.ClassDef]:
    spec = importlib.util.find_spec("pulumi_aws")
    if spec is None or spec.origin is None:
        raise SystemExit("pulumi_aws is not installed: run this in the workspace's environment")
    file = Path(spec.origin).parent / path
    if not file.exists():
        file = next((each for each in sorted(file.parent.glob("*.py")) if f"'{token}'" in each.read_text()), file)
    tree = ast.parse(file.read_text())
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _properties(node: ast.ClassDef) -> dict[str, ast.expr]:
    """Wire name -> annotation of every getter of a class."""
    found: dict[str, ast.expr] = {}
    for method in node.body:
        if not isinstance(method, ast.FunctionDef) or method.returns is None:
            continue
        for decorator in method.decorator_list:
            call = decorator if isinstance(decorator, ast.Call) else None
            target = call.func if call else decorator
            if isinstance(target, ast.Attribute) and target.attr == "getter":
                name = call.keywords[0].value if call else None
                found[str(name.value) if isinstance(name, ast.Constant) else method.name] = method.returns
    return found


def _optional(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and _name(node.value) == "Optional"


def _filled(node: ast.expr | None) -> bool:
    """Whether an output may stay empty. An optional input whose output never does is one that the service fills in."""
    return isinstance(node, ast.Subscript) and _optional(node.slice)


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _kind(node: ast.expr, module: str, types: dict[str, Any]) -> str:  # noqa: PLR0911
    if isinstance(node, ast.Constant):
        return _object(str(node.value), module, types)
    if isinstance(node, ast.Attribute | ast.Name):
        return SCALARS.get(_name(node), "any")
    if isinstance(node, ast.Subscript):
        arguments = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        match _name(node.value):
            case "Optional" | "Input" | "Output" | "InputType":
                return _kind(arguments[0], module, types)
            case "Sequence":
                return "[" + _kind(arguments[0], module, types)
            case "Mapping":
                return "{" + _kind(arguments[1], module, types)
            case "Union":  # an enumeration and its text, or a policy document and its text
                return _kind(arguments[0], module, types)
    return "any"


def _object(name: str, module: str, types: dict[str, Any]) -> str:
    output = name.startswith("outputs.")
    short = name.rpartition(".")[2]
    classes = _parse(f"{module}/{'outputs' if output else '_inputs'}.py")
    if short not in classes:  # an enumeration
        return "s"
    if short not in types:
        types[short] = {}  # first, since an object may be part of itself
        types[short] = {key: _kind(each, module, types) for key, each in sorted(_properties(classes[short]).items())}
    return f"@{short}"


def _merged(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with equal object types merged. The SDK has a class for every place where an object stands: 4,300 for
    wafv2, which are a few dozen. They are parted until no two of one class differ, as states of an automaton are."""
    types = schema["types"]
    group = dict.fromkeys(types, "")
    while True:
        signs = {name: json.dumps({key: _renamed(kind, group) for key, kind in types[name].items()}) for name in types}
        first: dict[str, str] = {}
        for name in sorted(types, key=lambda each: (len(each), each)):
            first.setdefault(signs[name], name)
        stable = len(first) == len(set(group.values()))
        group = {name: first[signs[name]] for name in types}
        if stable:
            break
    renamed = {name: {key: _renamed(kind, group) for key, kind in types[name].items()} for name in set(group.values())}
    resources = {
        token: {
            side: {key: _renamed(kind, group) for key, kind in kinds.items()} if isinstance(kinds, dict) else kinds
            for side, kinds in resource.items()
        }
        for token, resource in schema["resources"].items()
    }
    return {"resources": resources, "types": dict(sorted(renamed.items()))}


def _renamed(kind: str, group: dict[str, str]) -> str:
    head, mark, name = kind.partition("@")
    return f"{head}@{group[name]}" if mark else kind


def main() -> None:
    from domicile_lab.providers.aws.table import tokens

    FOLDER.mkdir(exist_ok=True)
    for module, schema in generate(tokens()).items():
        (FOLDER / f"{module}.json").write_text(text(schema))
        print(module, len(schema["resources"]), "resources", file=sys.stderr)


if __name__ == "__main__":
    main()
