"""The clients of one pass over a tenant: they do what they are told, and record what had to be changed.

Every child goes through them, so no child has to know of drift, adoption, pause or dry run. Those of a pass that may
change nothing are in `looking.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domicile_operator import sql
from domicile_operator.annotations import ADOPT
from domicile_operator.bao_documents import former_login
from domicile_operator.clients.bao import Bao
from domicile_operator.clients.kube import Claim, Kube, Object
from domicile_operator.clients.postgres import Databases
from domicile_operator.drift import compare, stamp, taking_back
from domicile_operator.errors import Fault, Gone
from domicile_operator.names import Names
from domicile_operator.ownership import given, ours
from domicile_operator.record import Change, Record
from domicile_operator.releases.fleet import Standing
from domicile_operator.world import World

DOCUMENTS = {
    "sys/policies/acl/": "OpenBaoPolicy",
    "auth/jwt/role/": "OpenBaoJWTRole",
    "database/roles/": "OpenBaoDatabaseRole",
    "transit/keys/": "OpenBaoTransitKey",
    "kv/data/": "OpenBaoSecret",
    "kv/metadata/": "OpenBaoSecret",
}


def keep(world: World, names: Names, record: Record) -> World:
    """The world as a pass uses it that may change things."""
    return replace(
        world,
        kube=KeepingKube(world.kube, names, record),
        bao=KeepingBao(world.bao, record),
        databases=KeepingDatabases(world.databases, record),
    )


class KeepingKube:
    """`Kube` that takes over nothing of somebody else's, and compares each object before and after it is applied."""

    def __init__(self, kube: Kube, names: Names, record: Record) -> None:
        self._kube, self._names, self._record = kube, names, record
        self._made: set[str] = set()
        """Namespaces that this pass has made: nobody's objects are in them."""

    def apply(self, manifest: Object, *, dry_run: bool = False) -> Object:
        metadata, kind = manifest["metadata"], manifest["kind"]
        key = (kind, metadata.get("namespace", ""), metadata["name"])
        new = key[1] in self._made and key not in self._record.stated
        self._record.stated.add(key)
        live = None if new else self._live(manifest)
        adopting = live is not None and not ours(live, self._names)
        if live is not None and adopting and not given(live, self._names):
            raise Fault(
                "OBJECT_NOT_OURS",
                f"{kind} {metadata['name']} in namespace {metadata.get('namespace', '')} was made by somebody else and "
                f"is left alone. Delete it, or annotate it with {ADOPT}={self._names.tenant}: then it is taken over.",
            )
        stamped = stamp(manifest)
        try:
            applied = self._send(stamped, live)
        except Fault as fault:
            if adopting and fault.code == "KUBERNETES_REFUSED":
                raise Fault(
                    "ADOPTION_REFUSED", f"{kind} {metadata['name']} cannot be taken over as it is: {fault.message}"
                ) from fault
            raise
        self._compare(stamped, live, applied, known=key in self._record.known)
        if adopting:
            self._record.adopted.append(f"{kind} {metadata['name']}")
        return applied

    def co_own(self, manifest: Object, manager: str) -> None:
        self._kube.co_own(manifest, manager)

    def _send(self, manifest: Object, live: Object | None) -> Object:
        try:
            return self._kube.apply(manifest)
        except Fault as fault:
            taken = taking_back(manifest, live) if fault.code == "KUBERNETES_REFUSED" else None
            if taken is None:
                raise
            self._kube.apply(taken)
            return self._kube.apply(manifest)

    def _live(self, manifest: Object) -> Object | None:
        metadata = manifest["metadata"]
        try:
            return self._kube.get(manifest["apiVersion"], manifest["kind"], metadata["name"], metadata.get("namespace"))
        except Gone:
            return None

    def _compare(self, manifest: Object, live: Object | None, applied: Object, *, known: bool) -> None:
        metadata, record = manifest["metadata"], self._record
        name, namespace = metadata["name"], metadata.get("namespace", "")
        if live is None:
            if manifest["kind"] == "Namespace":
                self._made.add(name)
            record.changes.append(Change(manifest["kind"], name, namespace, "create", drift=known))
            return
        found = compare(manifest, live, applied)
        if not found:
            record.unchanged += 1
        # Drift and a change of our own that came with it are told apart.
        for drift in (True, False):
            part = [one for one in found if one.drift == drift]
            if part:
                fields = tuple(one.path for one in part)
                by = tuple(sorted({manager for one in part for manager in one.by})) if drift else ()
                record.changes.append(Change(manifest["kind"], name, namespace, "update", fields, by, drift))

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        return self._kube.get(api_version, kind, name, namespace)

    def list(self, api_version: str, kind: str, namespace: str | None = None, selector: str = "") -> Sequence[Object]:
        return self._kube.list(api_version, kind, namespace, selector)

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        self._kube.delete(api_version, kind, name, namespace)
        self._record.changes.append(Change(kind, name, namespace or "", "delete"))

    def patch_status(self, api_version: str, kind: str, name: str, status: Object) -> Object:
        return self._kube.patch_status(api_version, kind, name, status)

    def patch_json(self, api_version: str, kind: str, name: str, operations: Sequence[Object]) -> None:
        self._kube.patch_json(api_version, kind, name, operations)

    def create(self, manifest: Object) -> None:
        self._kube.create(manifest)

    def names(self, api_version: str, kind: str) -> Sequence[str]:
        return self._kube.names(api_version, kind)

    def claims(self) -> Sequence[Claim]:
        return self._kube.claims()

    def standings(self) -> Sequence[Standing]:
        return self._kube.standings()

    def backups(self, tenant: str) -> Sequence[Object]:
        return self._kube.backups(tenant)

    def applied(self, namespace: str) -> Mapping[str, str]:
        return self._kube.applied(namespace)


