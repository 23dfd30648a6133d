"""Bodies and answers of the account's endpoints, beside those of registering and logging in (models.py)."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, Field

from casino.kernel.http import Body
from casino.pam.models import Code, LoginText, Password, Version, utf8

Text = Annotated[str, AfterValidator(utf8)]
Identifier = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9_-]+$")]


class KeyAnswer(Body):
    """What navigator.credentials answered, as JSON, and the ceremony it answers."""

    ceremony_id: Identifier
    credential: dict[str, Any]


class ClaimBody(Body):
    """Password, and a second factor where the account has one."""

    password: Annotated[Text, Field(max_length=128)]
    code: Code | None = None
    webauthn: KeyAnswer | None = None


class SessionRequest(ClaimBody):
    """`code` is of the authenticator app, or a recovery code."""

    email: LoginText
    position: PositionBody | None = None


class PositionBody(Body):
    """The device's own answer (W3C Geolocation): degrees, metres, and when it was taken."""

    longitude: Annotated[float, Field(ge=-180, le=180)]
    latitude: Annotated[float, Field(ge=-90, le=90)]
    accuracy_m: Annotated[float, Field(ge=0, le=1e7)]
    taken_at: Annotated[AwareDatetime, Field(strict=False)]


class LocationBody(Body):
    position: PositionBody | None = None


class Located(BaseModel):
    """`located_until` is null where the jurisdiction does not ask where players are."""

    located_until: datetime | None


class KeyOptions(BaseModel):
    """`options` is for navigator.credentials (as JSON, with base64url)."""

    ceremony_id: str
    options: dict[str, Any]


class SessionEntry(BaseModel):
    session_id: str
    started_at: datetime
    authenticated_at: datetime
    current: bool


class SessionList(BaseModel):
    sessions: list[SessionEntry]


class Reauthenticated(BaseModel):
    authenticated_at: datetime


class ResetRequest(Body):
    email: LoginText


class Accepted(BaseModel):
    """The request was taken; what came of it is not told."""

    accepted: bool = True


class ResetCompletion(Body):
    token: Identifier
    password: Password


class NewPassword(Body):
    password: Password


class Profile(BaseModel):
    """The player's own data; `fields` by name, those given alone.

    `awaits_verification`: the casino has to verify the player's identity before they deposit and bet.
    """

    player_id: uuid.UUID
    status: str
    awaits_verification: bool
    fields: dict[str, str]


class DeviceEntry(BaseModel):
    device_id: uuid.UUID
    first_seen: datetime
    last_seen: datetime


class DeviceList(BaseModel):
    devices: list[DeviceEntry]


class ConsentBody(Body):
    """`subject` is `terms`, `privacy` or `marketing:<channel>:<product>`."""

    subject: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[a-z_:]+$")]
    granted: bool
    version: Version


class ConsentEntry(BaseModel):
    subject: str
    granted: bool
    version: str
    source: str
    recorded_at: datetime


class ConsentList(BaseModel):
    consents: list[ConsentEntry]


class ClosureBody(Body):
    reason: Annotated[str, Field(max_length=40, pattern=r"^[a-z_]*$")] = "player_asked"


class FactorsAnswer(BaseModel):
    totp: bool
    keys: int
    recovery_codes_left: int


class TotpAnswer(BaseModel):
    """Shown once."""

    secret: str
    uri: str


class CodeBody(Body):
    code: Code


class RecoveryCodes(BaseModel):
    """Shown once; each counts once."""

    recovery_codes: list[str]


class NewKey(KeyAnswer):
    name: Annotated[Text, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")] = "key"


class KeyEntry(BaseModel):
    credential_id: str
    name: str
    created_at: datetime
    used_at: datetime | None


class KeyList(BaseModel):
    keys: list[KeyEntry]


class StaffProfile(BaseModel):
    staff_id: uuid.UUID
    role: str
