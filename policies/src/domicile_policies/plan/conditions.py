"""Whether a condition of an IAM statement says for whom the statement is.

The reading is IAM's (user guide, "Condition operators" and "Global condition keys"): tests of one statement must all
hold, values of one key are alternatives, a test with IfExists or ForAllValues holds where the key is missing, and a
call without credentials lacks the keys that tell of its caller.
"""

import re
from collections.abc import Mapping
from typing import Any

from domicile_policies.plan.addresses import is_wide
from domicile_policies.plan.resource import UNKNOWN, each

_ORGANIZATION = ("aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths")
_ARN = ("aws:principalarn", "aws:sourcearn")
_NAME = (
    "aws:principalaccount",
    "aws:sourceaccount",
    "aws:sourceowner",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:vpceaccount",
    "aws:vpceorgid",
    "kms:calleraccount",
    "s3:dataaccesspointaccount",
)
NARROWS = frozenset({*_ORGANIZATION, *_ARN, *_NAME})
"""Condition keys by which a statement for everybody can be for somebody, in lower case."""
ADDRESSES = frozenset({"aws:sourceip", "aws:vpcsourceip"})

_EXACT = ("stringequals", "stringequalsignorecase")
_PATTERN = ("stringlike", "arnlike", "arnequals")
# What a value may take from the request: whose the resource is. Who calls is what the test is to find out.
_VARIABLE = re.compile(r"\$\{(?!aws:resource)", re.IGNORECASE)
_WILD = re.compile(r"[*?]")


def narrows(condition: Any) -> bool:
    """Whether the condition of a statement for everybody leaves it to callers that it names.

    A value that is not known yet counts as a name: it is judged when it is known.
    """
    if not isinstance(condition, Mapping):
        return False
    return any(
        _narrows(str(operator), str(key).lower(), each(values))
        for operator, tests in condition.items()
        if isinstance(tests, Mapping)
        for key, values in tests.items()
    )


def names_subject(condition: Any) -> bool:
    """Whether it names a subject of an identity provider: a key such as `<issuer>:sub`, and not every one."""
    if not isinstance(condition, Mapping):
        return False
    return any(
        str(key).lower().endswith(":sub") and _all(values, _names_someone)
        for operator, tests in condition.items()
        if str(operator).lower() in (*_EXACT, "stringlike") and isinstance(tests, Mapping)
        for key, values in tests.items()
    )


def _narrows(operator: str, key: str, values: tuple[Any, ...]) -> bool:
    # ForAnyValue needs a value that matches; ForAllValues and IfExists hold where there is none.
    base = operator.lower().removeprefix("foranyvalue:")
    if base == "ipaddress" and key in ADDRESSES:
        return _all(values, lambda value: not is_wide(value))
    if key not in NARROWS:
        return False
    if base in _EXACT:
        return _all(values, lambda value: _VARIABLE.search(value) is None)
    if base in _PATTERN:
        return _all(values, lambda value: _VARIABLE.search(value) is None and _is_named(key, value))
    return False


def _is_named(key: str, pattern: str) -> bool:
    """Whether a pattern with wildcards is still of one organisation, one account or one resource."""
    if key in _ORGANIZATION:
        return not _WILD.search(pattern.split("/", 1)[0])
    if key in _ARN:
        parts = pattern.split(":", 5)
        if len(parts) < 6:
            return not _WILD.search(pattern)
        # The ARN of a bucket has no account, and the bucket's name belongs to one.
        return not _WILD.search(parts[4] or re.split("[/:]", parts[5])[0])
    return not _WILD.search(pattern)


def _names_someone(pattern: str) -> bool:
    """Whether a subject begins with something of its own, as repo:acme/ or system:serviceaccount:ns: do."""
    return len(_WILD.split(pattern)[0].rstrip(":/")) > 0 and pattern.split(":", 1)[-1][:1] not in ("*", "?")


def _all(values: Any, test: Any) -> bool:
    found = each(values)
    return bool(found) and all(one is UNKNOWN or (isinstance(one, str) and test(one)) for one in found)
