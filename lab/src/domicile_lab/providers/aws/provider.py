"""The aws provider: the engine's verbs on the types of the table."""

from __future__ import annotations

import difflib
import hashlib
import json
import random
import string
import threading
from collections.abc import Sequence
from typing import Any, Final

import grpc

from domicile_lab.providers.aws import table
from domicile_lab.providers.aws.cloud import Connection, Scoped
from domicile_lab.providers.aws.crud import Crud
from domicile_lab.providers.aws.entry import Entry
from domicile_lab.providers.aws.schema import coerced, faults
from domicile_lab.providers.interface import Diff, Failure, ProviderError, Values
from domicile_lab.providers.values import UNKNOWN, has_unknown

CONFIG: Final = frozenset(
    [
        "accessKey",
        "allowedAccountIds",
        "assumeRoles",
        "defaultTags",
        "endpoints",
        "forbiddenAccountIds",
        "profile",
        "region",
        "secretKey",
        "token",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "s3UsePathStyle",
        "maxRetries",
        "retryMode",
        "version",
        "pluginDownloadURL",
        "stsRegion",
        "insecure",
    ]
)
"""Settings that mean something here, or that may be ignored without harm."""


class Aws:
    """One configured provider of the engine (`aws.Provider` in the program)."""

    name = "aws"
    version = "7.29.0"
    """Of the SDK that the schemas were read from; the engine warns of an older plugin."""

    def __init__(self) -> None:
        self._connection: Connection | None = None
        self._entries: dict[str, Entry] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._default_tags: dict[str, str] = {}

    # Configuration

    def check_config(self, config: Values) -> list[Failure]:
        known = ", ".join(sorted(CONFIG))
        return [
            Failure(key, f"the lab's aws provider has no such setting; it has {known} (providers/aws/provider.py)")
            for key in config
            if key not in CONFIG
        ]

    def diff_config(self, olds: Values, news: Values) -> Diff:
        """Another region is another place: what was made by this provider has to be made anew there."""
        before, after = _plain(olds), _plain(news)
        changed = {key: "update" for key in CONFIG if before.get(key) != after.get(key)}
        return Diff(changed, frozenset(changed) & {"region"})  # type: ignore[arg-type]

    def configure(self, config: Values) -> None:
        plain = _plain(config)
        if has_unknown(plain):  # the preview of an account that is still to be made
            return
        self._connection = Connection(plain)
        self._default_tags = dict((plain.get("defaultTags") or {}).get("tags") or {})

    # Resources

    def check(self, type: str, inputs: Values, olds: Values, *, name: str, seed: bytes) -> tuple[Values, list[Failure]]:
        resource = table.find(type)
        if resource is None:
            raise ProviderError(_unknown_type(type), grpc.StatusCode.UNIMPLEMENTED)
        schema = table.schema(type)
        found: list[tuple[str, str]] = []
        where = f"domicile_lab/providers/aws/table/{table.module(type)}.py"
        for key, value in inputs.items():
            if key not in schema.inputs:
                near = difflib.get_close_matches(key, schema.inputs, 3)
                found.append((key, f"is no input of {type}" + (f"; near it are {', '.join(near)}" if near else "")))
            elif key in resource.unsupported:
                found.append((key, f"is not supported by the lab's aws provider: see `unsupported` in {where}"))
            else:
                found += faults(schema, schema.inputs[key], value, key)
                found += [
                    (path, f"is not supported by the lab's aws provider: see `unsupported` in {where}")
                    for path in _unsupported(resource.unsupported, value, key)
                ]
        found += [(key, "is required") for key in sorted(schema.required) if inputs.get(key) is None]
        if found:
            return inputs, [Failure(*each) for each in found]
        checked = {key: coerced(schema, schema.inputs[key], value) for key, value in inputs.items()}
        auto = resource.autoname
        if auto and checked.get(auto) is None and checked.get(f"{auto}Prefix") is None:
            checked[auto] = olds.get(auto) or _autoname(name, seed, resource.autoname_length)
        refusals = resource.check(checked) if resource.check else []
        return checked, [Failure(*each) for each in refusals]

    def diff(
        self,
        type: str,
        id: str,
        old_inputs: Values,
        old_outputs: Values,
        inputs: Values,
        *,
        ignore_changes: Sequence[str],
    ) -> Diff:
        entry = self._entry(type)
        changes = {
            key: kind
            for key, kind in entry.changed(old_inputs, inputs).items()
            if not any(key == path or path.startswith((f"{key}.", f"{key}[")) for path in ignore_changes)
        }
        return Diff(changes, entry.needs_new(changes), entry.resource.delete_before_replace)  # type: ignore[arg-type]

    def preview_create(self, type: str, inputs: Values) -> Values:
        outputs = self._entry(type).preview(inputs)
        return {**outputs, **self._known(type, inputs)}

    def preview_update(self, type: str, id: str, inputs: Values, old_inputs: Values, old_outputs: Values) -> Values:
        entry = self._entry(type)
        kept = {key: value for key, value in old_outputs.items() if key in inputs or key not in old_inputs}
        volatile = dict.fromkeys(entry.resource.volatile, UNKNOWN)
        return {**kept, **inputs, **volatile, **self._known(type, inputs)}

    def create(self, type: str, inputs: Values, timeout: float) -> tuple[str, Values]:
        return self._crud(type, inputs).create(inputs, timeout)

    def read(self, type: str, id: str, inputs: Values, outputs: Values) -> tuple[str, Values, Values] | None:
        return self._crud(type, inputs or outputs).read(id, inputs, outputs)

    def update(
        self, type: str, id: str, old_inputs: Values, old_outputs: Values, inputs: Values, *, timeout: float
    ) -> Values:
        return self._crud(type, inputs).update(id, old_inputs, old_outputs, inputs, timeout)

    def delete(self, type: str, id: str, inputs: Values, outputs: Values, timeout: float) -> None:
        self._crud(type, inputs or outputs).delete(id, inputs, outputs, timeout)

    def invoke(self, token: str, arguments: Values) -> Values:
        raise ProviderError(
            f"{token}: the lab's aws provider has no functions. Compute the value in the program, or pass it as "
            "configuration.",
            grpc.StatusCode.UNIMPLEMENTED,
        )

    def cancel(self) -> None:
        self._stop.set()

    # Parts

    def _entry(self, type_: str) -> Entry:
        with self._lock:
            if type_ not in self._entries:
                resource = table.find(type_)
                if resource is None:
                    raise ProviderError(_unknown_type(type_), grpc.StatusCode.UNIMPLEMENTED)
                self._entries[type_] = Entry(resource, self._shape)
            return self._entries[type_]

    def _shape(self, service: str, operation: str) -> tuple[Any, Any]:
        model = self._connected().model(service).operation_model(operation)
        return model.input_shape, model.output_shape

    def _connected(self) -> Connection:
        if self._connection is None:
            raise ProviderError("the aws provider was not configured, because its settings are not known yet")
        return self._connection

    def _crud(self, type_: str, values: Values) -> Crud:
        region = values.get("region") or ""
        return Crud(self._entry(type_), Scoped(self._connected(), region), self._default_tags, self._stop)

    def _known(self, type_: str, inputs: Values) -> Values:
        schema = self._entry(type_).schema
        known: Values = {}
        if "tagsAll" in schema.outputs:
            known["tagsAll"] = {**self._default_tags, **(inputs.get("tags") or {})}
        if "region" in schema.outputs:
            known["region"] = inputs.get("region") or self._connected().region
        return known


