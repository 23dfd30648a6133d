"""What a request's body shows, as a claim."""

from __future__ import annotations

from casino.pam.bodies import ClaimBody
from casino.pam.proof import Claim


def claim_of(body: ClaimBody) -> Claim:
    """Password and second factor of a body."""
    return Claim(body.password, body.code, body.webauthn.model_dump() if body.webauthn else None)
