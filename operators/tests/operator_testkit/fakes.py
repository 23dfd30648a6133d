"""An API server, an OpenBao, a PostgreSQL and a catalogue in memory, each able to fail on demand."""

import copy
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from domicile_operator.cache_logins import CacheUser
from domicile_operator.cell import Cell
from domicile_operator.clients.kube import Claim, claim_of
from domicile_operator.conditions import PLACED
from domicile_operator.decide import Placed
from domicile_operator.errors import Fault, Gone, Refused
from domicile_operator.names import API_VERSION, BACKUP_KIND, FIELD_MANAGER, KIND, Names
from domicile_operator.plan import LawAhead, RulesInForce
from domicile_operator.releases.fleet import Standing, standing_of
from domicile_operator.spec import TenantSpec
from domicile_operator.world import World

Object = dict[str, Any]
IMAGE = "registry.test/casino:0.1.0-abc1234"
BACKUP_IMAGE = "registry.test/casino-backup:0.1.0-abc1234"


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


class FakeBao:
    """Paths and documents."""

    def __init__(self, switch: Switch) -> None:
        self.documents: dict[str, Object] = {}
        self.revoked: list[str] = []
        self.may_revoke = True
        self._switch = switch

    def ensure(self, path: str, data: Object) -> bool:
        self._switch.pass_through(f"bao {path}")
        changed = self.documents.get(path) != data
        self.documents[path] = data
        return changed

    def read(self, path: str) -> Object | None:
        self._switch.pass_through(f"bao read {path}")
        return copy.deepcopy(self.documents.get(path))

    def write(self, path: str, data: Object) -> None:
        self._switch.pass_through(f"bao {path}")
        if path.startswith("transit/keys/"):
            self._write_key(path, data)
        else:
            self.documents[path] = copy.deepcopy(data)

    def remove(self, path: str) -> None:
        self._switch.pass_through(f"bao remove {path}")
        self.documents.pop(path, None)
        self.documents.pop(path.replace("kv/metadata/", "kv/data/"), None)

    def revoke_leases(self, prefix: str) -> bool:
        self._switch.pass_through(f"bao revoke {prefix}")
        self.revoked.append(prefix)
        return self.may_revoke

    def _write_key(self, path: str, data: Object) -> None:
        """As OpenBao does: what is made already is not made again, and only `/config` changes it."""
        if path.endswith("/config"):
            self.documents[path.removesuffix("/config")] |= data
        else:
            self.documents.setdefault(path, data | {"deletion_allowed": False, "latest_version": 1})

    def login(self, role: str) -> tuple[str, str, float]:
        raise AssertionError("the fake database needs no login")


class FakeCacheUsers:
    """ElastiCache's users: what is asked of it is so when it has `settled`. Access strings are told in its own way."""

    def __init__(self, switch: Switch) -> None:
        self.users: dict[str, Object] = {}
        self.members: set[str] = set()
        self.busy = False
        self.instant = True
        self._switch = switch

    def find(self, name: str) -> CacheUser | None:
        self._switch.pass_through(f"cache find {name}")
        user = self.users.get(name)
        return CacheUser(user["status"], user["access"], name in self.members) if user else None

    def create(self, name: str, passwords: Sequence[str], access: str, tags: dict[str, str]) -> None:
        self._switch.pass_through(f"cache create {name}")
        assert name not in self.users and 1 <= len(passwords) <= 2, "UserAlreadyExists or InvalidParameterValue"
        self.users[name] = {"tags": tags}
        self._change(name, passwords, access, "creating")

    def change(self, name: str, passwords: Sequence[str], access: str) -> None:
        self._switch.pass_through(f"cache change {name}")
        assert self.users[name]["status"] == "active" and len(passwords) <= 2, "InvalidUserState"
        self._change(name, passwords or self.users[name]["passwords"], access, "modifying")

    def join(self, name: str) -> bool:
        self._switch.pass_through(f"cache join {name}")
        if not self.busy:
            self.members.add(name)
        return not self.busy

    def delete(self, name: str) -> None:
        self._switch.pass_through(f"cache delete {name}")
        self.users[name]["status"] = "deleting"

    def settle(self) -> None:
        """AWS has done what it was asked for."""
        for name, user in list(self.users.items()):
            if user["status"] == "deleting":
                del self.users[name]
                self.members.discard(name)
            user["status"] = "active"

    def _change(self, name: str, passwords: Sequence[str], access: str, status: str) -> None:
        told = access.replace("on ", "on resetchannels ", 1)
        self.users[name] |= {"passwords": tuple(passwords), "access": told, "status": status}
        if self.instant:
            self.users[name]["status"] = "active"


