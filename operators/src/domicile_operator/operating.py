"""The record of what may be done, kept through one pass: for every tenant that was ever built, refused or not.

It is written before anything else of the pass. A suspension must take effect while OpenBao is sealed, PostgreSQL is
away or the cell's description cannot be read.
"""

from collections.abc import Mapping
from dataclasses import replace

from domicile_catalog import State

from domicile_operator import pods_seen
from domicile_operator.clients.kube import Object
from domicile_operator.conditions import OPERATION_IN_FORCE, READY, Condition, Status, timestamp
from domicile_operator.drift import stamp
from domicile_operator.errors import Fault, Gone
from domicile_operator.manifests.operation import FILE, operation_map
from domicile_operator.names import (
    FIELD_MANAGER,
    LABEL_JURISDICTION,
    LABEL_MANAGED_BY,
    LABEL_PLACE,
    LABEL_TENANT,
    MARK_ONBOARDED,
    MARK_REVISION,
    OPERATION,
    Names,
)
from domicile_operator.operation import (
    TOLD_LIMIT,
    Operation,
    Record,
    Sources,
    from_fields,
    from_json,
    must_be_reopened,
    operate,
    revise,
)
from domicile_operator.ownership import ours
from domicile_operator.pods_seen import Seen
from domicile_operator.status import Findings
from domicile_operator.world import World

OPENED = frozenset(State)
"""States that only a tenant has whose onboarding was complete once."""


class Operating:
    """One tenant's record in one pass. `record` is what holds now, None for a tenant that was never built."""

    def __init__(self, tenant: Object, names: Names, world: World) -> None:
        status = tenant.get("status") or {}
        self._told: Mapping[str, object] = status.get("operation") or {}
        self._state: str | None = status.get("state")
        self._names, self._world = names, world
        self._reopen = self._written = False
        self.onboarded = False
        """Whether the namespace bears the mark of it, by the last `keep` that wrote."""
        self.record: Record | None = None

    def keep(
        self,
        sources: Sources,
        *,
        building: bool = True,
        onboarded: bool = False,
        given_out: int = 0,
        write: bool = True,
    ) -> Record | None:
        """Write the record where it changes. Gives what stands then, or, where the tenant is `building`, what is to
        stand once it has a namespace.

        `onboarded`: everything is in place. `given_out`: a revision that some pod has seen. Without `write` it is only
        said what would be written. Raises Fault.
        """
        now, namespace = self._world.now(), self._namespace()
        if namespace is None and not building:
            return None
        marks = (namespace or {}).get("metadata", {}).get("annotations") or {}
        standing, told = self._standing() if namespace else None, from_fields(self._told, "playUntil")
        if namespace is not None and standing is None:
            given_out = max(given_out, self._shown())
        before = _last(standing, told)
        states = {self._state, before.state if before else None}
        onboarded = onboarded or MARK_ONBOARDED in marks or bool(states & OPENED)
        operation = operate(sources, onboarded=onboarded, before=before, now=now)
        if operation is None:
            return None
        self._reopen = must_be_reopened(sources, before, now)
        given_out = max(given_out, _number(marks.get(MARK_REVISION)), told.revision if told else 0)
        record = revise(operation, standing, given_out)
        if not write:
            return record
        if namespace is not None:
            # The number first: whatever fails after it, no revision is ever given to two contents.
            due = {MARK_REVISION: str(record.revision)} | ({MARK_ONBOARDED: timestamp(now)} if onboarded else {})
            self._mark(namespace, {key: value for key, value in due.items() if _stale(marks, key, value)})
            if record != standing:
                # As the child applies it (keeping.py), so that the one does not find the other's writing to be drift.
                self._world.kube.apply(stamp(operation_map(self._names, _labels(self._names, namespace), record)))
        self.record, self._written = record, namespace is not None
        self.onboarded = onboarded and self._written
        return record

    def look(self) -> None:
        """See what stands, and write nothing: of a tenant whose plan is asked for."""
        self.record = self._standing() if self._namespace() else None

    def tell(self, sources: Sources, seen: Seen | Fault, found: Findings) -> Status:
        """Say what holds, and since when. A pod that has seen a later revision gets one later still.

        Gives the status of OperationInForce. Raises Fault.
        """
        if self.record is None:
            nothing = "No record of what may be done has been written: nothing was built."
            found.conditions.append(Condition(OPERATION_IN_FORCE, "False", "NoRecord", nothing))
            return "False"
        if self._written and _highest(seen) > self.record.revision:
            self.keep(sources, given_out=_highest(seen))
        found.state = state = self.record.operation.state
        condition = pods_seen.judge_operation(self.record, seen, reopen=self._reopen)
        found.conditions.append(condition)
        if any(one.type == READY and one.status == "True" for one in found.conditions) and state != State.LIVE:
            said = f"{self.record.operation.reason} Players reach it at {found.url}"
            found.conditions.append(Condition(READY, "True", state, said))
        if self._written:
            # What no namespace holds yet is given another number by the next pass, and told by that.
            found.operation = self._status(self.record, in_force=condition.status == "True")
        return condition.status

    def _status(self, record: Record, *, in_force: bool) -> Object:
        operation = record.operation
        told = self._told if self._told.get("revision") == record.revision else {}
        since = told.get("since") or (timestamp(self._world.now()) if in_force else None)
        until = timestamp(operation.play_until) if operation.play_until else None
        whole = {"revision": record.revision, "acts": sorted(operation.acts), "playUntil": until, "since": since}
        return {key: value for key, value in whole.items() if value is not None}

    def _namespace(self) -> Object | None:
        """The tenant's namespace, where it has one that stays."""
        try:
            found = self._world.kube.get("v1", "Namespace", self._names.namespace)
        except Gone:
            return None
        return found if ours(found, self._names) and not found["metadata"].get("deletionTimestamp") else None

    def _standing(self) -> Record | None:
        try:
            found = self._world.kube.get("v1", "ConfigMap", OPERATION, self._names.namespace)
        except Gone:
            return None
        return from_json((found.get("data") or {}).get(FILE, ""))

    def _shown(self) -> int:
        """The highest revision that a pod shows, where nothing else may know it any more."""
        try:
            return _highest(pods_seen.ask(self._names, self._world))
        except Fault:
            return 0

    def _mark(self, namespace: Object, marks: Mapping[str, str]) -> None:
        if not marks:
            return
        metadata, path = namespace["metadata"], "/metadata/annotations"
        operations: list[Object] = [
            {"op": "add", "path": f"{path}/{key.replace('/', '~1')}", "value": value} for key, value in marks.items()
        ]
        if not metadata.get("annotations"):
            # The version is tested: an annotation that somebody else put on since must not be lost.
            version = {"op": "test", "path": "/metadata/resourceVersion", "value": metadata["resourceVersion"]}
            operations = [version, {"op": "add", "path": path, "value": dict(marks)}]
        self._world.kube.patch_json("v1", "Namespace", metadata["name"], operations)


