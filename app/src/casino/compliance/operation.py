"""What the casino may still do (ADR 34): the operator's record, and the refusals that follow from it.

`operation.json` names the acts that are left; the ledger keeps each record and is where it binds. Here is what the file
says and what it means, and nothing that asks for either but `read`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from casino.kernel.errors import CasinoError, ConfigurationError

Act = Literal["register", "deposit", "stake", "withdraw"]
ACTS: tuple[Act, ...] = ("register", "deposit", "stake", "withdraw")
LARGEST_FILE = 4096
_RULE = "the casino's state: what it may do at present"
_KEPT = "What is yours stays yours; GET /api/v1/operation says what can be done at present."


class RegistrationClosed(CasinoError):
    status, code = 403, "REGISTRATION_CLOSED"
    rule = _RULE
    remedy = "Try again later; GET /api/v1/operation says what can be done at present."


class DepositsClosed(CasinoError):
    status, code = 403, "DEPOSITS_CLOSED"
    rule = _RULE
    remedy = _KEPT


class PlayClosed(CasinoError):
    status, code = 403, "PLAY_CLOSED"
    rule = _RULE
    remedy = _KEPT


class WithdrawalsClosed(CasinoError):
    status, code = 403, "WITHDRAWALS_CLOSED"
    rule = _RULE
    remedy = _KEPT


_REFUSALS: Mapping[Act, tuple[type[CasinoError], str]] = {
    "register": (RegistrationClosed, "No new accounts are opened at present."),
    "deposit": (DepositsClosed, "No deposits are taken at present."),
    "stake": (PlayClosed, "Play is closed at present."),
    "withdraw": (WithdrawalsClosed, "No withdrawals are taken at present."),
}


def closed(act: Act) -> CasinoError:
    """The refusal of an act that the casino's state does not leave. It gives players no reason; staff can read it."""
    kind, why = _REFUSALS[act]
    return kind(why)


class Operation(BaseModel):
    """A record as the operator writes it. `state` is the name of the set of acts, `reason` for staff.

    Of a newer operator's file unknown fields are passed over; an unknown act is kept as told, and allows nothing.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, strict=True)
    revision: int = Field(ge=1, lt=2**63)
    state: str = Field(pattern=r"^[A-Za-z]{1,40}$")
    acts: tuple[Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")], ...] = Field(max_length=16)
    play_until: AwareDatetime | None
    reason: str = Field(max_length=512)

    @field_validator("acts")
    @classmethod
    def _in_one_order(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted(set(value)))

    @field_validator("play_until")
    @classmethod
    def _in_utc(cls, value: datetime | None) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None

    @field_validator("reason")
    @classmethod
    def _can_be_kept(cls, value: str) -> str:
        if "\x00" in value:
            raise ValueError("has a character that no database keeps")
        return value


def allows(record: Operation | None, act: Act, now: datetime) -> bool:
    """Whether a record leaves an act at a moment; none leaves all. What binds is the same in the ledger, by its own
    clock."""
    if record is None:
        return True
    if act not in record.acts:
        return False
    return act == "withdraw" or record.play_until is None or now < record.play_until


def parse_operation(text: bytes, origin: str) -> Operation:
    """The record in a file's bytes. Raises ConfigurationError that names every fault."""
    if len(text) > LARGEST_FILE:
        raise ConfigurationError(f"{origin} is larger than {LARGEST_FILE} bytes")
    try:
        return Operation.model_validate_json(text)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError(f"{origin} cannot be used: " + "; ".join(faults)) from None


def read_operation(path: Path) -> Operation | None:
    """The record in the file, None where there is no file. Raises ConfigurationError for one that cannot be used."""
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_FILE + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} (CASINO_OPERATION) cannot be read: {error.strerror}") from error
    return parse_operation(text, str(path))
