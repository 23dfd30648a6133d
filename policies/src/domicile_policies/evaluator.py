"""Whether a policy document denies a request, as IAM decides it: for tests, and for a cloud that is a stand-in.

The part of IAM that our documents use: explicit denials, actions and resources with wildcards, and the condition
operators below. What it does not know it refuses to judge. Source: AWS IAM user guide, "Policy evaluation logic" and
"IAM JSON policy elements: Condition operators".
"""

import fnmatch
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any


class UnknownElementError(ValueError):
    """A document uses something that this evaluator does not know."""


@dataclass(frozen=True)
class Request:
    """A call: `action` as service:Name, `resource` as an ARN, and the context keys of the call, by their names.

    A context value is a string, or a tuple of strings for a key with several values.
    """

    action: str
    resource: str = "*"
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


def denied_by(documents: Iterable[Mapping[str, Any]], request: Request) -> str | None:
    """The Sid of the first statement that denies the request, or None where none does.

    Raises UnknownElementError for an effect, an element or an operator that is not known.
    """
    for document in documents:
        for statement in document["Statement"]:
            if _applies(statement, request):
                return str(statement.get("Sid", "Deny"))
    return None


def _applies(statement: Mapping[str, Any], request: Request) -> bool:
    unknown = set(statement) - {"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "Condition"}
    if unknown or statement["Effect"] != "Deny" or statement.get("Principal", "*") != "*":
        raise UnknownElementError(f"cannot judge {sorted(unknown) or statement['Effect']}")
    if "Action" in statement:
        acts = _matches_any(request.action.lower(), [one.lower() for one in _list(statement["Action"])])
    else:
        acts = not _matches_any(request.action.lower(), [one.lower() for one in _list(statement["NotAction"])])
    if not acts or not _matches_any(request.resource, _list(statement["Resource"])):
        return False
    conditions = statement.get("Condition", {})
    return all(
        _holds(operator, key, _list(values), request.context)
        for operator, keys in conditions.items()
        for key, values in keys.items()
    )


def _holds(operator: str, key: str, wanted: list[str], context: Mapping[str, str | tuple[str, ...]]) -> bool:
    quantifier, _, plain = operator.rpartition(":")
    if_exists = plain.endswith("IfExists")
    name = plain.removesuffix("IfExists")
    if operator == "Null":
        absent = not any(known.lower() == key.lower() for known in context)
        return wanted == [str(absent).lower()]
    if name not in _OPERATORS or quantifier not in ("", "ForAnyValue", "ForAllValues"):
        raise UnknownElementError(f"cannot judge the operator {operator}")
    matches, negated = _OPERATORS[name]
    given = [found for known, found in context.items() if known.lower() == key.lower()]
    if not given:
        # Of a key that is not in the request, "not equal" holds and "equal" does not; IfExists holds of both.
        return if_exists or (negated and quantifier == "") or quantifier == "ForAllValues"
    values = given[0] if isinstance(given[0], tuple) else (given[0],)
    expected = [_filled(value, context) for value in wanted]
    each = [any(matches(value, one) for one in expected) is not negated for value in values]
    return all(each) if quantifier == "ForAllValues" else any(each)


def _filled(value: str, context: Mapping[str, str | tuple[str, ...]]) -> str:
    """The value with its policy variables put in; one that the request lacks stays, and equals nothing."""
    return re.sub(r"\$\{([^}]+)\}", lambda found: str(context.get(found[1], found[0])), value)


def _matches_any(value: str, patterns: Iterable[str]) -> bool:
    return any(_like(value, pattern) for pattern in patterns)


def _like(value: str, pattern: str) -> bool:
    """IAM's wildcards: * for any characters and ? for one; brackets mean themselves."""
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def _equal(value: str, wanted: str) -> bool:
    return value == wanted


def _bool(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


_OPERATORS: dict[str, tuple[Callable[[str, str], bool], bool]] = {
    "StringEquals": (_equal, False),
    "StringNotEquals": (_equal, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnLike": (_like, False),
    "ArnNotLike": (_like, True),
    "Bool": (_bool, False),
}


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
