"""Manifests of games as a release signs them."""

import base64
import json

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


def public(key: Ed25519PrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()


def manifest(key: Ed25519PrivateKey = SIGNER, note: str = "") -> str:
    """A signed manifest; another note is another manifest."""
    inner = {
        "schema_version": 1,
        "created_at": f"2026-11-30T12:00:00+00:00{note}",
        "components": {"generator": {"version": "1", "files": {"rng.py": "a" * 64}}},
    }
    spelt = json.dumps(inner, sort_keys=True, separators=(",", ":")).encode()
    return json.dumps({"manifest": inner, "signature": base64.b64encode(key.sign(spelt)).decode()}, indent=2) + "\n"