class FakeDatabases:
    """Which databases exist, and whether a login can reach them."""

    def __init__(self, switch: Switch) -> None:
        self.open: dict[str, bool] = {}
        self.former: set[str] = set()
        """Tenants whose casino still has a login that all modules share."""
        self._switch = switch

    def ensure(self, names: Names, licence: str) -> bool:
        self._switch.pass_through(f"sql ensure {names.database}")
        changed = not self.open.get(names.database)
        self.open[names.database] = True
        return changed

    def missing(self, names: Names, licence: str) -> tuple[str, ...]:
        self._switch.pass_through(f"sql missing {names.database}")
        return () if self.open.get(names.database) else (f'CREATE DATABASE "{names.database}"',)

    def serves_as_former(self, names: Names) -> bool:
        self._switch.pass_through(f"sql former {names.database}")
        return names.tenant in self.former

    def retire(self, names: Names, licence: str) -> None:
        self._switch.pass_through(f"sql retire {names.database}")
        if names.database in self.open:
            self.open[names.database] = False

    def drop(self, names: Names, licence: str) -> None:
        self._switch.pass_through(f"sql drop {names.database}")
        self.open.pop(names.database, None)


RULES = RulesInForce('{"schema": 1}\n', "d" * 64, "c" * 64)


class FakeRulebook:
    """Places everything in the first candidate, unless told otherwise."""

    def __init__(self) -> None:
        self.refusal: Refused | None = None
        self.attested = True
        self.rules = RULES
        self.ahead: LawAhead | None = None
        self.asked: list[tuple[str, ...]] = []

    def local_day(self, jurisdiction: str, cell: Cell, now: datetime) -> date:
        return now.date()

    def midnight(self, jurisdiction: str, cell: Cell, day: date) -> datetime:
        return datetime.combine(day, time(), tzinfo=UTC)

    def place(self, spec: TenantSpec, pinned: str | None, cell: Cell, today: date) -> Placed | Refused:
        candidates = (pinned,) if pinned else cell.places
        self.asked.append(tuple(candidates))
        warnings = () if self.attested else ("min_age is recalled.",)
        return self.refusal or Placed(candidates[0], self.attested, warnings, self.rules, ahead=self.ahead)

    def refuses_backup(self, spec: TenantSpec, place: str, cell: Cell, today: date) -> Refused | None:
        return None if place in cell.places[:1] else NOWHERE

    def law(self, cell: Cell, now: datetime) -> dict[str, str]:
        return {"cell": cell.name, "today": now.date().isoformat()}


NOWHERE = Refused("NO_PLACE_IN_TERRITORY", "It must rest at home. Law: an act. Add a site.", PLACED)


