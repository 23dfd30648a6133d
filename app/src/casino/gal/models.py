"""Bodies of the games' interface."""

from __future__ import annotations

import uuid

from pydantic import BaseModel

from casino.kernel.http import AmountMinor, Body


class SpinRequest(Body):
    stake_minor: AmountMinor


class LineWinAnswer(BaseModel):
    line: int
    symbol: str
    count: int
    win_minor: int


class SpinAnswer(BaseModel):
    """`reels` are the visible symbols, reel by reel from the top; `balance_minor` is the balance after the round."""

    round_id: uuid.UUID
    stake_minor: int
    win_minor: int
    balance_minor: int
    reels: list[list[str]]
    wins: list[LineWinAnswer]


class GameAnswer(BaseModel):
    """`rtp` is in percent with two decimals; `stakes_minor` are the stakes that this player may choose.

    `paylines` names, for each line, a row from the top for each reel.
    """

    game_id: str
    name: str
    version: str
    rtp: str
    stakes_minor: list[int]
    paylines: list[list[int]]


class GamesAnswer(BaseModel):
    games: list[GameAnswer]
