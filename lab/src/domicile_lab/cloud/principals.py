"""Whose key it is: read from moto's IAM and STS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from moto.iam.models import iam_backends
from moto.sts.models import sts_backends

PARTITION = "aws"


@dataclass(frozen=True)
class Principal:
    """A caller. `arn` is the condition key aws:PrincipalArn (a role's own ARN); `caller` is what messages name."""

    account: str
    arn: str
    caller: str
    kind: str
    name: str = ""

    @property
    def is_service_linked(self) -> bool:
        """Roles that belong to a service, which control policies do not reach."""
        return ":role/aws-service-role/" in self.arn


@dataclass(frozen=True)
class Key:
    """An access key with its secret; `token` and `expires` (UTC) are those of a session."""

    principal: Principal
    secret: str
    token: str | None = None
    expires: datetime | None = None
    active: bool = True


ANONYMOUS = Principal("anonymous", "*", "Anonymous", "Anonymous")


def find_key(access_key: str) -> Key | None:
    """The key with this id, whichever account it is of; None where nobody has it."""
    for account, partitions in list(iam_backends.items()):
        found = partitions[PARTITION].access_keys.get(access_key)
        if found is None:
            continue
        if found.user_name is not None:
            arn = partitions[PARTITION].get_user(found.user_name).arn
            principal = Principal(account, arn, arn, "User", found.user_name)
            return Key(principal, found.secret_access_key, active=found.status == "Active")
        session = sts_backends[account][PARTITION].get_assumed_role_from_access_key(access_key)
        if session is None:
            return None
        principal = Principal(account, session.role_arn, session.arn, "AssumedRole", session.session_name)
        expires = session.expiration.replace(tzinfo=UTC)
        return Key(principal, session.secret_access_key, session.session_token, expires)
    return None


def role_exists(arn: str) -> bool:
    """Whether an IAM role with this ARN is there to be assumed."""
    account = arn.split(":")[4] if arn.count(":") > 4 else ""
    return account in iam_backends and any(role.arn == arn for role in iam_backends[account][PARTITION].roles.values())
