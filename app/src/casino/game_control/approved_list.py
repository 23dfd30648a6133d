"""A regulator's or laboratory's list of approved games, as a file. Pure."""

from __future__ import annotations

import json
from datetime import date

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from casino.game_control.approval import Approval
from casino.game_control.definition import GAME_ID, VERSION
from casino.kernel.errors import ConfigurationError

MAX_LIST_BYTES = 1 << 22


class ApprovedEntry(BaseModel):
    """An entry of a list's file. Dates are ISO 8601, both included."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    game_id: str = Field(pattern=GAME_ID)
    version: str = Field(pattern=VERSION)
    signature: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    valid_from: date
    valid_until: date | None = None


class ApprovedList(BaseModel):
    """`{"source": "who published it, and when", "games": [{"game_id", "version", "signature", "valid_from",
    "valid_until"}]}`"""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: str = Field(min_length=1, max_length=200)
    games: tuple[ApprovedEntry, ...] = Field(max_length=100_000)

    def approvals(self) -> list[Approval]:
        return [Approval(e.game_id, e.version, e.signature, e.valid_from, e.valid_until) for e in self.games]


def parse_list(text: bytes) -> ApprovedList:
    """A list from its file. Raises ConfigurationError with every fault."""
    if len(text) > MAX_LIST_BYTES:
        raise ConfigurationError(f"the approved list has more than {MAX_LIST_BYTES} bytes")
    try:
        found = ApprovedList.model_validate(json.loads(text))
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc'])) or 'document'}: {e['msg']}" for e in error.errors()]
        raise ConfigurationError("the approved list cannot be used: " + "; ".join(faults)) from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError("the approved list is no JSON") from error
    backwards = [e.game_id for e in found.games if e.valid_until is not None and e.valid_until < e.valid_from]
    if backwards:
        raise ConfigurationError(f"approvals end before they begin: {', '.join(backwards[:10])}")
    return found
