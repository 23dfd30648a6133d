"""What games may not tell yet, sealed with the tenant's key as personal data is (docs/games.md, "What is hidden").

One data key of the casino seals it, wrapped by the tenant's key and re-wrapped after a rotation like every other. It is
unwrapped once a process: a round waits for no key. What is sealed at one place has a key of its own, derived from that
one, so that the bound of AES-GCM with random nonces (2^32 messages a key) is never near however many rounds there are.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from typing import Any

from casino.pam import crypto, repository_keys
from casino.pam.keys import TenantKey, wrapped_version

SUBJECT = uuid.UUID(int=1)
"""Whose data key it is, in place of a person's."""


class HiddenState:
    """Seals and opens. `bound_to` says where the sealed belongs; elsewhere it does not open."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def seal(self, plaintext: bytes, bound_to: bytes) -> bytes:
        return crypto.seal(self._derived(bound_to), plaintext, bound_to)

    def open(self, sealed: bytes, bound_to: bytes) -> bytes:
        """Raises crypto.Unopenable."""
        return crypto.unseal(self._derived(bound_to), sealed, bound_to)

    def _derived(self, bound_to: bytes) -> bytes:
        return hmac.digest(self._key, b"hidden state\0" + bound_to, hashlib.sha256)


async def open_hidden_state(pool: Any, tenant_key: TenantKey) -> HiddenState:
    """With the key that the database has, or makes when there is none. Raises what TenantKey.unwrap raises."""
    wrapped = await repository_keys.find_key(pool, SUBJECT)
    if wrapped is None:
        made = await tenant_key.wrap(crypto.new_key(), SUBJECT.bytes)
        wrapped = await repository_keys.add_key(pool, SUBJECT, made, wrapped_version(made))
    return HiddenState(await tenant_key.unwrap(wrapped, SUBJECT.bytes))
