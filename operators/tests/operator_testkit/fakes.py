"""An OpenBao, a PostgreSQL and a catalogue in memory, each able to fail on demand, and a world of all fakes."""

import copy
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from domicile_operator.cache_logins import CacheUser
from domicile_operator.cell import Cell
from domicile_operator.conditions import PLACED
from domicile_operator.decide import Placed
from domicile_operator.errors import Refused
from domicile_operator.names import API_VERSION, KIND, Names
from domicile_operator.plan import LawAhead, RulesInForce
from domicile_operator.spec import TenantSpec
from domicile_operator.world import World

from operator_testkit.fake_kube import FakeKube, Object, Switch

IMAGE = "registry.test/casino:0.1.0-abc1234"
BACKUP_IMAGE = "registry.test/casino-backup:0.1.0-abc1234"


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