class KeepingBao:
    """`Bao` that records what had to be written although nobody asked for anything new."""

    def __init__(self, bao: Bao, record: Record) -> None:
        self._bao, self._record = bao, record

    def ensure(self, path: str, data: dict[str, Any]) -> bool:
        self._record.want(path, data)
        changed = self._bao.ensure(path, data)
        if changed:
            self._record.in_stores.append(document_change(path))
        else:
            self._record.unchanged += 1
        return changed

    def read(self, path: str) -> dict[str, Any] | None:
        return self._bao.read(path)

    def write(self, path: str, data: dict[str, Any]) -> None:
        self._bao.write(path, data)
        if path.startswith("transit/keys/"):
            # Logins in kv/ are written whenever a password moves on, which nobody else's doing causes.
            self._record.in_stores.append(document_change(path))

    def remove(self, path: str) -> None:
        self._bao.remove(path)

    def revoke_leases(self, prefix: str) -> bool:
        return self._bao.revoke_leases(prefix)

    def login(self, role: str) -> tuple[str, str, float]:
        return self._bao.login(role)


class KeepingDatabases:
    """`Databases` that records where statements were due."""

    def __init__(self, databases: Databases, record: Record) -> None:
        self._databases, self._record = databases, record

    def ensure(self, names: Names, licence: str) -> bool:
        self._record.want("postgresql", sql.from_nothing(names, licence))
        changed = self._databases.ensure(names, licence)
        if changed:
            # A role of before that is dropped with its last login is our own doing.
            retiring = former_login(names) in self._record.wanted
            kept = self._record.changes if retiring else self._record.in_stores
            kept.append(Change("PostgreSQLDatabase", names.database))
        else:
            self._record.unchanged += 1
        return changed

    def missing(self, names: Names, licence: str) -> tuple[str, ...]:
        return self._databases.missing(names, licence)

    def serves_as_former(self, names: Names) -> bool:
        return self._databases.serves_as_former(names)

    def retire(self, names: Names, licence: str) -> None:
        self._databases.retire(names, licence)

    def drop(self, names: Names, licence: str) -> None:
        self._databases.drop(names, licence)


def document_change(path: str, *, create: bool = False, fields: tuple[str, ...] = ()) -> Change:
    """A change of what OpenBao holds under a path."""
    kind, start = next((kind, start) for start, kind in DOCUMENTS.items() if path.startswith(start))
    name = path.removeprefix(start)
    if kind == "OpenBaoTransitKey":
        name = name.removesuffix("/config")
    return Change(kind, name, action="create" if create else "update", fields=fields)