def _last(standing: Record | None, told: Record | None) -> Operation | None:
    """What was written last, by the ConfigMap and by the status. Of one revision the status's word counts, which nobody
    but the operator writes: no edit of a ConfigMap undoes that play has ended."""
    if standing is None or told is None:
        last = standing or told
        return last.operation if last else None
    if told.revision < standing.revision:
        return standing.operation
    return replace(standing.operation, acts=told.operation.acts, play_until=told.operation.play_until)


def _highest(seen: Seen | Fault) -> int:
    """The highest revision that a pod shows; 0 where none does."""
    return 0 if isinstance(seen, Fault) else max((one.operation or 0 for one in seen.told), default=0)


def _stale(marks: Mapping[str, str], key: str, value: str) -> bool:
    """The day of the onboarding stays; the number follows."""
    return key not in marks or (key == MARK_REVISION and marks[key] != value)


def _labels(names: Names, namespace: Object) -> dict[str, str]:
    """The labels that all children carry, as the namespace has them."""
    found = namespace["metadata"].get("labels", {})
    kept = {key: found[key] for key in (LABEL_JURISDICTION, LABEL_PLACE) if key in found}
    return kept | {LABEL_TENANT: names.tenant, LABEL_MANAGED_BY: FIELD_MANAGER}


def _number(text: str | None) -> int:
    """A revision as an annotation has it; 0 for anything else."""
    plain = text is not None and text.isascii() and text.isdecimal() and len(text) < len(str(TOLD_LIMIT))
    return int(text) if text and plain else 0