class Clock:
    """An aware time that moves when told."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


class Fakes:
    """One world of fakes, with the levers to move it."""

    def __init__(self, cell: Cell) -> None:
        self.switch, self.clock, self.rulebook = Switch(), Clock(), FakeRulebook()
        self.kube, self.bao, self.databases = FakeKube(self.switch), FakeBao(self.switch), FakeDatabases(self.switch)
        self.cache_users = FakeCacheUsers(self.switch)
        self.cell, self.image, self.backup_image = cell, IMAGE, BACKUP_IMAGE
        self.pods: dict[str, str] = {}
        """What each pod plays by, by its address."""
        self.operation: dict[str, tuple[int, int]] = {}
        """The revision that each holds to and the barrier that it has seen passed, likewise."""
        self.figures = ""
        """What each of them shows beside that."""

    @property
    def world(self) -> World:
        return World(
            self.kube,
            self.bao,
            self.databases,
            lambda _: self.cache_users,
            self.rulebook,
            lambda: self.cell,
            self.image,
            self.pod_metrics,
            self.clock,
            self.backup_image,
        )

    def pod_metrics(self, address: str) -> str:
        self.switch.pass_through(f"metrics {address}")
        if not self.pods[address]:
            raise TimeoutError
        said = f'casino_rules_in_force{{catalogue="c",digest="{self.pods[address]}"}} 1.0\n'
        if address in self.operation:
            revision, barrier = self.operation[address]
            said += f"casino_operation_revision {revision}.0\ncasino_operation_barrier_passed {barrier}.0\n"
        return said + self.figures

    def run_pods(self, **pods: str) -> None:
        """Pods of the casino that are ready, each with the digest that it plays by; empty for one that is silent."""
        self.pods = {f"10.0.0.{at}": digest for at, digest in enumerate(pods.values())}
        self._endpoints("casino", list(self.pods))

    def follow(self, *api: tuple[int, int], worker: Sequence[tuple[int, int]] = ()) -> None:
        """Ready pods of the casino and of its worker, each with the revision that it holds to and the barrier that it
        has seen passed."""
        self.operation = {
            f"10.0.{kind}.{at}": told for kind, of in enumerate((api, worker)) for at, told in enumerate(of)
        }
        self.pods = dict.fromkeys(self.operation, "d" * 64)
        for kind, service in enumerate(("casino", "casino-worker")):
            self._endpoints(service, [address for address in self.pods if address.startswith(f"10.0.{kind}.")])

    def _endpoints(self, service: str, addresses: Sequence[str]) -> None:
        labels = {"kubernetes.io/service-name": service}
        metadata = {"name": f"{service}-1", "namespace": "casino-acme-gb", "labels": labels}
        made = {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": metadata}
        self.kube.put(made)["endpoints"] = [{"addresses": [one], "conditions": {"ready": True}} for one in addresses]

    def record(self) -> Object:
        """operation.json as it is in the cluster; empty where there is none."""
        found = self.kube.objects.get(("ConfigMap", "casino-acme-gb", "casino-operation"))
        written: Object = json.loads(found["data"]["operation.json"]) if found else {}
        return written

    def tenant(self, name: str = "acme-gb") -> Object:
        return self.kube.objects[KIND, "", name]

    def exists(self, name: str = "acme-gb") -> bool:
        return (KIND, "", name) in self.kube.objects

    def condition(self, kind: str, name: str = "acme-gb") -> Object:
        return next((c for c in self.tenant(name)["status"].get("conditions", []) if c["type"] == kind), {})

    def delete(self, name: str = "acme-gb") -> None:
        self.kube.delete(API_VERSION, KIND, name)

    def finish_migration(self, failed: bool = False) -> None:
        for job in self.kube.find("Job", "casino-acme-gb"):
            now = self.clock.now.strftime("%Y-%m-%dT%H:%M:%SZ")
            kind = "Failed" if failed else "Complete"
            job["status"] = {"conditions": [{"type": kind, "status": "True", "lastTransitionTime": now}]}

    def roll_out(self) -> None:
        """What controllers do in a moment: autoscalers keep to their least, and every pod is ready."""
        for scaler in self.kube.find("HorizontalPodAutoscaler", "casino-acme-gb"):
            target, least = scaler["spec"]["scaleTargetRef"]["name"], scaler["spec"]["minReplicas"]
            found = self.kube.objects.get(("Deployment", "casino-acme-gb", target))
            if found is not None and found["spec"]["replicas"] < least:
                self.kube.scale(target, "casino-acme-gb", least)
        for found in self.kube.find("Deployment", "casino-acme-gb"):
            n = found["spec"]["replicas"]
            found["status"] = {
                "observedGeneration": found["metadata"]["generation"],
                "replicas": n, "updatedReplicas": n, "availableReplicas": n,
            }  # fmt: skip


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
