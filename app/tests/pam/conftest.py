"""A WebAuthn authenticator in software, for tests: one ES256 key for each credential, `none` attestation.

Written from W3C Web Authentication, 6 (authenticator data) and 5.8.1 (client data); it shares no code with the casino.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from dataclasses import dataclass, field
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec


def b64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@dataclass
class SoftwareAuthenticator:
    """`origin` is the page that it believes to be on; `counter` what it signs next."""

    origin: str
    rp_id: str = "localhost"
    counter: int = 0
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: os.urandom(32))

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        """navigator.credentials.create()"""
        numbers = self.key.public_key().public_numbers()
        cose = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})
        attested = bytes(16) + len(self.credential_id).to_bytes(2, "big") + self.credential_id + cose
        data = self._authenticator_data(0x45) + attested
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return self._answer(
            {
                "attestationObject": b64url(attestation),
                "clientDataJSON": b64url(self._client_data("webauthn.create", options)),
            }
        )

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        """navigator.credentials.get()"""
        self.counter += 1
        data = self._authenticator_data(0x05)
        client_data = self._client_data("webauthn.get", options)
        signature = self.key.sign(data + hashlib.sha256(client_data).digest(), ec.ECDSA(hashes.SHA256()))
        return self._answer(
            {
                "authenticatorData": b64url(data),
                "clientDataJSON": b64url(client_data),
                "signature": b64url(signature),
            }
        )

    def _authenticator_data(self, flags: int) -> bytes:
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4, "big")

    def _client_data(self, kind: str, options: dict[str, Any]) -> bytes:
        document = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(document).encode()

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        id_ = b64url(self.credential_id)
        return {"id": id_, "rawId": id_, "type": "public-key", "response": response, "clientExtensionResults": {}}


@pytest.fixture(scope="session")
def authenticator() -> type[SoftwareAuthenticator]:
    """The class: a test makes as many as it needs."""
    return SoftwareAuthenticator
