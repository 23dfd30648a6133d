"""`Kube` that reads what the watches show, and sends no apply that would change nothing.

A pass over a settled tenant asks the API server for nothing at all by this; ten thousand objects need no reading every
half minute to be known to be as they were. What the view does not have, or may not have whole, is asked for.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from domicile_operator.clients.kube import PLURALS, Claim, Kube, Object
from domicile_operator.names import BACKUP_KIND, KIND, LABEL_TENANT, Names
from domicile_operator.plan import digest
from domicile_operator.releases.fleet import Standing
from domicile_operator.view import View, key_of

NOT_WATCHED = frozenset({"Event", "StorageClass", "Lease"})
WATCHED = frozenset(kind for _, kind in PLURALS) - NOT_WATCHED
UNLABELLED = frozenset({KIND, BACKUP_KIND})
"""Kinds of which every object is watched: people make them, and need know of no label."""
VERSIONS = {kind: api_version for api_version, kind in PLURALS}
SELECTOR = re.compile(r"(?P<key>[^\s=!,()]+)(?:=(?P<one>[^\s=,()]+)| in \((?P<any>[^()]+)\))")


class Pages(Protocol):
    """Whole lists, part by part."""

    def pages(self, api_version: str, kind: str, selector: str = "") -> Iterator[tuple[int, Sequence[Object]]]:
        """The list's version, and its next objects. Raises Fault."""


class ViewedKube:
    """Safe for use from several threads. Takes the cluster itself, and the view that its watches fill."""

    def __init__(self, kube: Kube, view: View) -> None:
        self._kube, self._view = kube, view

    def apply(self, manifest: Object, *, dry_run: bool = False) -> Object:
        kind, wanted = manifest["kind"], digest(manifest, 16)
        standing = self._view.standing(key_of(kind, manifest), wanted)
        if standing is not None:
            return _named(kind, standing)
        applied = self._kube.apply(manifest, dry_run=dry_run)
        if not dry_run:
            self._view.wrote(kind, applied, wanted)
        return applied

    def co_own(self, manifest: Object, manager: str) -> None:
        self._kube.co_own(manifest, manager)
        self._view.forget(key_of(manifest["kind"], manifest))

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        found = self._view.get((kind, namespace or "", name)) if kind in WATCHED else None
        if found is None:
            return self._kube.get(api_version, kind, name, namespace)
        if kind == KIND:
            # A process before this one may have written it.
            told = (found.get("status") or {}).get("applied") or ()
            self._view.remember(Names(name).namespace, dict(one.split(" ", 1) for one in told if " " in one))
        return _named(kind, found)

    def list(self, api_version: str, kind: str, namespace: str | None = None, selector: str = "") -> Sequence[Object]:
        chosen = _selector(selector)
        found = self._view.list(kind, namespace) if chosen and kind in WATCHED else None
        if found is None or chosen is None:
            return self._kube.list(api_version, kind, namespace, selector)
        return [_named(kind, one) for one in found if chosen(one["metadata"].get("labels") or {})]

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        self._kube.delete(api_version, kind, name, namespace)
        self._view.forget((kind, namespace or "", name))

    def patch_status(self, api_version: str, kind: str, name: str, status: Object) -> Object:
        answer = self._kube.patch_status(api_version, kind, name, status)
        self._view.wrote(kind, answer)
        return answer

    def patch_json(self, api_version: str, kind: str, name: str, operations: Sequence[Object]) -> None:
        self._kube.patch_json(api_version, kind, name, operations)
        self._view.forget((kind, "", name))

    def create(self, manifest: Object) -> None:
        self._kube.create(manifest)

    def names(self, api_version: str, kind: str) -> Sequence[str]:
        return self._kube.names(api_version, kind)

    def claims(self) -> Sequence[Claim]:
        found = self._view.claims()
        return self._kube.claims() if found is None else found

    def standings(self) -> Sequence[Standing]:
        found = self._view.standings()
        return self._kube.standings() if found is None else found

    def backups(self, tenant: str) -> Sequence[Object]:
        found = self._view.list(BACKUP_KIND, tenant=tenant)
        return self._kube.backups(tenant) if found is None else [_named(BACKUP_KIND, one) for one in found]

    def applied(self, namespace: str) -> Mapping[str, str]:
        return self._view.applied(namespace)


def fill(view: View, kind: str, source: Pages) -> set[str]:
    """Bring all objects of a kind into the view, in the version of one list. Gives the tenants that it was news of.
    Raises Fault."""
    selector = "" if kind in UNLABELLED else LABEL_TENANT
    return view.listed(kind, source.pages(VERSIONS[kind], kind, selector))


def _named(kind: str, found: Object) -> Object:
    """Items of a list bear neither."""
    return found | {"apiVersion": VERSIONS[kind], "kind": kind}


def _selector(text: str) -> Callable[[Mapping[str, str]], bool] | None:
    """A label selector of the operator's own as a function; None for one that this cannot read."""
    if not text:
        return lambda labels: True
    found = SELECTOR.fullmatch(text)
    if found is None:
        return None
    key, allowed = found["key"], {found["one"]} if found["one"] else set(found["any"].split(","))
    return lambda labels: labels.get(key) in allowed
