"""Bodies of live tables' interface, and what a table is."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from casino.gal.live.round import Timing
from casino.kernel.errors import ConfigurationError
from casino.kernel.http import AmountMinor, Body


class LiveTable(BaseModel):
    """A table on offer; `bets_s` and `result_s` as in round.Timing."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    table_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
    name: Annotated[str, Field(min_length=1, max_length=64)]
    bets_s: Annotated[float, Field(ge=1, le=600)] = 20.0
    result_s: Annotated[float, Field(ge=1, le=600)] = 5.0
    stake_min_minor: Annotated[int, Field(gt=0)] = 10
    stake_max_minor: Annotated[int, Field(gt=0)] = 10_000

    @property
    def timing(self) -> Timing:
        return Timing(self.bets_s, self.result_s)


class LiveSettings(BaseSettings):
    """Tables as a JSON list. None, unless the environment has some."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)
    tables: tuple[LiveTable, ...] = Field(default=(), alias="CASINO_LIVE_TABLES")


def load_tables() -> tuple[LiveTable, ...]:
    """The tables of the environment. Raises ConfigurationError that names what is malformed."""
    try:
        tables = LiveSettings().tables
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)]
        raise ConfigurationError("CASINO_LIVE_TABLES is not usable: " + "; ".join(faults)) from None
    if len({table.table_id for table in tables}) < len(tables):
        raise ConfigurationError("CASINO_LIVE_TABLES names a table twice")
    return tables


class BetRequest(Body):
    """`selection`: red, black, even, odd, low, high, or straight:0 to straight:36."""

    round_id: Annotated[uuid.UUID, Field(strict=False)]
    selection: Annotated[str, Field(max_length=32, pattern=r"^[a-z]+(:[0-9]{1,2})?$")]
    stake_minor: AmountMinor


class BetAnswer(BaseModel):
    """`balance_minor` is the balance after the stake was set aside; null in the answer to a repeat."""

    bet_id: uuid.UUID
    round_id: uuid.UUID
    selection: str
    stake_minor: int
    status: str
    win_minor: int | None
    balance_minor: int | None


class TableAnswer(BaseModel):
    """The table with its newest round. `server_time` is the clock that decides what is too late."""

    table_id: str
    name: str
    stake_min_minor: int
    stake_max_minor: int
    server_time: datetime
    round_id: uuid.UUID | None
    state: str | None
    closes_at: datetime | None
    result: int | None
