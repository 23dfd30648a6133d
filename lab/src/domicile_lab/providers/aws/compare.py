"""When two property values mean the same, and what drifted. Pure.

The same means: policy documents by value, lists without order (unless the type says that order matters), numbers and
truths whether or not they are written as text, an ARN like the name at its end, nothing like an empty text or list.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from domicile_lab.providers.values import UNKNOWN


@dataclass(frozen=True)
class Meaning:
    """What a type's entry says about comparing its properties, each by dotted path from the top."""

    json: frozenset[str] = frozenset()
    ordered: frozenset[str] = frozenset()
    folded: frozenset[str] = frozenset()
    """Names in which case and a last dot do not matter."""
    numbers: frozenset[str] = frozenset()
    """Texts that are decimal numbers, so that 100 is 100.0."""
    whole: frozenset[str] = frozenset()
    """Maps (tags), of which every key counts; of objects, those count that the program gives."""
    same: Callable[[str, Any, Any], bool] = lambda _path, _given, _found: False
    """A last resort: (path, given, found) -> whether they mean the same after all."""


def covers(given: Any, found: Any, meaning: Meaning, path: str = "") -> bool:
    """Whether the world has what the program gave: everything that it says, and perhaps defaults beside it."""
    if given is UNKNOWN or found is UNKNOWN:
        return given is found
    if given == found or (_empty(given) and _empty(found)):
        return True
    if isinstance(given, dict) and isinstance(found, dict):
        if path in meaning.whole and given.keys() != found.keys():
            return False
        return all(covers(each, found.get(key), meaning, _join(path, key)) for key, each in given.items())
    if isinstance(given, list) and isinstance(found, list):
        return _lists(given, found, meaning, path)
    return _scalars(given, found, meaning, path) or meaning.same(path, given, found)


def equal(one: Any, other: Any, meaning: Meaning, path: str = "") -> bool:
    """Whether two sets of inputs mean the same."""
    return covers(one, other, meaning, path) and covers(other, one, meaning, path)


def drifted(given: Any, found: Any, meaning: Meaning, path: str = "") -> Any:
    """The input as the world has it now: `given` itself where the world still has it, else what was found, without
    the defaults that the service filled in."""
    if covers(given, found, meaning, path):
        return given
    if isinstance(given, dict) and isinstance(found, dict) and path not in meaning.whole:
        kept = {key: drifted(each, found.get(key), meaning, _join(path, key)) for key, each in given.items()}
        return {key: each for key, each in kept.items() if each is not None}
    if isinstance(given, list) and isinstance(found, list) and path not in meaning.ordered:
        return _drifted_list(given, found, meaning, path)
    return found


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _empty(value: Any) -> bool:
    """An empty object is none: in an API it often is an answer ({"allow": {}})."""
    return value is None or value is False or value in ("", 0) or value == []


def _lists(given: list[Any], found: list[Any], meaning: Meaning, path: str) -> bool:
    if len(given) != len(found):
        return False
    if path in meaning.ordered:
        return all(covers(one, other, meaning, path) for one, other in zip(given, found, strict=True))
    return len(_pairs(given, found, meaning, path)) == len(given)


def _drifted_list(given: list[Any], found: list[Any], meaning: Meaning, path: str) -> list[Any]:
    """What was given and is there, as it was given, and then what is there besides."""
    pairs = _pairs(given, found, meaning, path)
    kept = [given[i] for i in sorted(pairs)]
    return kept + [each for j, each in enumerate(found) if j not in pairs.values()]


def _pairs(given: list[Any], found: list[Any], meaning: Meaning, path: str) -> dict[int, int]:
    """As many elements as possible of the one list, each with one of the other that covers it (a maximum matching:
    what is said in few words may be covered by several)."""
    taken: dict[int, int] = {}
    fits = [[j for j, other in enumerate(found) if covers(each, other, meaning, path)] for each in given]

    def place(i: int, seen: set[int]) -> bool:
        for j in fits[i]:
            if j not in seen:
                seen.add(j)
                if j not in taken or place(taken[j], seen):
                    taken[j] = i
                    return True
        return False

    for i in range(len(given)):
        place(i, set())
    return {i: j for j, i in taken.items()}


def _scalars(one: Any, other: Any, meaning: Meaning, path: str) -> bool:
    if isinstance(one, dict | list) or isinstance(other, dict | list) or one is None or other is None:
        return False
    if path in meaning.json:
        return bool(_document(one) == _document(other))
    first, second = _word(one), _word(other)
    if path in meaning.numbers:
        try:
            return Decimal(first) == Decimal(second)
        except InvalidOperation:
            return False
    if path in meaning.folded:
        return first.lower().rstrip(".") == second.lower().rstrip(".")
    return first == second or _names(first, second) or _names(second, first)


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _names(arn: str, name: str) -> bool:
    return arn.startswith("arn:") and bool(name) and arn.endswith((f"/{name}", f":{name}"))


def _document(text: Any) -> Any:
    """A JSON document as a value in which lists of one are their element and lists have no order, as IAM reads it."""
    try:
        return _normal(json.loads(text)) if isinstance(text, str) else _normal(text)
    except ValueError:
        return text


def _normal(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _normal(each) for key, each in value.items()}
    if isinstance(value, list):
        items = sorted((_normal(each) for each in value), key=lambda each: json.dumps(each, sort_keys=True))
        return items[0] if len(items) == 1 else items
    return value
