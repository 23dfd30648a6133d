"""WebAuthn's two ceremonies (W3C Web Authentication, level 3, 7.1 and 7.2); the challenge waits in Redis, once."""

from __future__ import annotations

import base64
import json
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

import webauthn
from redis.asyncio import Redis
from webauthn.helpers.exceptions import InvalidJSONStructure, WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from casino.kernel.errors import CasinoError
from casino.kernel.settings import Settings
from casino.pam.repository_factors import CredentialRow

CEREMONY_S = 300


class WebAuthnUnavailable(CasinoError):
    status, code = 409, "WEBAUTHN_UNAVAILABLE"
    rule = "keys are bound to the casino's own address"
    remedy = "The operator sets CASINO_PUBLIC_ORIGIN."


class CeremonyFailed(CasinoError):
    status, code = 422, "WEBAUTHN_FAILED"
    rule = "the answer is of the key, the page and the challenge that were asked"
    remedy = "Begin again with new options."


class CounterWentBack(Exception):
    """The key signed with a counter that is not above the last one: somebody has a copy of it."""

    def __init__(self, credential_id: bytes) -> None:
        super().__init__("a key's counter went back")
        self.credential_id = credential_id


@dataclass(frozen=True, slots=True)
class Options:
    """`options` goes to the browser's navigator.credentials as it is; `ceremony_id` comes back with the answer."""

    ceremony_id: str
    options: dict[str, Any]


class Ceremonies:
    """`realm` keeps the challenges of players and of staff apart."""

    def __init__(self, redis: Redis, settings: Settings, realm: str) -> None:
        self._redis = redis
        self._prefix = f"{settings.redis_prefix}webauthn:{realm}:"
        self._origin = settings.public_origin.rstrip("/") if settings.public_origin else None
        self._brand = settings.brand

    async def begin_registration(self, subject: uuid.UUID, known: Sequence[CredentialRow]) -> Options:
        """Options to make a key. The name that the authenticator keeps is no personal data."""
        options = webauthn.generate_registration_options(
            rp_id=self._rp_id,
            rp_name=self._brand,
            user_id=subject.bytes,
            user_name=self._brand,
            exclude_credentials=[PublicKeyCredentialDescriptor(id=one.credential_id) for one in known],
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
            ),
        )
        return await self._keep("registration", subject, options.challenge, webauthn.options_to_json(options))

    async def finish_registration(
        self, subject: uuid.UUID, ceremony_id: str, answer: dict[str, Any]
    ) -> tuple[bytes, bytes, int]:
        """The new credential's id, COSE key and counter. Raises CeremonyFailed."""
        challenge = await self._take("registration", subject, ceremony_id)
        try:
            verified = webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._expected_origin,
            )
        except (WebAuthnException, InvalidJSONStructure, ValueError, KeyError, TypeError):
            raise CeremonyFailed("The key's answer cannot be used.") from None
        return verified.credential_id, verified.credential_public_key, verified.sign_count

    async def begin_assertion(self, subject: uuid.UUID, known: Sequence[CredentialRow]) -> Options:
        """Options to use one of the keys."""
        options = webauthn.generate_authentication_options(
            rp_id=self._rp_id,
            allow_credentials=[PublicKeyCredentialDescriptor(id=one.credential_id) for one in known],
            user_verification=UserVerificationRequirement.PREFERRED,
        )
        return await self._keep("assertion", subject, options.challenge, webauthn.options_to_json(options))

    async def finish_assertion(
        self, subject: uuid.UUID, ceremony_id: str, answer: dict[str, Any], known: Sequence[CredentialRow]
    ) -> tuple[CredentialRow, int]:
        """The key that answered, and its new counter. Raises CeremonyFailed, CounterWentBack."""
        challenge = await self._take("assertion", subject, ceremony_id)
        row = next((one for one in known if _b64url(one.credential_id) == answer.get("id")), None)
        if row is None:
            raise CeremonyFailed("The key is not one of this account.")
        try:
            # With 0 for the last counter: the signature is judged first, and the counter by us, since a counter that
            # went back in a valid signature is news, and anybody can make an invalid one.
            verified = webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._rp_id,
                expected_origin=self._expected_origin,
                credential_public_key=row.public_key,
                credential_current_sign_count=0,
            )
        except (WebAuthnException, InvalidJSONStructure, ValueError, KeyError, TypeError):
            raise CeremonyFailed("The key's answer cannot be used.") from None
        if verified.credential_id != row.credential_id:
            raise CeremonyFailed("The key's answer cannot be used.")
        if (verified.new_sign_count or row.sign_count) and verified.new_sign_count <= row.sign_count:
            raise CounterWentBack(row.credential_id)
        return row, verified.new_sign_count

    @property
    def _expected_origin(self) -> str:
        if self._origin is None:
            raise WebAuthnUnavailable("This casino has no public address to bind keys to.")
        return self._origin

    @property
    def _rp_id(self) -> str:
        return urlsplit(self._expected_origin).hostname or ""

    async def _keep(self, kind: str, subject: uuid.UUID, challenge: bytes, options: str) -> Options:
        ceremony_id = secrets.token_urlsafe(24)
        value = f"{kind}:{subject}:{challenge.hex()}"
        await self._redis.set(self._prefix + ceremony_id, value, ex=CEREMONY_S)
        return Options(ceremony_id, json.loads(options))

    async def _take(self, kind: str, subject: uuid.UUID, ceremony_id: str) -> bytes:
        # Taken, whatever comes of it: a challenge is answered once.
        value = cast(str | None, await self._redis.getdel(self._prefix + ceremony_id))
        found_kind, _, rest = (value or "").partition(":")
        found_subject, _, challenge = rest.partition(":")
        if found_kind != kind or found_subject != str(subject):
            raise CeremonyFailed("The options were used before, or have run out.")
        return bytes.fromhex(challenge)


def _b64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
