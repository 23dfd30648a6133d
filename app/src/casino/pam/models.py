"""Players and sessions, and the bodies of their requests."""

from __future__ import annotations

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field

from casino.kernel.http import Body

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]+\.[^@\s.\x00-\x1f\x7f]+")


def _email(value: str) -> str:
    value = value.strip()
    if not _EMAIL.fullmatch(value):
        raise ValueError("is not an e-mail address")
    return value


def _utf8(value: str) -> str:
    # JSON can spell half of a surrogate pair; nothing can store or hash it.
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("holds characters that are no text") from None
    return value


def _iso_date(value: object) -> date:
    # pydantic would take a number for a Unix time.
    if not isinstance(value, str) or len(value) != 10:
        raise ValueError("is not a date such as 1990-02-28")
    return date.fromisoformat(value)


Email = Annotated[str, Field(max_length=254), AfterValidator(_utf8), AfterValidator(_email)]
Password = Annotated[str, Field(min_length=8, max_length=128), AfterValidator(_utf8)]


def email_key(email: str) -> str:
    """What makes two spellings one address: compatibility-normalised, case folded."""
    return unicodedata.normalize("NFKC", email).casefold()


class Registration(Body):
    """`date_of_birth` is ISO 8601, for example 1990-02-28."""

    email: Email
    password: Password
    date_of_birth: Annotated[date, BeforeValidator(_iso_date)]


class Registered(BaseModel):
    player_id: uuid.UUID


class LoginRequest(Body):
    email: Annotated[str, Field(max_length=254), AfterValidator(_utf8)]
    password: Annotated[str, Field(max_length=128), AfterValidator(_utf8)]


class SessionOpened(BaseModel):
    """`expires_at` moves on with each request: it is the end of the idle time."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Player:
    player_id: uuid.UUID
    password_hash: str
    date_of_birth: date
