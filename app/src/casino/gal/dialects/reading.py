"""Reads a studio's JSON: nothing is coerced, everything is bounded, and each fault is told by its kind."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from casino.gal.studio_model import Fault, StudioRefusal
from casino.kernel.money import MAX_AMOUNT_MINOR

# Identifiers are put before a studio's name and make the ledger's keys, which have 128 characters.
_IDENTIFIER = re.compile(r"[\x21-\x7e]{1,100}")


def parse(body: bytes) -> dict[str, Any]:
    """The body as an object. Raises StudioRefusal (SYNTAX_INVALID)."""
    try:
        found = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise StudioRefusal(Fault.SYNTAX_INVALID, "the body is not JSON") from None
    if not isinstance(found, dict):
        raise StudioRefusal(Fault.SYNTAX_INVALID, "the body is no object")
    return found


def _no_number(name: str) -> float:
    raise ValueError(name)


def text(fields: dict[str, Any], name: str) -> str:
    """A field that is 1 to 100 printable ASCII characters. Raises StudioRefusal (TYPES_INVALID)."""
    value = fields.get(name)
    if not isinstance(value, str) or not _IDENTIFIER.fullmatch(value):
        raise StudioRefusal(Fault.TYPES_INVALID, f"{name} is no identifier")
    return value


def optional_text(fields: dict[str, Any], name: str) -> str | None:
    """The same, or None where the field is absent or null."""
    return text(fields, name) if fields.get(name) is not None else None


def number(fields: dict[str, Any], name: str) -> int:
    """An integer from zero to the largest amount. Raises StudioRefusal (TYPES_INVALID)."""
    value = fields.get(name)
    if type(value) is not int or not 0 <= value <= MAX_AMOUNT_MINOR:
        raise StudioRefusal(Fault.TYPES_INVALID, f"{name} is no amount")
    return value


def flag(fields: dict[str, Any], name: str) -> bool:
    """A boolean, false where it is absent or null."""
    value = fields.get(name)
    if value is not None and type(value) is not bool:
        raise StudioRefusal(Fault.TYPES_INVALID, f"{name} is neither true nor false")
    return bool(value)


def grant_id(fields: dict[str, Any], name: str) -> uuid.UUID | None:
    """The id of free rounds that the casino granted, or None where the field is absent or null."""
    value = optional_text(fields, name)
    if value is None:
        return None
    try:
        return uuid.UUID(value)
    except ValueError:
        raise StudioRefusal(Fault.FREE_ROUNDS_UNKNOWN, f"{name} was granted by nobody") from None
