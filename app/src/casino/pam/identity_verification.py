"""What a person of staff found about who a player is. Pure: values, and the words that the history keeps of them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from casino.kernel.errors import CasinoError
from casino.kernel.http import Body
from casino.pam.four_eyes import Role

JUDGES = (Role.COMPLIANCE,)
"""Who judges about players' accounts."""


class Method(StrEnum):
    """By what the identity was looked at."""

    DOCUMENT = "document"
    DATA_MATCH = "data_match"
    ELECTRONIC_ID = "electronic_id"
    VIDEO = "video"
    IN_PERSON = "in_person"


class Result(StrEnum):
    VERIFIED = "verified"
    FAILED = "failed"


class IdentityUnverified(CasinoError):
    status, code = 409, "IDENTITY_UNVERIFIED"
    rule = "an account that waits for its player's identity to be verified becomes active by that alone"
    remedy = "POST /api/v1/staff/players/{id}/identity-verification with what was found."


class IdentityNotAwaited(CasinoError):
    status, code = 409, "IDENTITY_NOT_AWAITED"
    rule = "an identity is verified while the account waits for it"
    remedy = "Look at the account's status; a suspended account is restricted first, and then verified."


class Verification(Body):
    """`reference` names the evidence where it is kept, and is no number of a document: histories name no person."""

    result: Annotated[Result, Field(strict=False)]
    method: Annotated[Method, Field(strict=False)]
    reference: Annotated[str, Field(max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9./:_-]*$")]
    reason: Annotated[str, Field(min_length=3, max_length=90, pattern=r"^[^\x00-\x1f\x7f]+$")]

    def note(self) -> str:
        """What the account's history says, within its 200 characters."""
        return f"identity {self.result} by {self.method} [{self.reference}]: {self.reason}"
