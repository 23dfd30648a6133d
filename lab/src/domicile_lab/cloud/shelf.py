"""What moto lacks: operations that shelves/ describes, answered from a store in this process.

A family of operations is about records of one kind. A record is the parameters that made it and what the service would
have added, kept by account and region; the operations create, change, find, list and delete records, and the answer is
written in the service's own wire format by its model.
"""

from __future__ import annotations

import copy
import json
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from moto.core.serialize import get_serializer_class

from domicile_lab.cloud.http import Answer
from domicile_lab.cloud.operations import Operation
from domicile_lab.cloud.refusals import Told, error
from domicile_lab.cloud.shelf_families import Family, Task, load_families
from domicile_lab.cloud.shelf_hooks import HOOKS
from domicile_lab.cloud.shelf_parents import REQUIRED
from domicile_lab.cloud.shelf_records import Place, Record, ShelfError


class Shelf:
    """The store, and the operations on it. One for the whole cloud: a record is kept by its account and region."""

    def __init__(self, families: Iterable[Family] | None = None) -> None:
        self.families = tuple(load_families() if families is None else families)
        self._by_operation = {(one.service, name): one for one in self.families for name in one.tasks}
        self._records: dict[tuple[str, str, Place], list[Record]] = {}
        self._lock = threading.RLock()

    def has(self, service: str, operation: str) -> bool:
        return (service, operation) in self._by_operation

    def serve(self, operation: Operation, place: Place) -> Answer | None:
        """The answer to an operation of the shelf; None where it is not one, so that moto answers it."""
        try:
            with self._lock:
                answer: Mapping[str, Any] | None
                if family := self._by_operation.get((operation.service, operation.name)):
                    answer = self._do(family, family.tasks[operation.name], operation, place)
                else:
                    answer = self._tagging(operation, place)
                return None if answer is None else _serialised(operation, copy.deepcopy(answer))
        except ShelfError as failed:
            return _error(operation, failed)

    def records(self, service: str, family: str, place: Place) -> list[Record]:
        """The records of a family in an account and region: the store's own, not copies."""
        return self._records.setdefault((service, family, place), [])

    def note(self, operation: Operation, place: Place, answer: Answer) -> None:
        """Keep what a shelf's file wants kept of an operation that moto has done."""
        for family in self.families:
            if family.service == operation.service and operation.name in family.noted and answer.status < 300:
                told = {"parameters": operation.parameters, "answer": json.loads(answer.body or b"{}")}
                with self._lock:
                    record = dict(family.noted[operation.name].search(told))
                    _fill(record, family.set, place)
                    self.records(family.service, family.name, place).append(record)

    def everywhere(self, service: str, family: str) -> list[tuple[Place, Record]]:
        """The records of a family in all accounts and regions, with where each is."""
        with self._lock:
            kept = [
                (place, rows)
                for (one, other, place), rows in self._records.items()
                if (one, other) == (service, family)
            ]
            return [(place, record) for place, rows in kept for record in rows]

    def _do(self, family: Family, task: Task, operation: Operation, place: Place) -> Mapping[str, Any]:
        given = {task.rename.get(name, name): one for name, one in operation.parameters.items() if one is not None}
        if task.do == "answer":
            return _answer(task, given)
        members = dict(task.record.search(given) or {}) if task.record is not None else given
        members = {name: copy.deepcopy(value) for name, value in members.items() if value is not None}
        named = {name: one for name in family.key if (one := members.get(name, given.get(name))) is not None}
        if task.do == "list" and task.record is not None:
            named = members
        records = self.records(family.service, family.name, place)
        found = [one for one in records if all(one.get(name) == value for name, value in named.items())]
        if task.do == "list" or (task.do == "describe" and (found or not named)):
            return _answer(task, found)
        if task.do in ("create", "put") or (task.do == "alter" and not found):
            return _answer(task, self._make(family, task, members, found, place))
        if family.key and not named:
            raise ShelfError("ValidationException", f"{operation.name} says of no {family.name} which one it is about.")
        if not found:
            if task.otherwise is not None:
                return _answer(task, {**given, **task.otherwise})
            raise ShelfError(family.missing, f"No {family.name} found for {_words(named)}.")
        record = found[0]
        if task.do in ("update", "alter"):
            _merge(record, members)
        if task.do == "delete":
            self._require_free(family, record, place)
        _run(task.hook, record, given, place)
        if task.do == "delete":
            self._remove(family, record, place)
        return _answer(task, record)

    def _make(self, family: Family, task: Task, members: Record, found: list[Record], place: Place) -> Record:
        if family.requires is not None and (lack := REQUIRED[family.requires](members, place, self.records)):
            raise ShelfError(*lack)
        records = self.records(family.service, family.name, place)
        record: Record = {**copy.deepcopy(dict(family.default)), **members}
        if task.do == "put":
            for old in found if family.key else records[:]:
                records.remove(old)
                record = {name: old[name] for name in family.set if name in old} | record
        _fill(record, family.set, place)
        if task.do == "create" and family.key and any(_alike(one, record, family.unique) for one in records):
            raise ShelfError(family.exists, f"{family.name} already exists: {_words(_named(family, record))}.")
        _run(family.hook, record, members, place)
        records.append(record)
        for other, hook in task.then.items():
            added = next(one.set for one in self.families if (one.service, one.name) == (family.service, other))
            for more in HOOKS[hook](record, members, place):
                _fill(more, added, place)
                self.records(family.service, other, place).append(more)
        return record

    def _require_free(self, family: Family, record: Record, place: Place) -> None:
        for name, hold in family.held.items():
            if any(_alike(one, record, hold["by"]) for one in self.records(family.service, name, place)):
                raise ShelfError(hold["error"], f"The {family.name} still has a {name}.")

    def _remove(self, family: Family, record: Record, place: Place) -> None:
        for name, by in family.below.items():
            rest = [one for one in self.records(family.service, name, place) if not _alike(one, record, by)]
            self._records[family.service, name, place] = rest
        self.records(family.service, family.name, place).remove(record)

    def _tagging(self, operation: Operation, place: Place) -> Mapping[str, Any] | None:
        """Tags of a record by its ARN; None where no record has it, for moto knows it then or nobody does."""
        given = {name.lower(): value for name, value in operation.parameters.items()}
        arn = next((given[name] for name in ("resourcearn", "resourcename") if isinstance(given.get(name), str)), None)
        verb = operation.name
        if arn is None or not verb.startswith(("Tag", "Untag", "AddTags", "RemoveTags", "ListTags")):
            return None
        for family in self.families:
            if family.service != operation.service or family.arn is None or family.tags is None:
                continue
            for record in self.records(family.service, family.name, place):
                if record.get(family.arn) == arn:
                    _tag(record, family.tags, verb, given)
                    return _tags_answer(operation, _as_map(record.get(family.tags)))
        return None


