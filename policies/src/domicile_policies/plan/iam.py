"""What a statement of an IAM policy document in a plan says, as far as the rules ask."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from domicile_policies.plan.conditions import names_subject, narrows
from domicile_policies.plan.resource import each

_ACTIONS = ("zzz:zzz", "iam:createuser", "s3:getobject")
_RESOURCES = ("arn:aws:iam::111111111111:role/a", "arn:aws:s3:::b", "arn:aws:rds:xx-yyyy-1:222222222222:cluster:c")
_ALL_OF_IAM = ("iam:zzz", "iam:createuser", "iam:attachrolepolicy")


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
    """Whether it allows every action (or all but some) on every resource (or all but some).

    Every action of IAM is no less: who may attach policies gives himself the rest.
    """
    if statement.get("Effect") != "Allow" or not (
        "NotResource" in statement or _covers(statement.get("Resource"), _RESOURCES)
    ):
        return False
    actions = statement.get("Action")
    return "NotAction" in statement or _covers(actions, _ACTIONS) or _covers(actions, _ALL_OF_IAM)


def is_public(statement: Mapping[str, Any]) -> bool:
    """Whether it allows something to everybody, and no condition says to whom.

    Whoever an identity provider of the internet vouches for is everybody, unless a condition names the subject.
    """
    if statement.get("Effect") != "Allow":
        return False
    principal, condition = statement.get("Principal"), statement.get("Condition")
    if "*" in _people(principal) or "NotPrincipal" in statement:
        return not narrows(condition)
    federated = isinstance(principal, Mapping) and "Federated" in principal
    if federated and "sts:assumerolewithwebidentity" in [str(one).lower() for one in each(statement.get("Action"))]:
        return not names_subject(condition)
    return False


def denies_plain_text(statement: Mapping[str, Any]) -> bool:
    """Whether it denies everybody what comes without TLS."""
    tests = {
        key.lower(): [str(one).lower() for one in each(value)]
        for operator, keys in statement.get("Condition", {}).items()
        if operator in ("Bool", "BoolIfExists")
        for key, value in keys.items()
    }
    everything = any(one in ("s3:*", "*", "*:*") for one in each(statement.get("Action")))
    return (
        statement.get("Effect") == "Deny"
        and "*" in _people(statement.get("Principal"))
        and everything
        and tests == {"aws:securetransport": ["false"]}
    )


def _people(principal: Any) -> tuple[Any, ...]:
    """Who is named by `Principal`, as AWS accounts and identities; `*` for everybody."""
    return each(principal.get("AWS") if isinstance(principal, Mapping) else principal)


def _covers(patterns: Any, samples: tuple[str, ...]) -> bool:
    """Whether one of the patterns matches every sample; IAM's wildcards are * and ?, and actions have no case."""
    found = [str(one).lower().replace("[", "[[]") for one in each(patterns)]
    return any(all(fnmatchcase(sample, one) for sample in samples) for one in found)