def _plain(config: Values) -> Values:
    """Provider settings: the SDK sends everything that is not text as JSON text."""
    plain: Values = {}
    for key, value in config.items():
        plain[key] = value
        if isinstance(value, str) and (value[:1] in {"[", "{"} or value in ("true", "false")):
            plain[key] = json.loads(value)
    return plain


def _autoname(name: str, seed: bytes, length: int) -> str:
    """The name in the program and seven characters that stay the same for the same seed of the engine."""
    seven = 7
    number = int.from_bytes(hashlib.sha256(seed or random.randbytes(16)).digest(), "big")  # noqa: S311
    alphabet = string.digits + "abcdef"
    return f"{name[: length - seven - 1]}-" + "".join(alphabet[(number >> (4 * i)) % 16] for i in range(seven))


def _unsupported(paths: Sequence[str], value: Any, parent: str) -> list[str]:
    """Paths of nested properties (`parent.property`) that are refused."""
    if isinstance(value, list):
        return [path for each in value for path in _unsupported(paths, each, parent)]
    if not isinstance(value, dict):
        return []
    here = [f"{parent}.{key}" for key in value if f"{parent}.{key}" in paths]
    return here + [path for key, each in value.items() for path in _unsupported(paths, each, key)]


def _unknown_type(type_: str) -> str:
    known = table.tokens()
    name = type_.rpartition(":")[2].lower()
    near = sorted(known, key=lambda each: -difflib.SequenceMatcher(None, name, each.rpartition(":")[2].lower()).ratio())
    return (
        f"the lab's aws provider has no {type_}; near it are {', '.join(near[:3])}. Add it to "
        f"domicile_lab/providers/aws/table/{table.module(type_)}.py and run "
        "`python -m domicile_lab.providers.aws.generate`."
    )
