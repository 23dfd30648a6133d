"""Envelope encryption of personal data, as functions of values (docs/players.md).

AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits under a key that seals one player's few documents, so that
the bound of 2^32 messages a key is never near. What a ciphertext belongs to is bound to it: a row copied to another
player does not open.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
_NONCE_BYTES = 12
_FORMAT = b"\x01"


class Unopenable(Exception):
    """The key is another, the data was changed, or it belongs to somebody else."""


def new_key() -> bytes:
    """A data key: 32 random bytes."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, plaintext: bytes, bound_to: bytes) -> bytes:
    """Format byte, nonce, ciphertext and tag. `bound_to` has to be given again to open it."""
    nonce = os.urandom(_NONCE_BYTES)
    return _FORMAT + nonce + AESGCM(key).encrypt(nonce, plaintext, bound_to)


def unseal(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """The plaintext. Raises Unopenable."""
    if sealed[:1] != _FORMAT or len(sealed) < 1 + _NONCE_BYTES + 16:
        raise Unopenable("the data has no known format")
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return AESGCM(key).decrypt(nonce, ciphertext, bound_to)
    except InvalidTag:
        raise Unopenable("the data does not open with this key") from None


def seal_document(key: bytes, document: dict[str, str], bound_to: bytes) -> bytes:
    """A flat document as JSON, padded to whole blocks of 64 bytes: the length tells little of what is in it."""
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return seal(key, text.ljust(-(-len(text) // 64) * 64), bound_to)


def unseal_document(key: bytes, sealed: bytes, bound_to: bytes) -> dict[str, str]:
    """The document. Raises Unopenable."""
    found: dict[str, str] = json.loads(unseal(key, sealed, bound_to))
    return found


def blind_index(key: bytes, kind: str, value: str) -> bytes:
    """What equal values of one kind have in common, and nobody without the key can compute: HMAC-SHA-256.

    `value` is normalised by who knows the kind (fields.py). Values of two kinds never share an index.
    """
    return hmac.digest(key, kind.encode() + b"\0" + value.encode(), hashlib.sha256)
