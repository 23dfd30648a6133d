"""The cluster as the watches show it: every object of a tenant, in the version that was seen last.

It lets a pass read without asking, and skip an apply that would change nothing. Nothing is decided here, and nothing is
believed that the API server has not said: an object comes from a watch's event, from a whole list, or from the answer
to a write of this process, the highest version wins, and what is not in it is asked for.
"""

import hashlib
import json
import sys
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from domicile_operator.clients.kube import Claim, Object, claim_of
from domicile_operator.names import BACKUP_KIND, KIND, LABEL_TENANT
from domicile_operator.plan import digest
from domicile_operator.releases.fleet import Standing, standing_of

Key = tuple[str, str, str]
"""Kind, namespace (empty for what has none) and name."""

GRAVES = 20_000
"""How many deleted objects are remembered, so that an answer from before the deletion does not bring one back."""
UNSTATED = ("resourceVersion", "generation", "selfLink")


@dataclass(frozen=True, slots=True)
class Seen:
    """One object: its version, the mark of what is stated in it, and itself, packed. A tenant has some twenty, of two
    to six kilobytes each as JSON and a fifth of that packed."""

    tenant: str
    version: int
    mark: str
    packed: bytes


class View:
    """May be used from several threads. `live` says whether the watches are to be believed; while they are not, nothing
    is known, and everything is asked for."""

    def __init__(self, live: Callable[[], bool] = lambda: True) -> None:
        self.live = live
        self._lock = threading.Lock()
        self._seen: dict[str, dict[str, dict[str, Seen]]] = {}
        self._graves: dict[Key, int] = {}
        self._applied: dict[str, dict[str, str]] = {}
        self._claims: dict[str, Claim] = {}
        self._standings: dict[str, Standing] = {}
        self._whole: set[str] = set()

    def event(self, kind: str, found: Object, *, deleted: bool = False) -> bool:
        """What a watch or a list shows. Gives whether it is news: the echo of a write of ours is none."""
        key, version = key_of(kind, found), version_of(found)
        if deleted:
            with self._lock:
                known = self._at(key)
                if known is None or known.version <= version:
                    self._bury(key, version)
            return True
        made = _see(kind, found)
        with self._lock:
            news = self._put(key, made)
            if news and kind == KIND:
                self._claims[key[2]] = claim_of(found)
                self._standings[key[2]] = standing_of(found)
            return news

    def wrote(self, kind: str, answer: Object, manifest: str = "") -> None:
        """The API server's answer to a write. `manifest` is the digest of what was applied: the same again need not be
        said while the object stands as it does now."""
        if not belongs(kind, answer):
            return
        key, made = key_of(kind, answer), _see(kind, answer)
        with self._lock:
            known = self._at(key)
            if not manifest and (known is None or known.mark != made.mark):
                # Somebody else's edit came with it, and its event has to be news.
                return
            if self._put(key, made) and kind == KIND:
                self._standings[key[2]] = standing_of(answer)
            if manifest:
                self._applied.setdefault(home(key), {})[label(key)] = token(manifest, made.mark)

    def forget(self, key: Key) -> None:
        """It was changed in a way whose answer does not show it whole: ask for it until its event comes."""
        with self._lock:
            self._seen.get(key[0], {}).get(key[1], {}).pop(key[2], None)

    def get(self, key: Key) -> Object | None:
        """The object; None where it has to be asked for."""
        with self._lock:
            found = self._at(key) if self.live() else None
        return unpack(found.packed) if found else None

    def standing(self, key: Key, manifest: str) -> Object | None:
        """The object, if applying the manifest of that digest would change nothing of it."""
        with self._lock:
            found = self._at(key) if self.live() else None
            known = self._applied.get(home(key), {}).get(label(key))
        return unpack(found.packed) if found and known == token(manifest, found.mark) else None

    def remember(self, namespace: str, applied: Mapping[str, str]) -> None:
        """What a tenant's status says of applies by a process before this one."""
        with self._lock:
            self._applied[namespace] = {**applied, **self._applied.get(namespace, {})}

    def applied(self, namespace: str) -> dict[str, str]:
        """What need not be applied again in a namespace, and of it, for the tenant's status."""
        with self._lock:
            known = self._applied.get(namespace, {})
            return {one: known[one] for one in sorted(known) if self._at(_key(one, namespace))}

    def listed(self, kind: str, pages: Iterable[tuple[int, Sequence[Object]]]) -> set[str]:
        """A whole list, part by part with its version: what it lacks is gone. Gives the tenants of whose objects it was
        news."""
        keys, news, version = set[Key](), set[str](), 0
        for version, items in pages:  # noqa: B007  the version of all parts is one
            for item in items:
                keys.add(key_of(kind, item))
                if self.event(kind, item):
                    news.add(tenant_of(kind, item))
        with self._lock:
            for key, seen in list(self._of(kind)):
                if key not in keys and seen.version <= version:
                    news.add(seen.tenant)
                    self._bury(key, version)
            self._whole.add(kind)
        return news

    def doubt(self, kind: str) -> None:
        """A watch begins anew with a list, which tells nothing of what went meanwhile: until `listed`, lists are asked
        for."""
        with self._lock:
            self._whole.discard(kind)

    @property
    def whole(self) -> frozenset[str]:
        """Kinds of which everything was seen."""
        with self._lock:
            return frozenset(self._whole)

    def claims(self) -> list[Claim] | None:
        """Of all tenants; None where not all were seen. Kept, for unpacking each to hear of its domains takes long."""
        with self._lock:
            return list(self._claims.values()) if KIND in self._whole and self.live() else None

    def standings(self) -> list[Standing] | None:
        """Of all tenants, kept as claims are."""
        with self._lock:
            return list(self._standings.values()) if KIND in self._whole and self.live() else None

    def list(self, kind: str, namespace: str | None = None, tenant: str | None = None) -> list[Object] | None:
        """All objects of a kind, or those of a tenant; None where not all of them were seen."""
        with self._lock:
            if kind not in self._whole or not self.live():
                return None
            found = [seen.packed for _, seen in self._of(kind, namespace) if tenant in (None, seen.tenant)]
        return [unpack(packed) for packed in found]

    def _of(self, kind: str, namespace: str | None = None) -> Iterator[tuple[Key, Seen]]:
        spaces = self._seen.get(kind, {})
        for where in spaces if namespace is None else [namespace] if namespace in spaces else []:
            for name, seen in spaces[where].items():
                yield (kind, where, name), seen

    def _at(self, key: Key) -> Seen | None:
        return self._seen.get(key[0], {}).get(key[1], {}).get(key[2])

    def _put(self, key: Key, made: Seen) -> bool:
        known = self._at(key)
        if made.version <= max(known.version if known else 0, self._graves.get(key, 0)):
            return False
        self._graves.pop(key, None)
        self._seen.setdefault(key[0], {}).setdefault(key[1], {})[key[2]] = made
        return True

    def _bury(self, key: Key, version: int) -> None:
        if key[0] == KIND:
            self._claims.pop(key[2], None)
            self._standings.pop(key[2], None)
        spaces = self._seen.get(key[0], {})
        spaces.get(key[1], {}).pop(key[2], None)
        if not spaces.get(key[1], True):
            del spaces[key[1]]
        applied = self._applied.get(home(key), {})
        applied.pop(label(key), None)
        if not applied:
            self._applied.pop(home(key), None)
        self._graves[key] = max(version, self._graves.pop(key, 0))
        while len(self._graves) > GRAVES:
            del self._graves[next(iter(self._graves))]


