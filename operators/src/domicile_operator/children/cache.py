"""A tenant's login to the cache, in a cell whose cache AWS makes the users of; elsewhere OpenBao makes it."""

import secrets
from collections.abc import Sequence

from domicile_operator.cache_logins import (
    Change,
    Create,
    Done,
    Join,
    Keep,
    Step,
    Wait,
    access_string,
    from_document,
    next_step,
    to_document,
)
from domicile_operator.cell import ElastiCache
from domicile_operator.children.base import Child, Ending, Observation, Reference
from domicile_operator.clients.elasticache import CacheUsers
from domicile_operator.errors import Fault
from domicile_operator.names import Names
from domicile_operator.plan import Plan
from domicile_operator.world import World

MOST_STEPS = 12
"""The longest way through `next_step` is seven."""
TENANT_TAG = "domicile:tenant"


def new_password() -> str:
    """48 characters of 288 bits; ElastiCache takes 16 to 128."""
    return secrets.token_urlsafe(36)


class CacheLogin(Child):
    """The user in ElastiCache, and its password in OpenBao."""

    def desired(self, plan: Plan) -> Sequence[Reference]:
        if plan.cell.redis.elasticache is None:
            return []
        return [Reference("ElastiCacheUser", plan.names.cache_user)]

    def apply(self, plan: Plan, world: World) -> Sequence[Step]:
        cache = plan.cell.redis.elasticache
        return [] if cache is None else [_drive(plan.names, cache, world)]

    def observe(self, plan: Plan, applied: Sequence[Step]) -> Observation:
        waiting = next((step.why for step in applied if isinstance(step, Wait) and step.shut_out), "")
        return Observation(tuple(self.desired(plan)), waiting)

    def cleanup(self, ending: Ending, world: World) -> str:
        cache = world.cell().redis.elasticache
        if cache is None:
            return ""
        users, name = world.cache_users(cache), ending.names.cache_user
        user = users.find(name)
        if user is not None:
            if user.status == "active":
                users.delete(name)
            return f"Waiting for ElastiCache to delete the user {name}, which is {user.status}."
        world.bao.remove(f"kv/metadata/{ending.names.redis_secret}")
        return ""


def _drive(names: Names, cache: ElastiCache, world: World) -> Step:
    """Take steps until AWS has to be waited for, or nothing is left. Gives the last."""
    users, path = world.cache_users(cache), f"kv/data/{names.redis_secret}"
    for _ in range(MOST_STEPS):
        found = world.bao.read(path)
        login = from_document(found["data"] if found else None, names)
        step = next_step(names, login, users.find(names.cache_user), world.now(), new_password)
        if isinstance(step, (Wait, Done)):
            return step
        if isinstance(step, Join):
            if not users.join(names.cache_user):
                return Wait(f"Waiting for ElastiCache: the user group {cache.user_group} takes another change.", True)
            continue
        _take(step, names, cache, users)
        world.bao.write(path, {"data": to_document(step.login)})
    raise Fault("INTERNAL", f"The login of {names.cache_user} comes to no end after {MOST_STEPS} steps. Read the log.")


def _take(step: Keep | Create | Change, names: Names, cache: ElastiCache, users: CacheUsers) -> None:
    name, access = names.cache_user, access_string(names)
    if isinstance(step, Create):
        users.create(name, step.passwords, access, cache.tags | {TENANT_TAG: names.tenant})
    elif isinstance(step, Change):
        users.change(name, step.passwords, access)
