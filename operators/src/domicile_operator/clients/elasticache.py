"""The users of a cell's cache, through ElastiCache's API, with the credentials that AWS gives the operator's pod."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, Protocol, Self

from domicile_operator.cache_logins import CacheUser
from domicile_operator.cell import ElastiCache
from domicile_operator.errors import Fault
from domicile_operator.gate import OPEN, Gate

TIMEOUT = 5
"""Seconds for one call, and the same for a connection."""


class CacheUsers(Protocol):
    """What the operator asks of ElastiCache. Every verb raises Fault."""

    def find(self, name: str) -> CacheUser | None:
        """The user, or None."""

    def create(self, name: str, passwords: Sequence[str], access: str, tags: dict[str, str]) -> None:
        """Make it. It is of no use before it is a member of the group."""

    def change(self, name: str, passwords: Sequence[str], access: str) -> None:
        """Change its access string, and its passwords where some are given."""

    def join(self, name: str) -> bool:
        """Make it a member of the group. False while the group takes another change."""

    def delete(self, name: str) -> None:
        """Delete it; what is gone already is fine. It leaves its groups, and its connections are closed."""


class ElastiCacheClient:
    """`CacheUsers` over boto3. Safe for use from several threads."""

    def __init__(self, client: Any, cache: ElastiCache, gate: Gate = OPEN) -> None:
        self._client, self._cache, self._gate = client, cache, gate

    @classmethod
    def of(cls, cache: ElastiCache, gate: Gate = OPEN) -> Self:
        """With the credentials of the environment (EKS Pod Identity puts them there)."""
        return cls(_connect(cache.region), cache, gate)

    def find(self, name: str) -> CacheUser | None:
        users = self._ask("DescribeUsers", lambda it: it.describe_users(UserId=name), gone="UserNotFound")
        if not users or not users["Users"]:
            return None
        (user,) = users["Users"]
        members = self._group()["UserIds"]
        return CacheUser(user["Status"], user["AccessString"], name in members)

    def create(self, name: str, passwords: Sequence[str], access: str, tags: dict[str, str]) -> None:
        self._ask(
            "CreateUser",
            lambda it: it.create_user(
                UserId=name,
                UserName=name,
                Engine=self._cache.engine,
                AccessString=access,
                AuthenticationMode={"Type": "password", "Passwords": list(passwords)},
                Tags=[{"Key": key, "Value": value} for key, value in sorted(tags.items())],
            ),
        )

    def change(self, name: str, passwords: Sequence[str], access: str) -> None:
        mode = {"AuthenticationMode": {"Type": "password", "Passwords": list(passwords)}} if passwords else {}
        self._ask("ModifyUser", lambda it: it.modify_user(UserId=name, AccessString=access, **mode))

    def join(self, name: str) -> bool:
        if self._group()["Status"] != "active":
            return False
        group = self._cache.user_group
        self._ask("ModifyUserGroup", lambda it: it.modify_user_group(UserGroupId=group, UserIdsToAdd=[name]))
        return True

    def delete(self, name: str) -> None:
        self._ask("DeleteUser", lambda it: it.delete_user(UserId=name), gone="UserNotFound")

    def _group(self) -> dict[str, Any]:
        wanted = self._cache.user_group
        found = self._ask("DescribeUserGroups", lambda it: it.describe_user_groups(UserGroupId=wanted))
        group: dict[str, Any] = found["UserGroups"][0]
        return group

    def _ask(self, what: str, call: Callable[[Any], Any], gone: str = "") -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        self._gate.write()
        try:
            return call(self._client)
        except ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            if gone and code.removesuffix("Fault") == gone:
                return None
            raise Fault(
                "ELASTICACHE_REFUSED",
                f"ElastiCache refused {what}: {code}. {_advice(code)}",
            ) from error
        except BotoCoreError as error:
            raise Fault(
                "ELASTICACHE_UNREACHABLE",
                f"ElastiCache's API in {self._cache.region} cannot be asked ({type(error).__name__}). Check that the "
                "cell has its endpoint, and the operator's service account its role (EKS Pod Identity).",
            ) from error


@lru_cache
def _connect(region: str) -> Any:
    # Here and not above: boto3 takes a second and some thirty megabytes, which a site does not need.
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"mode": "standard"})
    return boto3.session.Session().client("elasticache", region_name=region, config=config)


def _advice(code: str) -> str:
    """What a person can do about it. AWS's own words are left out: they may quote what was sent."""
    if "Quota" in code:
        return "A user group takes 100 users, unless AWS raised that quota for the account: ask for it, or for a cell."
    if code in ("AccessDenied", "AccessDeniedException"):
        return "Check the operator's role in the cell's account, and the organisation's policies."
    return "It is tried again; AWS's CloudTrail has the call."