def key_of(kind: str, found: Object) -> Key:
    """The key of an object or a manifest."""
    return kind, found["metadata"].get("namespace") or "", found["metadata"]["name"]


def version_of(found: Object) -> int:
    """Versions of one kind can be compared: since Kubernetes 1.35 the API says so."""
    return int(found["metadata"].get("resourceVersion") or 0)


def tenant_of(kind: str, found: Object) -> str:
    """Whose an object is, by its label; a tenant is its own, and a backup says of whom it is in its spec."""
    metadata = found["metadata"]
    if kind == KIND:
        return str(metadata["name"])
    if kind == BACKUP_KIND:
        return str(found["spec"]["tenant"])
    return str((metadata.get("labels") or {}).get(LABEL_TENANT, ""))


def belongs(kind: str, found: Object) -> bool:
    """Whether the watches show it: only then is anybody told when it changes."""
    return bool(tenant_of(kind, found))


def mark(found: Object) -> str:
    """A digest of all that an apply could change or find changed: what is stated, and whose it is. Not of what
    controllers say of it in status, which moves all the time."""
    metadata = {key: value for key, value in found["metadata"].items() if key not in UNSTATED}
    owners = metadata.get("managedFields") or ()
    metadata["managedFields"] = [one for one in owners if one.get("subresource") != "status"]
    # A list brings its items without these two.
    kept = {key: value for key, value in found.items() if key not in ("status", "kind", "apiVersion")}
    text = json.dumps(kept | {"metadata": metadata}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def token(manifest: str, seen: str) -> str:
    """That a manifest was applied, and the object then was as marked."""
    return digest([manifest, seen], 16)


def home(key: Key) -> str:
    """The namespace that an object is in, or is."""
    return key[1] or key[2]


def label(key: Key) -> str:
    """How `status.applied` names an object."""
    return f"{key[0]}/{key[2]}"


def _key(spelt: str, namespace: str) -> Key:
    kind, _, name = spelt.partition("/")
    return kind, "" if kind == "Namespace" else namespace, name


def _see(kind: str, found: Object) -> Seen:
    return Seen(sys.intern(tenant_of(kind, found)), version_of(found), mark(found), pack(found))


def pack(found: Object) -> bytes:
    return zlib.compress(json.dumps(found, separators=(",", ":")).encode(), 1)


def unpack(packed: bytes) -> Object:
    found: Object = json.loads(zlib.decompress(packed))
    return found
