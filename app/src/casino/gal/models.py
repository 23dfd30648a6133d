"""Bodies of the games' interface."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from casino.gal.rounds.models import JackpotPart, JackpotWinAnswer, RoundGameAnswer
from casino.kernel.http import AmountMinor, Body


class SpinRequest(Body):
    stake_minor: AmountMinor


class LineWinAnswer(BaseModel):
    line: int
    symbol: str
    count: int
    win_minor: int


class SpinAnswer(BaseModel):
    """`reels` are the visible symbols, reel by reel from the top; `balance_minor` is the balance after the round, with
    what it won of a jackpot."""

    round_id: uuid.UUID
    stake_minor: int
    win_minor: int
    balance_minor: int
    reels: list[list[str]]
    wins: list[LineWinAnswer]
    jackpot: JackpotWinAnswer | None = None


class GameAnswer(BaseModel):
    """`rtp` is in percent with two decimals, without the `jackpot`'s part; `stakes_minor` are the stakes that this
    player may choose.

    `paylines` names, for each line, a row from the top for each reel.
    """

    game_id: str
    name: str
    version: str
    rtp: str
    stakes_minor: list[int]
    paylines: list[list[int]]
    jackpot: JackpotPart | None = None


class StudioGameAnswer(BaseModel):
    """A game of an external studio: opened by POST /api/v1/games/{game_id}/launch, and played there."""

    game_id: str
    name: str
    studio: str
    studio_name: str


class GamesAnswer(BaseModel):
    """The casino's own games, and those of studios; all are enabled, and approved in this jurisdiction.

    `games` are played by POST /api/v1/games/{game_id}/spins, `round_games` by POST /api/v1/games/{game_id}/rounds.
    """

    games: list[GameAnswer]
    round_games: list[RoundGameAnswer]
    studio_games: list[StudioGameAnswer]


class JackpotAnswer(BaseModel):
    """`meter_minor` is what stands in it now; one with `must_hit_by_minor` is won before it reaches that."""

    name: str
    kind: Literal["fixed", "progressive", "must_hit_by"]
    meter_minor: int
    currency: str
    must_hit_by_minor: int | None
    games: list[str]


class JackpotsAnswer(BaseModel):
    """The jackpots of the games on offer. The topic `jackpot:<name>` of real time tells when one changes."""

    jackpots: list[JackpotAnswer]


class LaunchAnswer(BaseModel):
    """`launch_url` is for this player alone; who opens it plays with their money until `expires_at`."""

    session_id: uuid.UUID
    launch_url: str
    expires_at: datetime


class FreeRoundsAnswer(BaseModel):
    """What is left of a grant; `bet_minor` is what each round counts as if it were staked."""

    grant_id: uuid.UUID
    game_id: str
    rounds_left: int
    bet_minor: int
    expires_at: datetime


class FreeRoundsList(BaseModel):
    free_rounds: list[FreeRoundsAnswer]
