"""The clients of a pass that may change nothing: a paused tenant's, or a plan's.

They hold no way to write, so no child can forget to ask. What a child believes to have written it reads back, so that
it goes on to its next step; the API server says of each object what applying it would do (`dryRun=All`).
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from domicile_operator import sql
from domicile_operator.cache_logins import CacheUser
from domicile_operator.cell import ElastiCache
from domicile_operator.clients.bao import Bao, says
from domicile_operator.clients.elasticache import CacheUsers
from domicile_operator.clients.kube import Object
from domicile_operator.clients.postgres import Databases
from domicile_operator.errors import Gone
from domicile_operator.keeping import KeepingKube, document_change
from domicile_operator.names import Names
from domicile_operator.record import Change, Record
from domicile_operator.world import World


def look_only(world: World, names: Names, record: Record) -> World:
    """The world as a pass uses it that may change nothing."""
    users: dict[str, LookingCacheUsers] = {}

    def cache_users(cache: ElastiCache) -> CacheUsers:
        # One for the whole pass: it remembers what it was told.
        return users.setdefault(cache.user_group, LookingCacheUsers(world.cache_users(cache), record))

    return replace(
        world,
        kube=LookingKube(world.kube, names, record),
        bao=LookingBao(world.bao, record),
        databases=LookingDatabases(world.databases, record),
        cache_users=cache_users,
    )


class LookingKube(KeepingKube):
    """Applies in dry run, and deletes nothing."""

    def co_own(self, manifest: Object, manager: str) -> None:
        """Nothing of what is planned depends on it."""

    def _send(self, manifest: Object, live: Object | None) -> Object:
        try:
            return self._kube.apply(manifest, dry_run=True)
        except Gone:
            # Its namespace is to be made first.
            return manifest

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        self._record.changes.append(Change(kind, name, namespace or "", "delete"))

    def patch_status(self, api_version: str, kind: str, name: str, status: Object) -> Object:
        raise AssertionError(_SAID)

    def patch_json(self, api_version: str, kind: str, name: str, operations: Sequence[Object]) -> None:
        raise AssertionError(_SAID)

    def create(self, manifest: Object) -> None:
        raise AssertionError(_SAID)


class LookingBao:
    """Reads OpenBao, and keeps to itself what it is told to write."""

    def __init__(self, bao: Bao, record: Record) -> None:
        self._bao, self._record = bao, record
        self._told: dict[str, dict[str, Any] | None] = {}

    def ensure(self, path: str, data: dict[str, Any]) -> bool:
        self._record.want(path, data)
        found = self.read(path)
        if found is not None and says(found, data):
            self._record.unchanged += 1
            return False
        self._tell(path, data, found)
        return True

    def read(self, path: str) -> dict[str, Any] | None:
        return self._told[path] if path in self._told else self._bao.read(path)

    def write(self, path: str, data: dict[str, Any]) -> None:
        self._tell(path, data, self.read(path))

    def remove(self, path: str) -> None:
        if self.read(path) is not None:
            self._record.in_stores.append(replace(document_change(path), action="delete"))
        self._told[path] = None

    def revoke_leases(self, prefix: str) -> bool:
        raise AssertionError(_SAID)

    def login(self, role: str) -> tuple[str, str, float]:
        raise AssertionError(_SAID)

    def _tell(self, path: str, data: dict[str, Any], found: dict[str, Any] | None) -> None:
        # Of a secret not even the fields are told.
        differ = () if path.startswith("kv/") else tuple(sorted(k for k in data if (found or {}).get(k) != data[k]))
        create = found is None and not path.endswith("/config")
        self._record.in_stores.append(document_change(path, create=create, fields=() if create else differ))
        self._told[path] = data


class LookingDatabases:
    """Says which statements are due, and runs none."""

    def __init__(self, databases: Databases, record: Record) -> None:
        self._databases, self._record = databases, record

    def ensure(self, names: Names, licence: str) -> bool:
        self._record.want("postgresql", sql.from_nothing(names, licence))
        due = self.missing(names, licence)
        if not due:
            self._record.unchanged += 1
            return False
        made = any(statement.startswith("CREATE DATABASE") for statement in due)
        change = Change("PostgreSQLDatabase", names.database, action="create" if made else "update", fields=due)
        self._record.in_stores.append(change)
        return True

    def missing(self, names: Names, licence: str) -> tuple[str, ...]:
        return self._databases.missing(names, licence)

    def serves_as_former(self, names: Names) -> bool:
        return self._databases.serves_as_former(names)

    def retire(self, names: Names, licence: str) -> None:
        raise AssertionError(_SAID)

    def drop(self, names: Names, licence: str) -> None:
        raise AssertionError(_SAID)


class LookingCacheUsers:
    """ElastiCache's users as they are; what is asked of them is under way for ever."""

    def __init__(self, users: CacheUsers, record: Record) -> None:
        self._users, self._record = users, record
        self._told: dict[str, CacheUser] = {}

    def find(self, name: str) -> CacheUser | None:
        return self._told.get(name) or self._users.find(name)

    def create(self, name: str, passwords: Sequence[str], access: str, tags: dict[str, str]) -> None:
        self._told[name] = CacheUser("creating", access, False)
        self._record.in_stores.append(Change("ElastiCacheUser", name, action="create"))

    def change(self, name: str, passwords: Sequence[str], access: str) -> None:
        self._told[name] = CacheUser("modifying", access, True)
        self._record.in_stores.append(Change("ElastiCacheUser", name))

    def join(self, name: str) -> bool:
        self._record.in_stores.append(Change("ElastiCacheUser", name, fields=("the user group",)))
        return False

    def delete(self, name: str) -> None:
        raise AssertionError(_SAID)


_SAID = "A pass that may change nothing was to write."
