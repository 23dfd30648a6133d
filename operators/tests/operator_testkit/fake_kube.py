"""An API server in memory, able to fail on demand."""

import copy
import json
from collections.abc import Sequence
from typing import Any

from domicile_operator.clients.kube import Claim, claim_of
from domicile_operator.errors import Fault, Gone
from domicile_operator.names import API_VERSION, BACKUP_KIND, FIELD_MANAGER, KIND
from domicile_operator.releases.fleet import Standing, standing_of

Object = dict[str, Any]


class Switch:
    """Fails the n-th call from now with a fault, once."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.fail_at: int | None = None
        self.down: Fault | None = None

    def pass_through(self, what: str) -> None:
        self.calls.append(what)
        if self.down:
            raise self.down
        if self.fail_at is not None and len(self.calls) > self.fail_at:
            self.fail_at = None
            raise Fault("INJECTED", f"{what} failed.")


class FakeKube:
    """Server-side apply, delete and status of one API server; namespaces terminate until `finish` is called."""

    def __init__(self, switch: Switch) -> None:
        self.objects: dict[tuple[str, str, str], Object] = {}
        self.events: list[Object] = []
        self.writes: list[str] = []
        self._switch, self.version = switch, 0

    def put(self, manifest: Object) -> Object:
        """A person's apply."""
        key = _key(manifest)
        found = self.objects.setdefault(key, {"metadata": {}, "status": {}})
        changed = found.get("spec") != manifest.get("spec")
        generation = found["metadata"].get("generation", 0) + changed
        metadata = found["metadata"] | manifest["metadata"] | {"generation": generation, "uid": f"uid-{key[2]}"}
        metadata.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
        found |= {"apiVersion": manifest["apiVersion"], "kind": manifest["kind"], "spec": manifest.get("spec", {})}
        found["metadata"] = metadata
        self.touch(found)
        return found

    def apply(self, manifest: Object, *, dry_run: bool = False) -> Object:
        if dry_run:
            return self._would_be(manifest)
        self._switch.pass_through(f"apply {manifest['kind']}/{manifest['metadata']['name']}")
        key = _key(manifest)
        namespace = manifest["metadata"].get("namespace")
        if namespace and ("Namespace", "", namespace) not in self.objects:
            raise Gone(f"namespace {namespace}")
        found = self.objects.get(key)
        body = {k: v for k, v in manifest.items() if k != "metadata"}
        if found is None:
            found = {"metadata": {"generation": 0, "managedFields": [{"manager": FIELD_MANAGER}]}, "status": {}}
            self.objects[key] = found
        stated = json.dumps([body, manifest["metadata"]], sort_keys=True)
        if found.get("_stated") == stated and found.get("_intact", True):
            return copy.deepcopy(found)
        self.writes.append(f"{manifest['kind']}/{manifest['metadata']['name']}")
        changed = True
        if manifest["kind"] == "Deployment":
            body = body | {"spec": body["spec"] | {"replicas": self._replicas(found, body["spec"].get("replicas"))}}
            changed = body["spec"] != found.get("spec")
        found |= copy.deepcopy(body)
        found["metadata"] |= _applied_metadata(found, manifest)
        found["metadata"]["generation"] += changed
        found["_stated"], found["_intact"] = stated, True
        self.touch(found)
        return copy.deepcopy(found)

    def scale(self, name: str, namespace: str, replicas: int) -> None:
        """What an autoscaler writes, or a person's `kubectl scale`: an update, which takes the field over."""
        found = self.objects["Deployment", namespace, name]
        if found["spec"]["replicas"] != replicas:
            found["spec"]["replicas"] = replicas
            # Who states nothing of it finds nothing changed.
            found["_intact"] = found.get("_intact", True) and FIELD_MANAGER not in found["_owners"]
            found["_owners"] = {"kube-controller-manager"}
            found["metadata"]["generation"] += 1
            self.touch(found)

    def _replicas(self, found: Object, stated: int | None) -> int:
        """As server-side apply with force does, and the default where nobody owns the field any more."""
        owners, live = found.setdefault("_owners", set()), found.get("spec", {}).get("replicas")
        if stated is None:
            owners.discard(FIELD_MANAGER)
            return live if owners and live is not None else 1
        if stated != live:
            owners.clear()
        owners.add(FIELD_MANAGER)
        return stated

    def co_own(self, manifest: Object, manager: str) -> None:
        self._switch.pass_through(f"co-own {manifest['kind']}/{manifest['metadata']['name']}")
        found = self.objects[_key(manifest)]
        assert set(manifest["spec"]) == {"replicas"} and manager != FIELD_MANAGER
        if manifest["spec"]["replicas"] != found["spec"]["replicas"]:
            raise Fault("CONFLICT", "Apply failed with 1 conflict: .spec.replicas")
        found["_owners"].add(manager)

    def _would_be(self, manifest: Object) -> Object:
        """What an apply would answer. It changes nothing, so it is done to a copy."""
        namespace = manifest["metadata"].get("namespace")
        if namespace and ("Namespace", "", namespace) not in self.objects:
            raise Gone(f"namespace {namespace}")
        found = copy.deepcopy(self.objects.get(_key(manifest), {"metadata": {}, "status": {}}))
        found |= {key: value for key, value in manifest.items() if key != "metadata"}
        found["metadata"] |= _applied_metadata(found, manifest)
        if manifest["kind"] == "Deployment":
            live = self.objects.get(_key(manifest), {}).get("spec", {})
            found["spec"] = {"replicas": live.get("replicas", 1)} | found["spec"]
        return copy.deepcopy(found)

    def names(self, api_version: str, kind: str) -> list[str]:
        return [one["metadata"]["name"] for one in self.list(api_version, kind)]

    def claims(self) -> list[Claim]:
        return [claim_of(one) for one in self.list(API_VERSION, KIND)]

    def standings(self) -> list[Standing]:
        return [standing_of(one) for one in self.list(API_VERSION, KIND)]

    def backups(self, tenant: str) -> list[Object]:
        return [one for one in self.list(API_VERSION, BACKUP_KIND) if one["spec"]["tenant"] == tenant]

    def applied(self, namespace: str) -> dict[str, str]:
        return {}

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object:
        self._switch.pass_through(f"get {kind}/{name}")
        found = copy.deepcopy(self._find(kind, namespace, name))
        if kind == "Deployment":
            owned = {"f:spec": {"f:replicas": {}}} if FIELD_MANAGER in found.get("_owners", ()) else {"f:spec": {}}
            found["metadata"]["managedFields"] = [{"manager": FIELD_MANAGER, "operation": "Apply", "fieldsV1": owned}]
        return found

    def list(self, api_version: str, kind: str, namespace: str | None = None, selector: str = "") -> Sequence[Object]:
        self._switch.pass_through(f"list {kind}")
        return [
            copy.deepcopy(item)
            for (of, inside, _), item in sorted(self.objects.items())
            if of == kind and namespace in (None, inside)
        ]

    def delete(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> None:
        self._switch.pass_through(f"delete {kind}/{name}")
        self.writes.append(f"delete {kind}/{name}")
        found = self.objects.get((kind, namespace or "", name))
        if found is None:
            return
        if kind == "Namespace" or found["metadata"].get("finalizers"):
            found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        else:
            del self.objects[kind, namespace or "", name]

    def patch_status(self, api_version: str, kind: str, name: str, status: Object) -> Object:
        self._switch.pass_through(f"status {kind}/{name}")
        found = self._find(kind, None, name)
        found["status"] = merged(found["status"], status)
        self.touch(found)
        self.writes.append(f"status {name}")
        return copy.deepcopy(found)

    def patch_json(self, api_version: str, kind: str, name: str, operations: Sequence[Object]) -> None:
        self._switch.pass_through(f"patch {kind}/{name}")
        found = self._find(kind, None, name)
        for operation in operations:
            *path, last = [part.replace("~1", "/") for part in operation["path"].strip("/").split("/")]
            where: Any = found
            for part in path:
                where = where[int(part) if isinstance(where, list) else part]
            index: Any = int(last) if isinstance(where, list) else last
            if operation["op"] == "test" and where[index] != operation["value"]:
                raise Fault("CONFLICT", "changed meanwhile")
            if operation["op"] == "add":
                where[index] = operation["value"]
            if operation["op"] == "remove":
                del where[index]
        self.touch(found)
        metadata = found["metadata"]
        if metadata.get("deletionTimestamp") and not metadata.get("finalizers"):
            del self.objects[kind, "", name]

    def create(self, manifest: Object) -> None:
        self._switch.pass_through(f"create {manifest['kind']}")
        if manifest["kind"] == "Event":
            self.events.append(manifest)
        elif _key(manifest) in self.objects:
            raise Fault("CONFLICT", "already exists")
        else:
            self.put(manifest)

    def finish_namespace(self, name: str) -> None:
        """What the namespace controller does."""
        for key in [key for key in self.objects if key[1] == name]:
            del self.objects[key]
        del self.objects["Namespace", "", name]

    def find(self, kind: str, namespace: str = "") -> Sequence[Object]:
        return [item for (of, inside, _), item in self.objects.items() if of == kind and inside == namespace]

    def _find(self, kind: str, namespace: str | None, name: str) -> Object:
        try:
            return self.objects[kind, namespace or "", name]
        except KeyError:
            raise Gone(f"{kind}/{name}") from None

    def touch(self, found: Object) -> None:
        """Whatever changed of it, it is another version."""
        self.version += 1
        found["metadata"]["resourceVersion"] = str(self.version)


def merged(target: Any, patch: Any) -> Any:
    """A merge patch, as RFC 7386 has it: what is not named stays, however deep it is."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    made = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            made.pop(key, None)
        else:
            made[key] = merged(made.get(key), value)
    return made


def _applied_metadata(found: Object, manifest: Object) -> Object:
    """Annotations that the manifest does not state are somebody else's, and stay."""
    metadata = copy.deepcopy(manifest["metadata"])
    kept = found["metadata"].get("annotations") or {}
    return metadata | {"annotations": kept | (metadata.get("annotations") or {})}


def _key(manifest: Object) -> tuple[str, str, str]:
    return manifest["kind"], manifest["metadata"].get("namespace", ""), manifest["metadata"]["name"]
