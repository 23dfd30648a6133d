"""Property values on the wire of the Pulumi engine, and as plain Python values.

The engine sends properties as `google.protobuf.Struct`. What a Struct cannot say (a secret, a value that is not known
yet, a reference to a resource) travels as an object or string with a signature of its own; the signatures are those of
sdk/go/common/resource/properties.go and sdk/go/common/resource/plugin/rpc.go in pulumi/pulumi.

Here a property value is None, bool, int, float, str, list, dict or `UNKNOWN`. Secrets are unwrapped on the way in, and
where they were is remembered as paths, so that the same places can be wrapped on the way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

SIGNATURE: Final = "4dabf18193072939515e22adb298388d"
SECRET: Final = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 (a signature, not a secret)
OUTPUT: Final = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
RESOURCE: Final = "5cf8f73096256a8f31e491e813e4eb8e"

_UNKNOWN_STRING: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_UNKNOWNS: Final = frozenset(
    {
        _UNKNOWN_STRING,
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # a boolean
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # a number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # an array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # an asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # an archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # an object
    }
)

Path = tuple[str, ...]
"""Where a secret is: the keys from the top. A secret in a list marks the list, since lists may come back re-ordered."""


class Unknown:
    """A value that is known only after something has been created; there is one, `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __copy__(self) -> Unknown:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Unknown:
        return self


UNKNOWN: Final = Unknown()


@dataclass(frozen=True)
class Secret:
    """Wraps a value that a provider hands out and that must never be shown, whatever the inputs said."""

    value: Any


def has_unknown(value: Any) -> bool:
    """Whether the value, or anything in it, is unknown."""
    if isinstance(value, dict):
        return any(has_unknown(each) for each in value.values())
    if isinstance(value, list):
        return any(has_unknown(each) for each in value)
    return value is UNKNOWN


def decode(struct: struct_pb2.Struct) -> tuple[dict[str, Any], frozenset[Path]]:
    """The properties of a Struct as plain values, and where the secrets among them are. Nulls at the top are absent."""
    secrets: set[Path] = set()
    values = {key: _decode(value, (key,), secrets, frozen=False) for key, value in struct.fields.items()}
    return {key: value for key, value in values.items() if value is not None}, frozenset(secrets)


def _decode(value: struct_pb2.Value, path: Path, secrets: set[Path], *, frozen: bool) -> Any:
    """`frozen`: the path no longer grows, because a list was passed on the way."""
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
        case "list_value":
            return [_decode(each, path, secrets, frozen=True) for each in value.list_value.values]
        case "struct_value":
            return _decode_object(value.struct_value, path, secrets, frozen=frozen)
        case _:
            return None


def _decode_object(struct: struct_pb2.Struct, path: Path, secrets: set[Path], *, frozen: bool) -> Any:
    fields = struct.fields
    signature = fields[SIGNATURE].string_value if SIGNATURE in fields else ""
    if signature == SECRET:
        secrets.add(path)
        return _decode(fields["value"], path, secrets, frozen=frozen)
    if signature == OUTPUT:
        if "secret" in fields and fields["secret"].bool_value:
            secrets.add(path)
        return _decode(fields["value"], path, secrets, frozen=frozen) if "value" in fields else UNKNOWN
    if signature == RESOURCE:
        identity = fields["id"].string_value if "id" in fields else ""
        reference = identity or fields["urn"].string_value
        return UNKNOWN if reference in _UNKNOWNS else reference
    if signature:
        raise ValueError(f"{'.'.join(path)}: a value with the signature {signature} (an asset?) cannot be used here")
    return {
        key: _decode(each, path if frozen else (*path, key), secrets, frozen=frozen) for key, each in fields.items()
    }


def encode(values: Mapping[str, Any], secrets: Iterable[Path] = ()) -> struct_pb2.Struct:
    """The Struct of plain values; whatever stands at one of the paths `secrets` goes out as a secret."""
    places = frozenset(secrets)
    struct = struct_pb2.Struct()
    for key, value in values.items():
        _encode(value, struct.fields[key], (key,), places)
    return struct


def _encode(value: Any, target: struct_pb2.Value, path: Path, secrets: frozenset[Path]) -> None:
    if isinstance(value, Secret) or path in secrets:
        plain = value.value if isinstance(value, Secret) else value
        target.struct_value.fields[SIGNATURE].string_value = SECRET
        _encode(plain, target.struct_value.fields["value"], (), frozenset())
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif value is UNKNOWN:
        target.string_value = _UNKNOWN_STRING
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = float(value)
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, dict):
        target.struct_value.SetInParent()
        for key, each in value.items():
            _encode(each, target.struct_value.fields[key], (*path, key) if path else (), secrets)
    elif isinstance(value, list | tuple | set | frozenset):
        target.list_value.SetInParent()
        for each in value:
            _encode(each, target.list_value.values.add(), (), secrets)
    else:
        raise TypeError(f"{'.'.join(path)}: a {type(value).__name__} is no property value")
