"""Who outside the organisation a resource's policy lets in, and whether it asks for TLS.

Pure. Source: AWS IAM user guide, "Policy evaluation logic", "Condition operators" and "How Amazon S3 evaluates whether
a policy is public". Where a policy says something that this reader cannot weigh, it is read as letting in.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from domicile_catalog.forms import Frozen

from domicile_audit.holding import ANYBODY, Access

Statement = Mapping[str, Any]

_ACCOUNT = re.compile(r"^(\d{12})$|^arn:[^:]+:[^:]*:[^:]*:(\d{12}):")
_EQUALS = {"stringequals", "stringequalsignorecase", "stringlike", "arnequals", "arnlike"}
_NOT_EQUALS = {"stringnotequals", "stringnotequalsignorecase", "stringnotlike"}
_ACCOUNT_KEYS = {
    "aws:principalaccount",
    "aws:sourceaccount",
    "aws:sourceowner",
    "kms:calleraccount",
    "aws:principalarn",
    "aws:sourcearn",
}
_ORGANIZATION_KEYS = {"aws:principalorgid", "aws:sourceorgid"}
_PATH_KEYS = {"aws:principalorgpaths", "aws:sourceorgpaths"}


class Ours(Frozen):
    """Who is no stranger: the organisation, and its accounts."""

    organization_id: str
    accounts: frozenset[str]

    def has(self, principal: str) -> bool:
        """Whether an account's number or an ARN with one is of the organisation."""
        return account_of(principal) in self.accounts


def account_of(principal: str) -> str | None:
    """The account of an account's number or of an ARN; None where it names none."""
    found = _ACCOUNT.match(principal)
    return (found[1] or found[2]) if found else None


def document_of(policy: str | Mapping[str, Any] | None) -> Mapping[str, Any]:
    """A policy as APIs give it: JSON text, a mapping, or nothing."""
    if not policy:
        return {}
    parsed = json.loads(policy) if isinstance(policy, str) else policy
    return parsed if isinstance(parsed, Mapping) else {}


def outsiders(policy: str | Mapping[str, Any] | None, ours: Ours, what: str) -> tuple[Access, ...]:
    """Who outside the organisation the policy lets in; `what` names the policy for a reader."""
    document = document_of(policy)
    statements = [one for one in _list(document.get("Statement")) if isinstance(one, Mapping)]
    if any(_shuts_out_strangers(one, ours) for one in statements):
        return ()
    found: dict[Access, None] = {}
    for at, statement in enumerate(statements):
        if statement.get("Effect") != "Allow":
            continue
        by = f"{what}, statement {statement.get('Sid') or at + 1}"
        for principal in _strangers(statement, ours):
            found[Access(principal=principal, by=by)] = None
    return tuple(found)


def asks_for_tls(policy: str | Mapping[str, Any] | None) -> bool:
    """Whether a statement denies everybody everything that comes without TLS."""
    for statement in _list(document_of(policy).get("Statement")):
        conditions = _conditions(statement)
        if (
            statement.get("Effect") == "Deny"
            and _for_everybody(statement)
            and _everything(statement)
            and conditions
            and all(
                operator in {"bool", "boolifexists"} and key == "aws:securetransport" and values == ["false"]
                for operator, key, values in conditions
            )
        ):
            return True
    return False


def _strangers(statement: Statement, ours: Ours) -> list[str]:
    """The principals of an Allow statement that are not of the organisation."""
    conditions = _conditions(statement)
    if any(_confines(*condition, ours) for condition in conditions):
        return []
    if "NotPrincipal" in statement:
        return [ANYBODY]
    principal = statement.get("Principal")
    if principal == ANYBODY:
        return [ANYBODY]
    if not isinstance(principal, Mapping):
        return []
    found = [one for one in _list(principal.get("AWS")) if not ours.has(str(one))]
    found += [f"{kind}:{one}" for kind in ("CanonicalUser", "Federated") for one in _list(principal.get(kind))]
    if "Service" in principal:
        # A service acts for somebody; for a stranger only where the policy says so.
        found += [value for condition in conditions for value in _foreign_sources(*condition, ours)]
    return [str(one) for one in found]


def _confines(operator: str, key: str, values: list[str], ours: Ours) -> bool:
    """Whether a condition lets only the organisation through: it must hold, and every value must be ours.

    An operator `...IfExists` holds for a caller without the key, and `ForAllValues:` for one without values.
    """
    operator = operator.removeprefix("foranyvalue:")
    if operator not in _EQUALS or not values:
        return False
    if key in _ORGANIZATION_KEYS:
        return all(value == ours.organization_id for value in values)
    if key in _PATH_KEYS:
        return all(value.startswith(f"{ours.organization_id}/") for value in values)
    return key in _ACCOUNT_KEYS and all(ours.has(value) for value in values)


def _foreign_sources(operator: str, key: str, values: list[str], ours: Ours) -> list[str]:
    named = key in {"aws:sourceaccount", "aws:sourcearn"} and operator.removesuffix("ifexists") in _EQUALS
    return [value for value in values if named and account_of(value) is not None and not ours.has(value)]


def _shuts_out_strangers(statement: Statement, ours: Ours) -> bool:
    """Whether a Deny shuts out everybody who is not of the organisation, from everything.

    A negated operator holds for a caller without the key. Services may be let off: they are judged where they act.
    """
    conditions = _conditions(statement)
    apart = [
        (operator, key, values)
        for operator, key, values in conditions
        if not (key == "aws:principalisawsservice" and operator in {"bool", "boolifexists"} and values == ["false"])
    ]
    return (
        statement.get("Effect") == "Deny"
        and _for_everybody(statement)
        and _everything(statement)
        and len(apart) == 1
        and apart[0][0].removesuffix("ifexists") in _NOT_EQUALS
        and apart[0][1] == "aws:principalorgid"
        and apart[0][2] == [ours.organization_id]
    )


def _for_everybody(statement: Statement) -> bool:
    principal = statement.get("Principal")
    return principal == ANYBODY or (isinstance(principal, Mapping) and _list(principal.get("AWS")) == [ANYBODY])


def _everything(statement: Statement) -> bool:
    """Whether the statement is about every action on the whole of the resource: a bucket, and what is in it."""
    actions, resources = _list(statement.get("Action")), [str(one) for one in _list(statement.get("Resource"))]
    if not any(re.fullmatch(r"\*|[a-z0-9-]+:\*", str(action)) for action in actions):
        return False
    in_bucket = [one for one in resources if one.startswith("arn:") and ":s3:::" in one]
    if not in_bucket or ANYBODY in resources:
        return True
    return any(one.endswith("/*") for one in in_bucket) and any("/" not in one for one in in_bucket)


def _conditions(statement: Statement) -> list[tuple[str, str, list[str]]]:
    """Operator, key and values of each condition; names in lower case, since IAM does not tell their case."""
    block = statement.get("Condition") or {}
    return [
        (
            operator.lower(),
            key.lower(),
            [json.dumps(one) if isinstance(one, bool) else str(one) for one in _list(values)],
        )
        for operator, keys in block.items()
        for key, values in keys.items()
    ]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | Mapping) else [value]
