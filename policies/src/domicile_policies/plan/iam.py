"""What a statement of an IAM policy document in a plan says, as far as the rules ask."""

import json
from collections.abc import Mapping
from typing import Any

from domicile_policies.plan.resource import each

EVERYTHING = ("*", "*:*")
NARROWS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceorgid",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "kms:calleraccount",
    }
)
"""Condition keys by which a statement for everybody is for somebody, in lower case."""


def statements_of(document: Any) -> tuple[Mapping[str, Any], ...]:
    """The statements of a document that is JSON or already an object; none of what is neither."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return ()
    if not isinstance(document, Mapping):
        return ()
    return tuple(one for one in each(document.get("Statement")) if isinstance(one, Mapping))


def allows_everything(statement: Mapping[str, Any]) -> bool:
    """Whether it allows every action (or all but some) on every resource."""
    if statement.get("Effect") != "Allow" or not _any(statement, "Resource", ("*",)):
        return False
    return _any(statement, "Action", EVERYTHING) or "NotAction" in statement


def is_public(statement: Mapping[str, Any]) -> bool:
    """Whether it allows something to everybody, and no condition says to whom."""
    principal = statement.get("Principal")
    people = principal.get("AWS") if isinstance(principal, Mapping) else principal
    if statement.get("Effect") != "Allow" or ("*" not in each(people) and "NotPrincipal" not in statement):
        return False
    keys = {key.lower() for keys in statement.get("Condition", {}).values() for key in keys}
    return keys.isdisjoint(NARROWS)


def denies_plain_text(statement: Mapping[str, Any]) -> bool:
    """Whether it denies everybody what comes without TLS."""
    principal = statement.get("Principal")
    people = principal.get("AWS") if isinstance(principal, Mapping) else principal
    tests = {
        key.lower(): [str(one).lower() for one in each(value)]
        for operator, keys in statement.get("Condition", {}).items()
        if operator in ("Bool", "BoolIfExists")
        for key, value in keys.items()
    }
    everything = _any(statement, "Action", ("s3:*", *EVERYTHING))
    return (
        statement.get("Effect") == "Deny"
        and "*" in each(people)
        and everything
        and tests == {"aws:securetransport": ["false"]}
    )


def _any(statement: Mapping[str, Any], element: str, wanted: tuple[str, ...]) -> bool:
    return any(one in wanted for one in each(statement.get(element)))
