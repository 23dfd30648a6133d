"""Makes, reads, changes and removes resources as their entries say. All calls to the cloud go out from here."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from typing import Any, Final

import botocore.exceptions
import jmespath  # type: ignore[import-untyped]

from domicile_lab.providers.aws.cloud import Scoped, code_of, describe
from domicile_lab.providers.aws.entry import Entry, is_gone, overlay, render
from domicile_lab.providers.aws.model import Call, Custom, Facts, Read
from domicile_lab.providers.aws.shapes import put
from domicile_lab.providers.interface import ProviderError, Unfinished, Values

TIMEOUT: Final = 1800.0
"""Seconds that a resource may take to come up or go, where the program sets no timeout of its own."""
FAULTS: Final = (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError)


class Crud:
    """The four verbs for one entry in one region."""

    def __init__(self, entry: Entry, cloud: Scoped, default_tags: dict[str, str], stop: threading.Event) -> None:
        self._entry = entry
        self._cloud = cloud
        self._default_tags = default_tags
        self._stop = stop

    def create(self, inputs: Values, timeout: float) -> tuple[str, Values]:
        """Make it and read it back. Raises Unfinished with the id once something exists."""
        entry, resource = self._entry, self._entry.resource
        facts = Facts("", inputs, {})
        tags = self._all_tags(inputs)
        try:
            if isinstance(resource.create, Call):
                request = entry.request(resource.create, facts, self._cloud)
                if resource.tags and resource.tags.create and tags:
                    request[resource.tags.create] = _tags(tags, resource.tags.form)
                answer = self._call(resource.create, request)
            else:
                answer = resource.create(self._cloud, facts)
        except FAULTS as fault:
            raise ProviderError(f"{resource.type} was not made: {describe(fault)}") from fault
        facts = Facts(self._id(answer, facts), inputs, {})
        try:
            self._complete(facts, tags)
            self._wait(facts, timeout)
            found = self.read(facts.id, inputs, {})
        except (*FAULTS, ProviderError) as fault:
            message = f"{resource.type} {facts.id} was made, but not completed: {_words(fault)}"
            # What there is, not what was wanted: the next update does what is missing.
            held = self._read_quietly(facts.id, inputs, {})
            raise Unfinished(message, facts.id, *(held[1:] if held else (inputs, dict(inputs)))) from fault
        if found is None:
            message = f"{resource.type} {facts.id} was made, but {resource.reads[0].operation} does not find it"
            raise Unfinished(message, facts.id, inputs, dict(inputs))
        return facts.id, overlay(inputs, found[2])

    def read(self, id_: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        """Id, inputs and outputs as they are in the cloud; None if it is gone."""
        entry, resource = self._entry, self._entry.resource
        facts = Facts(id_, {**self._parts(id_), **inputs}, outputs)
        state: Values = {}
        for number, read in enumerate(resource.reads):
            facts = Facts(id_, facts.inputs, {**outputs, **state})
            try:
                data = self._ask(read, facts)
            except FAULTS as fault:
                raise ProviderError(f"{resource.type} {id_} cannot be read: {describe(fault)}") from fault
            if data is None and number == 0:
                return None
            for key, value in entry.properties(read, data).items() if data is not None else ():
                state.setdefault(key, value)
            if read.tags is not None and data is not None:
                state.update(self._told_tags(data, inputs))
        facts = Facts(id_, facts.inputs, state)
        for key, template in resource.computed.items():
            value = render(template, facts, self._cloud)
            if isinstance(value, str | int | bool | list | dict):
                state.setdefault(key, value)
        if "region" in entry.schema.outputs:
            state["region"] = self._cloud.region
        state = {**self._parts(id_), **state}
        found = entry.inputs_of(state, inputs)
        told = {key: value for key, value in state.items() if not key.startswith("_")}
        return id_, found, overlay(found, told)

    def update(self, id_: str, old: Values, outputs: Values, inputs: Values, timeout: float) -> Values:
        """Change what differs between the cloud and the inputs, and read back.

        Where a creation was not completed the engine remembers the inputs that were wanted as the old ones, so what
        there is has to be asked for."""
        entry, resource = self._entry, self._entry.resource
        held = self.read(id_, old, outputs)
        if held is None:
            raise ProviderError(f"{resource.type} {id_} is gone: run `pulumi refresh`, and the same again")
        _, old, outputs = held
        changes = entry.changed(old, inputs)
        facts = Facts(id_, inputs, outputs, {key: value for key, value in old.items() if key in changes})
        try:
            for update in resource.updates:
                affected = [key for key in entry.takes_of(update) if key in changes]
                if not affected:
                    continue
                if isinstance(update, Custom):
                    update.run(self._cloud, Facts(id_, inputs, outputs, old))
                else:
                    props = None if update.whole else affected
                    self._call(update.call, entry.request(update.call, facts, self._cloud, props))
            before, after = self._all_tags(old), self._all_tags(inputs)
            if before != after:
                self._retag(facts, before, after)
            self._wait(facts, timeout)
            found = self.read(id_, inputs, outputs)
        except (*FAULTS, ProviderError) as fault:
            found = self._read_quietly(id_, old, outputs)
            message = f"{resource.type} {id_} was not changed, or not in full: {_words(fault)}"
            raise Unfinished(message, id_, found[1] if found else old, found[2] if found else outputs) from fault
        if found is None:
            raise ProviderError(
                f"{resource.type} {id_} went away while it was changed: refresh, and run the same again"
            )
        changed: Values = overlay(inputs, found[2])
        return changed

    def delete(self, id_: str, inputs: Values, outputs: Values, timeout: float) -> None:
        """Remove it; that it is gone already is no fault."""
        resource = self._entry.resource
        facts = Facts(id_, {**self._parts(id_), **inputs}, outputs)
        if resource.delete is None:
            return
        try:
            if isinstance(resource.delete, Call):
                self._call(resource.delete, self._entry.request(resource.delete, facts, self._cloud, ()))
            else:
                resource.delete(self._cloud, facts)
        except FAULTS as fault:
            if not is_gone(code_of(fault), resource.reads[0].gone) and self._exists(facts):
                raise ProviderError(f"{resource.type} {id_} was not removed: {describe(fault)}") from fault
        if resource.wait_gone:
            self._until(lambda: self._ask(resource.reads[0], facts) is None, timeout, f"{resource.type} {id_} to go")

    # Parts

    def _call(self, call: Call, request: Values) -> Values:
        try:
            answer: Values = self._cloud.call(call.service or self._entry.resource.service, call.operation, request)
        except botocore.exceptions.ClientError as fault:
            if code_of(fault) in call.ignore:
                return {}
            raise
        return answer

    def _ask(self, read: Read, facts: Facts) -> Any:
        """A read's object, with the tags of the answer under `__tags__`; None if there is none."""
        try:
            if callable(read.operation):
                answer = read.operation(self._cloud, facts)
            else:
                request = render(read.params, facts, self._cloud)
                answer = self._cloud.call(read.service or self._entry.resource.service, read.operation, request)
        except botocore.exceptions.ClientError as fault:
            if is_gone(code_of(fault), read.gone):
                return None
            raise
        data = self._entry.found(read, answer, facts)
        if data is not None and read.tags is not None and isinstance(data, dict):
            data = {**data, "__tags__": jmespath.search(read.tags, answer)}
        return data

    def _id(self, answer: Any, facts: Facts) -> str:
        template = self._entry.resource.id
        if callable(template):
            return template(answer, facts)
        if template.startswith("="):
            found = jmespath.search(template[1:], answer)
        else:
            found = render(template, facts, self._cloud)
        if not isinstance(found, str):
            raise ProviderError(f"{self._entry.resource.type}: the answer has no id at {template}: {answer!r}")
        return found

    def _parts(self, id_: str) -> Values:
        resource = self._entry.resource
        words = id_.split(resource.id_separator, len(resource.id_parts) - 1) if resource.id_parts else []
        return dict(zip(resource.id_parts, words, strict=False))

    def _complete(self, facts: Facts, tags: dict[str, str]) -> None:
        """What the create call had no parameter for."""
        entry, resource = self._entry, self._entry.resource
        taken = entry.takes(resource.create) if isinstance(resource.create, Call) else ()
        for update in resource.updates:
            if not update.on_create:
                continue
            given = [key for key in entry.takes_of(update) if facts.inputs.get(key) is not None and key not in taken]
            if not given:
                continue
            if isinstance(update, Custom):
                update.run(self._cloud, facts)
            else:
                self._call(update.call, entry.request(update.call, facts, self._cloud, None if update.whole else given))
        if tags and resource.tags and not (resource.tags.create and isinstance(resource.create, Call)):
            self._retag(facts, {}, tags)

    def _retag(self, facts: Facts, before: dict[str, str], after: dict[str, str]) -> None:
        tags = self._entry.resource.tags
        if tags is None:
            return
        if tags.whole:
            call, request = (tags.tag, {}) if after else (tags.untag, {})
            if call is None:
                return
            request = render(call.params, facts, self._cloud)
            if after:
                put(request, tags.tag_param, _tags(after, tags.form))
            self._call(call, request)
            return
        removed = [key for key in before if key not in after]
        if removed and tags.untag:
            names: list[Any] = [{"Key": key} for key in removed] if tags.untag_form == "pairs" else list(removed)
            self._call(tags.untag, {**render(tags.untag.params, facts, self._cloud), tags.untag_param: names})
        added = {key: value for key, value in after.items() if before.get(key) != value}
        if added and tags.tag:
            form = "list" if tags.form.startswith("spec:") else tags.form
            request = {**render(tags.tag.params, facts, self._cloud), tags.tag_param: _tags(added, form)}
            self._call(tags.tag, request)

    def _all_tags(self, inputs: Values) -> dict[str, str]:
        return {**self._default_tags, **(inputs.get("tags") or {})} if "tags" in self._entry.schema.inputs else {}

    def _told_tags(self, data: Any, inputs: Values) -> Values:
        found = _plain_tags(data.get("__tags__"))
        given = inputs.get("tags") or {}
        own = {key: value for key, value in found.items() if key in given or self._default_tags.get(key) != value}
        return {"tags": own, "tagsAll": found}

    def _wait(self, facts: Facts, timeout: float) -> None:
        resource = self._entry.resource
        wait = resource.wait
        if wait is None:
            return

        def ready() -> bool:
            status = jmespath.search(wait.path, self._ask(resource.reads[0], facts) or {})
            if status in wait.failed:
                raise ProviderError(f"it is {status}")
            return status in wait.ready

        self._until(ready, timeout, f"{resource.type} {facts.id} to be {' or '.join(wait.ready)}")

    def _until(self, done: Any, timeout: float, what: str) -> None:
        end, pause = time.monotonic() + (timeout or TIMEOUT), 0.1
        while not done():
            if time.monotonic() > end:
                raise ProviderError(f"waited {timeout or TIMEOUT:.0f} s for {what}")
            if self._stop.wait(pause):
                raise ProviderError(f"stopped while waiting for {what}")
            pause = min(pause * 1.6, 10.0)

    def _exists(self, facts: Facts) -> bool:
        try:
            return self._ask(self._entry.resource.reads[0], facts) is not None
        except FAULTS:
            return True

    def _read_quietly(self, id_: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        try:
            return self.read(id_, inputs, outputs)
        except ProviderError:
            return None


def _words(fault: Exception) -> str:
    return str(fault) if isinstance(fault, ProviderError) else describe(fault)


def _tags(tags: dict[str, str], form: str) -> Any:
    """Tags in a service's form."""
    if form == "map":
        return dict(tags)
    if form == "kms":
        return [{"TagKey": key, "TagValue": value} for key, value in tags.items()]
    if form == "lower":
        return [{"key": key, "value": value} for key, value in tags.items()]
    pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
    return [{"ResourceType": form.partition(":")[2], "Tags": pairs}] if form.startswith("spec:") else pairs


def _plain_tags(found: Any) -> dict[str, str]:
    """Tags of an answer, whatever its form, without the service's own (`aws:...`)."""
    if isinstance(found, dict):
        pairs: Iterable[tuple[str, Any]] = found.items()
    else:
        lowered = [{key.lower(): value for key, value in each.items()} for each in found or []]
        pairs = [(each.get("key", each.get("tagkey", "")), each.get("value", each.get("tagvalue"))) for each in lowered]
    return {key: str(value or "") for key, value in pairs if not key.startswith("aws:")}
