"""What policy documents say to a request, as IAM decides it: for tests, and for a cloud that is a stand-in.

The part of IAM that control policies use: Allow and Deny, actions and resources with wildcards, and the condition
operators below. What it does not know it refuses to judge. Source: AWS IAM user guide, "Policy evaluation logic" and
"IAM JSON policy elements: Condition operators".
"""

import fnmatch
import functools
import ipaddress
import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Document = Mapping[str, Any]


class UnknownElementError(ValueError):
    """A document uses something that this evaluator does not know, or asks what the request does not tell."""


@dataclass(frozen=True)
class Request:
    """A call: `action` as service:Name, `resource` as an ARN, and the context keys of the call, by their names.

    A context value is a string, or a tuple of strings for a key with several values. `resource` is None where the
    caller of this module cannot tell it: then a statement about particular resources is not judged. `known` holds, in
    lower case, every key whose absence from the context means something (those that end in / stand for all that
    begin so); None says that the context is complete.
    """

    action: str
    resource: str | None = "*"
    context: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    known: frozenset[str] | None = None


def denied_by(documents: Iterable[Document], request: Request) -> str | None:
    """The Sid of the first statement that denies the request, or None where none does.

    Raises UnknownElementError for an effect, an element, an operator or a key that is not known.
    """
    return next(_applying("Deny", documents, request), None)


def allowed_by(documents: Iterable[Document], request: Request) -> str | None:
    """The Sid of the first statement that allows the request, or None: then it is implicitly denied.

    Raises UnknownElementError as `denied_by` does.
    """
    return next(_applying("Allow", documents, request), None)


def _applying(effect: str, documents: Iterable[Document], request: Request) -> Iterator[str]:
    for document in documents:
        statements = document["Statement"]
        for statement in [statements] if isinstance(statements, Mapping) else statements:
            if statement["Effect"] not in ("Allow", "Deny"):
                raise UnknownElementError(f"cannot judge the effect {statement['Effect']}")
            if statement["Effect"] == effect and _applies(statement, request):
                yield str(statement.get("Sid", effect))


_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"}


def _applies(statement: Document, request: Request) -> bool:
    if unknown := set(statement) - _ELEMENTS:
        raise UnknownElementError(f"cannot judge {sorted(unknown)}")
    if statement.get("Principal", "*") not in ("*", {"AWS": "*"}):
        raise UnknownElementError(f"cannot judge the principal {statement['Principal']}")
    if not _selects(statement, "Action", lambda pattern: _like(request.action.lower(), pattern.lower())):
        return False
    if not _selects(statement, "Resource", lambda pattern: _names(request.resource, pattern)):
        return False
    return all(
        _holds(operator_, key, _list(values), request)
        for operator_, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )


def _selects(statement: Document, element: str, matches: Callable[[str], bool]) -> bool:
    """Whether Action (or Resource) is matched, or NotAction (NotResource) is not."""
    if element in statement:
        return any(matches(pattern) for pattern in _list(statement[element]))
    return not any(matches(pattern) for pattern in _list(statement[f"Not{element}"]))


def _names(resource: str | None, pattern: str) -> bool:
    if pattern == "*":
        return True
    if resource is None:
        raise UnknownElementError(f"cannot tell whether the request is about {pattern}")
    return _like(resource, pattern)


def _holds(operator_: str, key: str, wanted: list[str], request: Request) -> bool:
    quantifier, _, plain = operator_.rpartition(":")
    name = plain.removesuffix("IfExists")
    _require_known(key, request)
    given = next((value for known, value in request.context.items() if known.lower() == key.lower()), None)
    if operator_ == "Null":
        return [one.lower() for one in wanted] == [str(given is None).lower()]
    if name not in _OPERATORS or quantifier not in ("", "ForAnyValue", "ForAllValues"):
        raise UnknownElementError(f"cannot judge the operator {operator_}")
    matches, negated = _OPERATORS[name]
    if given is None:
        # Of a key that is not in the request, "not equal" holds and "equal" does not; IfExists holds of both.
        return plain != name or (negated and quantifier == "") or quantifier == "ForAllValues"
    values = given if isinstance(given, tuple) else (given,)
    expected = [_filled(value, request.context) for value in wanted]
    each = [any(matches(value, one) for one in expected) is not negated for value in values]
    return all(each) if quantifier == "ForAllValues" else any(each)


def _require_known(key: str, request: Request) -> None:
    """Refuse a key of which the request does not tell whether it was there: absence would decide by accident."""
    lowered = key.lower()
    if request.known is None or lowered in request.known:
        return
    if f"{lowered.partition('/')[0]}/" not in request.known:
        raise UnknownElementError(f"cannot judge the condition key {key} of {request.action}")


def _filled(value: str, context: Mapping[str, str | tuple[str, ...]]) -> str:
    """The value with its policy variables put in; one that the request lacks stays, and equals nothing."""
    return re.sub(r"\$\{([^}]+)\}", lambda found: str(context.get(found[1], found[0])), value)


def _like(value: str, pattern: str) -> bool:
    """IAM's wildcards: * for any characters and ? for one; brackets mean themselves."""
    return pattern == "*" or _compiled(pattern).match(value) is not None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(fnmatch.translate(pattern.replace("[", "[[]")))


def _arn_like(value: str, pattern: str) -> bool:
    """Wildcards in each of an ARN's six parts by itself: none reaches over a colon but in the last."""
    parts, patterns = value.split(":", 5), pattern.split(":", 5)
    return len(parts) == len(patterns) and all(map(_like, parts, patterns))


def _in_network(value: str, wanted: str) -> bool:
    return ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False)


def _moment(value: str) -> datetime:
    if value.isdigit():
        return datetime.fromtimestamp(int(value), UTC)
    moment = datetime.fromisoformat(value)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


Match = Callable[[str, str], bool]


def _ignoring_case(value: str, wanted: str) -> bool:
    return value.lower() == wanted.lower()


def _compared(compare: Callable[[Any, Any], bool], read: Callable[[str], Any]) -> Match:
    return lambda value, wanted: compare(read(value), read(wanted))


_COMPARISONS = {
    "LessThan": operator.lt,
    "LessThanEquals": operator.le,
    "GreaterThan": operator.gt,
    "GreaterThanEquals": operator.ge,
}

# Each operator's match, and whether the condition holds where nothing matches.
_OPERATORS: dict[str, tuple[Match, bool]] = {
    "StringEquals": (operator.eq, False),
    "StringNotEquals": (operator.eq, True),
    "StringEqualsIgnoreCase": (_ignoring_case, False),
    "StringNotEqualsIgnoreCase": (_ignoring_case, True),
    "StringLike": (_like, False),
    "StringNotLike": (_like, True),
    "ArnEquals": (_arn_like, False),  # the same as ArnLike, says the user guide
    "ArnNotEquals": (_arn_like, True),
    "ArnLike": (_arn_like, False),
    "ArnNotLike": (_arn_like, True),
    "Bool": (_ignoring_case, False),
    "IpAddress": (_in_network, False),
    "NotIpAddress": (_in_network, True),
    "NumericEquals": (_compared(operator.eq, float), False),
    "NumericNotEquals": (_compared(operator.eq, float), True),
    "DateEquals": (_compared(operator.eq, _moment), False),
    "DateNotEquals": (_compared(operator.eq, _moment), True),
} | {
    f"{kind}{name}": (_compared(compare, read), False)
    for kind, read in (("Numeric", float), ("Date", _moment))
    for name, compare in _COMPARISONS.items()
}


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
