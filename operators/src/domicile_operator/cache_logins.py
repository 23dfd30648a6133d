"""A tenant's login to a cache whose users AWS makes: what is to be done next. Pure.

ElastiCache forbids ACL SETUSER, so that OpenBao can make no login in it, and takes users from its own API: an access
string, and one or two passwords (ElastiCache, "Role-Based Access Control"). The operator makes one user for each
tenant, keeps its password in OpenBao, where the casino alone reads it, and changes it each day. The password before
it opens the cache until the next change, so that no casino is shut out while it has not looked yet.

Every step is safe to repeat: a password is written down before AWS hears of it, and what AWS was told is written down
after. Whoever dies between the two does the same again.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from domicile_operator.bao_documents import redis_rules
from domicile_operator.names import Names

ROTATION = timedelta(days=1)
"""How old a password gets before the next one; it opens the cache for as long again."""


@dataclass(frozen=True)
class CacheUser:
    """What ElastiCache tells of a user: its status and access string, and whether its group has it."""

    status: str
    access: str
    member: bool


@dataclass(frozen=True)
class Login:
    """What OpenBao keeps at `kv/tenants/<tenant>/redis`. The casino reads `username` and `password`.

    `next` is the password that takes the place of `password`; `sent` says that AWS was told of it. `access` is what AWS
    was last asked for and `seen` how it then told it, for it writes access strings in its own way. `since` is when
    `password` began to count, in ISO 8601.
    """

    username: str
    password: str = ""
    next: str = ""
    sent: bool = False
    access: str = ""
    seen: str = ""
    since: str = ""

    @property
    def passwords(self) -> tuple[str, ...]:
        """Those that should open the cache, the newest first."""
        return tuple(filter(None, (self.next, self.password)))

    def __repr__(self) -> str:
        return f"Login({self.username!r}, sent={self.sent}, since={self.since!r})"


@dataclass(frozen=True)
class Keep:
    """Write the login to OpenBao."""

    login: Login


@dataclass(frozen=True)
class Create:
    """Make the user, then keep `login`."""

    passwords: tuple[str, ...]
    login: Login


@dataclass(frozen=True)
class Change:
    """Change the user, its passwords only where some are given, then keep `login`."""

    passwords: tuple[str, ...]
    login: Login


@dataclass(frozen=True)
class Join:
    """Put the user into the group that the cache admits."""


@dataclass(frozen=True)
class Wait:
    """AWS is at work. `shut_out` says that the casino cannot log in until it is done."""

    why: str
    shut_out: bool


@dataclass(frozen=True)
class Done:
    """Nothing is left to do."""


Step = Keep | Create | Change | Join | Wait | Done


def access_string(names: Names) -> str:
    """What the tenant's user may do: the rules that OpenBao gives where it makes the logins."""
    return " ".join(["on", *redis_rules(names)])


def to_document(login: Login) -> dict[str, Any]:
    """The login as OpenBao keeps it."""
    return asdict(login)


def from_document(content: dict[str, Any] | None, names: Names) -> Login | None:
    """The login that OpenBao keeps; None where it keeps none, or another user's."""
    known = {key: value for key, value in (content or {}).items() if key in Login.__dataclass_fields__}
    if known.get("username") != names.cache_user:
        return None
    login = Login(**known)
    return login if login.passwords else None


def next_step(
    names: Names, login: Login | None, user: CacheUser | None, now: datetime, new_password: Callable[[], str]
) -> Step:
    """The one thing to do next, by what OpenBao keeps and AWS tells. `now` is aware, in UTC."""
    wanted = access_string(names)
    if login is None:
        return Keep(Login(names.cache_user, next=new_password()))
    told = replace(login, sent=bool(login.next), access=wanted, seen="")
    if user is None:
        return Create(login.passwords, told)
    if user.status != "active":
        shut_out = not login.password or user.status != "modifying"
        return Wait(f"Waiting for ElastiCache: the user {names.cache_user} is {user.status}.", shut_out)
    if not user.member:
        return Join()
    return _rotate(login, told, now, new_password) or _repair(login, told, user)


def _rotate(login: Login, told: Login, now: datetime, new_password: Callable[[], str]) -> Step | None:
    """A password that is under way, or due. An active user has what AWS was told."""
    if login.sent:
        return Keep(replace(login, password=login.next, next="", sent=False, since=now.isoformat()))
    if login.next:
        return Change(login.passwords, told)
    if now - datetime.fromisoformat(login.since) >= ROTATION:
        return Keep(replace(login, next=new_password()))
    return None


def _repair(login: Login, told: Login, user: CacheUser) -> Step:
    """An access string that is another than was asked for, whether the rules changed or somebody else it."""
    if login.access != told.access or login.seen not in ("", user.access):
        return Change((), told)
    return Done() if login.seen else Keep(replace(login, seen=user.access))