def _tag(record: Record, name: str, verb: str, given: Mapping[str, Any]) -> None:
    """Change a record's tags, in the form in which it has them."""
    tags = _as_map(record.get(name))
    if verb.startswith(("Tag", "AddTags")):
        tags |= _as_map(given.get("tags") or given.get("resourcetags"))
    elif verb.startswith(("Untag", "RemoveTags")):
        gone = given.get("tagkeys") or given.get("resourcetagkeys") or ()
        tags = {key: value for key, value in tags.items() if key not in gone}
    record[name] = tags if isinstance(record.get(name), Mapping) else _as_list(tags)


def _tags_answer(operation: Operation, tags: Mapping[str, str]) -> Mapping[str, Any]:
    """The tags under the name and in the form that the operation's model has for them."""
    shape = operation.model.output_shape if operation.model is not None else None
    members = shape.members if shape is not None else {}
    return {
        name: dict(tags) if member.type_name == "map" else _as_list(tags)
        for name, member in members.items()
        if name.lower() in ("tags", "taglist", "resourcetags")
    }


def _as_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _as_map(tags: Any) -> dict[str, str]:
    if isinstance(tags, Mapping):
        return dict(tags)
    return {one["Key"]: one.get("Value", "") for one in tags or ()}


def _named(family: Family, record: Mapping[str, Any]) -> dict[str, Any]:
    return {name: record.get(name) for name in family.key}


def _alike(one: Record, other: Record, members: str) -> bool:
    """Whether two records have the same values of these members, whose names stand with spaces between."""
    return all(one.get(member) == other.get(member) for member in members.split())


def _words(named: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in named.items()) or "this account and region"


def _fill(record: Record, added: Mapping[str, Any], place: Place) -> None:
    """Add what the service adds: text with {names}, "=now", or a value as it is; what is there already stays."""
    fresh = {
        "account": place.account,
        "region": place.region,
        "uuid": str(uuid.uuid4()),
        "id": uuid.uuid4().hex[:17],
    }
    for name, value in added.items():
        if record.get(name) is not None:
            continue
        if value == "=now":
            record[name] = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
        elif isinstance(value, str) and "{" in value:
            record[name] = value.format_map({**record, **fresh})
        else:
            record[name] = copy.deepcopy(value)


def _merge(record: Record, members: Mapping[str, Any]) -> None:
    for name, value in members.items():
        if isinstance(value, dict) and isinstance(record.get(name), dict):
            _merge(record[name], value)
        else:
            record[name] = value


def _run(hook: str | None, record: Record, given: Mapping[str, Any], place: Place) -> None:
    if hook is not None:
        HOOKS[hook](record, given, place)


def _answer(task: Task, value: Any) -> Mapping[str, Any]:
    if task.answer is None:
        return {}
    answer = task.answer.search(value)
    return answer if isinstance(answer, Mapping) else {}


def _serialised(operation: Operation, answer: Mapping[str, Any]) -> Answer:
    assert operation.model is not None
    serializer: Callable[..., Any] = get_serializer_class(operation.service, operation.protocol)
    response = serializer(operation.model).serialize(answer)
    body = response["body"]
    headers = {name: str(value) for name, value in response["headers"].items()}
    return Answer(response["status_code"], body.encode() if isinstance(body, str) else body, headers)


def _error(operation: Operation, failed: ShelfError) -> Answer:
    status = 400
    if operation.model is not None:
        shape = operation.model.service_model.shape_for_error_code(failed.code)
        status = shape.metadata.get("error", {}).get("httpStatusCode", 400) if shape is not None else 400
    return error(operation.protocol, operation.signing, status, Told(failed.code, str(failed)))
