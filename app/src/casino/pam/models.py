"""Players and sessions, and the bodies of their requests."""

from __future__ import annotations

import functools
import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, create_model

from casino.kernel.http import AmountMinor, Body
from casino.pam.fields import FIELDS, email_key
from casino.pam.status import Status

__all__ = ["Email", "LoginRequest", "Password", "Player", "Registration", "email_key", "registration_model"]

_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]+\.[^@\s.\x00-\x1f\x7f]+")


def email_address(value: str) -> str:
    value = value.strip()
    if not _EMAIL.fullmatch(value):
        raise ValueError("is not an e-mail address")
    return value


def utf8(value: str) -> str:
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


def _empty_is_absent(value: object) -> object:
    # A form sends its empty fields too.
    return None if isinstance(value, str) and not value.strip() else value


def _given(value: object) -> object:
    if value is None or (isinstance(value, str) and not value.strip()):
        raise ValueError("is required here")
    return value


Email = Annotated[str, Field(max_length=254), AfterValidator(utf8), AfterValidator(email_address)]
Password = Annotated[str, Field(min_length=8, max_length=128), AfterValidator(utf8)]
LoginText = Annotated[str, Field(max_length=254), AfterValidator(utf8)]
Code = Annotated[str, Field(min_length=6, max_length=32, pattern=r"^[0-9A-Za-z -]+$")]


class DepositLimit(Body):
    """The answer to the prompt for a limit: an amount for a period, or that none is wanted."""

    amount_minor: AmountMinor | None = None
    period: Literal["day", "week", "month"] = "month"


def _field(check: Callable[[str], str]) -> Any:
    return Annotated[str, Field(max_length=200), AfterValidator(utf8), AfterValidator(check)]


class _Registration(Body):
    """`date_of_birth` is ISO 8601, for example 1990-02-28."""

    email: Email
    password: Password
    date_of_birth: Annotated[date, BeforeValidator(_iso_date)]

    def person(self) -> dict[str, str]:
        """What is sealed: everything but the password and the answers to prompts."""
        found = {name: value for name in FIELDS if (value := getattr(self, name, None)) is not None}
        return {"email": self.email, "date_of_birth": self.date_of_birth.isoformat()} | found


Version = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]
_OPTIONAL: dict[str, Any] = {
    **{name: (Annotated[_field(field.check) | None, BeforeValidator(_empty_is_absent)], None)
       for name, field in FIELDS.items()},
    "deposit_limit": (Annotated[DepositLimit | None, BeforeValidator(_empty_is_absent)], None),
    "terms_version": (Annotated[Version | None, BeforeValidator(_empty_is_absent)], None),
}  # fmt: skip
_REQUIRED: dict[str, Any] = {
    **{name: (Annotated[_field(field.check), BeforeValidator(_given)], ...) for name, field in FIELDS.items()},
    "deposit_limit": (Annotated[DepositLimit, BeforeValidator(_given)], ...),
    "terms_version": (Annotated[Version, BeforeValidator(_given)], ...),
}

Registration = create_model("Registration", __base__=_Registration, __doc__=_Registration.__doc__, **_OPTIONAL)
"""A registration with every field that some rule may ask for; none beyond e-mail, password and birth is required."""


@functools.cache
def registration_model(required: tuple[str, ...]) -> type[_Registration]:
    """The same where rules ask for more: one validation finds every fault and every missing field at once."""
    return create_model("RegistrationHere", __base__=Registration, **{name: _REQUIRED[name] for name in required})


AnyRegistration = _Registration

CHANGEABLE = ("address_line", "postal_code", "city", "country", "phone", "occupation")


class _Changes(Body):
    """What a player changes of how they are reached; what is absent stays."""

    def given(self) -> dict[str, str]:
        """The fields that are to be set."""
        found: dict[str, str] = self.model_dump(exclude_none=True)
        return found


DetailsBody = create_model("DetailsBody", __base__=_Changes, **{name: _OPTIONAL[name] for name in CHANGEABLE})
AnyDetails = _Changes


class Registered(BaseModel):
    player_id: uuid.UUID


class LoginRequest(Body):
    email: LoginText
    password: Annotated[str, Field(max_length=128), AfterValidator(utf8)]


class SessionOpened(BaseModel):
    """`expires_at` moves on with each request: it is the end of the idle time."""

    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Player:
    """What a log-in needs to know. `locked` is judged at the time of the question."""

    player_id: uuid.UUID
    password_hash: str | None
    wrapped: str | None
    sealed: bytes | None
    status: Status
    locked: bool
    failed_logins: int
    seen_on: date | None
    has_totp: bool
    has_webauthn: bool

    @property
    def has_second_factor(self) -> bool:
        return self.has_totp or self.has_webauthn
