"""Personal data in and out of its seal: data keys, documents, blind indices."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from casino.pam import crypto
from casino.pam.fields import index_values
from casino.pam.keys import DataKeys, wrapped_version

INDEX_KEY_OWNER = uuid.UUID(int=0)
"""What the key of blind indices is bound to, in place of a person."""
INDEXED = ("email", "phone", "national_id", "person")


@dataclass(frozen=True, slots=True)
class SealedPerson:
    """A row's worth: the wrapped data key, the sealed document, and what it can be found by (kind to 32 bytes)."""

    wrapped: str
    key_version: int
    sealed: bytes
    indices: dict[str, bytes | None]


class Vault:
    """Seals and opens what belongs to one person. A document's purpose is bound to it, beside its owner."""

    def __init__(self, keys: DataKeys, index_key: bytes) -> None:
        self._keys = keys
        self._index_key = index_key

    @property
    def keys(self) -> DataKeys:
        return self._keys

    def index(self, kind: str, value: str) -> bytes:
        """The blind index of a normalised value (fields.index_values)."""
        return crypto.blind_index(self._index_key, kind, value)

    def indices(self, person: dict[str, str]) -> dict[str, bytes | None]:
        """The blind index of each kind, None where the person has no such value."""
        values = index_values(person)
        return {kind: self.index(kind, values[kind]) if kind in values else None for kind in INDEXED}

    async def seal_new(self, subject: uuid.UUID, person: dict[str, str]) -> SealedPerson:
        """A person who has no data key yet."""
        key, wrapped = await self._keys.new(subject)
        sealed = crypto.seal_document(key, person, _bound(subject, "person"))
        return SealedPerson(wrapped, wrapped_version(wrapped), sealed, self.indices(person))

    async def seal(self, subject: uuid.UUID, wrapped: str, document: dict[str, str], purpose: str = "person") -> bytes:
        """Another document of a person who has a key."""
        key = await self._keys.open(subject, wrapped)
        return crypto.seal_document(key, document, _bound(subject, purpose))

    async def open(self, subject: uuid.UUID, wrapped: str, sealed: bytes, purpose: str = "person") -> dict[str, str]:
        """The document. Raises crypto.Unopenable: then the database was changed by somebody who has no key."""
        key = await self._keys.open(subject, wrapped)
        return crypto.unseal_document(key, sealed, _bound(subject, purpose))


def _bound(subject: uuid.UUID, purpose: str) -> bytes:
    return subject.bytes + purpose.encode()
