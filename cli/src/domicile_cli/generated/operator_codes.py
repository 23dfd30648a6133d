"""What the operator may say of a tenant, read out of its source: reasons of conditions, codes of refusals and faults.

The source and not the program: the command needs no operator installed, and a code that is written down is found
without being met.
"""

import ast
import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

OPERATOR, CATALOGUE = "operators/src/domicile_operator", "catalog/src/domicile_catalog"


@dataclass(frozen=True)
class Codes:
    """`reasons` of each condition type, with the statuses that they come with; the codes with the first sentence of
    their message, in which … stands for what differs."""

    reasons: dict[str, dict[str, str]] = field(default_factory=dict)
    refusals: dict[str, str] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def read_codes(sources: Mapping[str, str]) -> Codes:
    """The codes in Python files, by their paths in the repository. Raises SyntaxError for what is no Python."""
    with _uncollected():
        trees = {path: ast.parse(text) for path, text in sorted(sources.items())}
    constants = _constants(trees)
    codes, of_children = Codes(), _conditions_of_children(trees, constants)
    for path, tree in trees.items():
        for call in _calls(tree):
            match _called(call):
                case "Condition" if path.startswith(OPERATOR):
                    _condition(call, constants, of_children, codes)
                case "Refused":
                    _code(call, tree, codes.refusals)
                case "Fault":
                    _code(call, tree, codes.faults)
                case "Refusal" | "_by_fact":
                    _code(call, tree, codes.refusals)
        _of_classes(tree, codes)
    _of_conditions(trees, constants, codes)
    return codes


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without garbage collection: before Python 3.11.8 and 3.12.2 a finaliser that parses while `ast.parse` builds its
    tree, as the printing of a traceback does, makes it fail with SystemError (CPython's gh-106905)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _constants(trees: Mapping[str, ast.Module]) -> dict[str, str]:
    """NAME = "text" of every module, by name: what conditions.py calls its types."""
    return {
        target.id: node.value.value
        for tree in trees.values()
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _conditions_of_children(trees: Mapping[str, ast.Module], constants: Mapping[str, str]) -> tuple[str, ...]:
    """The types under which children report: `condition = SECRETS` in a class."""
    found = [
        constants[node.value.id]
        for tree in trees.values()
        for owner in ast.walk(tree)
        if isinstance(owner, ast.ClassDef)
        for node in owner.body
        if isinstance(node, ast.Assign)
        and [target.id for target in node.targets if isinstance(target, ast.Name)] == ["condition"]
        and isinstance(node.value, ast.Name)
        and node.value.id in constants
    ]
    return tuple(dict.fromkeys(found))


def _calls(tree: ast.Module) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _called(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def _condition(call: ast.Call, constants: Mapping[str, str], of_children: tuple[str, ...], codes: Codes) -> None:
    kind, status, reason = _argument(call, 0, "type"), _argument(call, 1, "status"), _argument(call, 2, "reason")
    if isinstance(kind, ast.Name) and kind.id in constants:
        types: tuple[str, ...] = (constants[kind.id],)
    elif isinstance(kind, ast.Attribute) and kind.attr == "condition":
        types = of_children
    else:
        return
    for text in _texts(reason):
        for one in types:
            told = codes.reasons.setdefault(one, {})
            statuses = dict.fromkeys([*filter(None, told.get(text, "").split(", ")), *_texts(status)])
            told[text] = ", ".join(statuses)


def _code(call: ast.Call, tree: ast.Module, into: dict[str, str]) -> None:
    written = _argument(call, 0, "code")
    codes = _assigned(written.id, tree) if isinstance(written, ast.Name) else _texts(written)
    for code in codes:
        _keep(into, code, _sentence(_argument(call, 1, "message")))


def _assigned(name: str, tree: ast.Module) -> list[str]:
    """Every text in what a name is given anywhere in the module: `code = {403: "A", 409: "B"}.get(status, "C")`."""
    return [
        text.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id == name for one in node.targets)
        for text in ast.walk(node.value)
        if isinstance(text, ast.Constant) and isinstance(text.value, str)
    ]


def _of_classes(tree: ast.Module, codes: Codes) -> None:
    """Errors of the catalogue whose code is the class's: what they mean is the first line of its docstring."""
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    parents = {base.id for owner in classes for base in owner.bases if isinstance(base, ast.Name)}
    for owner in classes:
        if owner.name not in parents:
            for node in owner.body:
                if (
                    isinstance(node, ast.Assign)
                    and [getattr(target, "id", "") for target in node.targets] == ["code"]
                    and isinstance(node.value, ast.Constant)
                ):
                    told = (ast.get_docstring(owner) or "").split("\n\n")[0].replace("\n", " ")
                    _keep(codes.refusals, str(node.value.value), told)


def _of_conditions(trees: Mapping[str, ast.Module], constants: Mapping[str, str], codes: Codes) -> None:
    """A refusal whose code is a condition's reason: `Refused(licence.reason, licence.message, LICENCE_VALID)`."""
    for tree in trees.values():
        for call in _calls(tree):
            code, kind = _argument(call, 0, "code"), _argument(call, 2, "condition")
            if (
                _called(call) == "Refused"
                and isinstance(code, ast.Attribute)
                and code.attr == "reason"
                and isinstance(kind, ast.Name)
            ):
                told = codes.reasons.get(constants.get(kind.id, ""), {})
                for reason in [reason for reason, statuses in told.items() if "False" in statuses]:
                    _keep(codes.refusals, reason, "")


def _keep(into: dict[str, str], code: str, told: str) -> None:
    if code.replace("_", "").isupper() and not into.get(code):
        into[code] = told


def _argument(call: ast.Call, position: int, name: str) -> ast.expr | None:
    named = next((one.value for one in call.keywords if one.arg == name), None)
    return named or (call.args[position] if len(call.args) > position else None)


def _texts(node: ast.expr | None) -> list[str]:
    """The texts that an expression may be: of a choice both; of what is computed, none."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.IfExp():
            return [*_texts(node.body), *_texts(node.orelse)]
    return []


def _sentence(message: ast.expr | None) -> str:
    """The first sentence of a message, as it is written in the source."""
    match message:
        case ast.Constant(value=str(text)):
            whole = text
        case ast.JoinedStr():
            whole = "".join(str(one.value) if isinstance(one, ast.Constant) else "…" for one in message.values)
        case _:
            return ""
    first, stop, _ = whole.partition(". ")
    return first + ("." if stop else "")
