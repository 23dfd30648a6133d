"""The course of a table's round. Pure: every moment is handed in, from the one clock.

    open -> closed -> resulted -> settled
      |        |
      +--------+--> voided

A round that has a result is settled by it; there is no way from a result to another one, or to none.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

State = Literal["open", "closed", "resulted", "settled", "voided"]
Step = Literal["close", "result", "settle"]


class NotAllowed(Exception):
    """The round's state does not lead there, or not yet."""


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds: for bets, and from their end to the result, in which bets that were in time still arrive."""

    bets_s: float
    result_s: float


@dataclass(frozen=True, slots=True)
class LiveRound:
    """A round as it stands. `closes_at` is decided when it opens, and told to the players."""

    round_id: uuid.UUID
    table_id: str
    state: State
    opened_at: datetime
    closes_at: datetime
    closed_at: datetime | None = None
    result: int | None = None
    resulted_at: datetime | None = None
    ended_at: datetime | None = None

    @property
    def is_over(self) -> bool:
        return self.state in ("settled", "voided")


@dataclass(frozen=True, slots=True)
class Transition:
    """A round before (None: there was none) and after, and what is told of it: an event's type and payload."""

    before: LiveRound | None
    after: LiveRound
    event: str
    payload: Mapping[str, Any]


def open_bets(round_id: uuid.UUID, table_id: str, timing: Timing, now: datetime) -> Transition:
    """A new round, that takes bets from now on."""
    after = LiveRound(round_id, table_id, "open", now, now + timedelta(seconds=timing.bets_s))
    return _told(None, after, "gal.live_opened", closes_at=after.closes_at.isoformat())


def accepts(round_: LiveRound, received_at: datetime) -> bool:
    """Whether a bet that was received at a moment of the server's clock is in time."""
    return round_.state == "open" and round_.opened_at <= received_at < round_.closes_at


def close_bets(round_: LiveRound, now: datetime) -> Transition:
    """No more bets. Raises NotAllowed before the time that was told."""
    _require(round_, "open")
    if now < round_.closes_at:
        raise NotAllowed("bets are open until the time that was told")
    return _told(round_, replace(round_, state="closed", closed_at=now), "gal.live_closed")


def give_result(round_: LiveRound, result: int, now: datetime) -> Transition:
    """The result, of which there is one. Raises NotAllowed while bets are open."""
    _require(round_, "closed")
    after = replace(round_, state="resulted", result=result, resulted_at=now)
    return _told(round_, after, "gal.live_resulted", result=result)


def settle(round_: LiveRound, now: datetime, *, bets: int, staked_minor: int, won_minor: int) -> Transition:
    """The wallet has settled all its bets."""
    _require(round_, "resulted")
    after = replace(round_, state="settled", ended_at=now)
    return _told(
        round_, after, "gal.live_settled",
        result=round_.result, bets=bets, staked_minor=staked_minor, won_minor=won_minor,
    )  # fmt: skip


def void(round_: LiveRound, reason: str, now: datetime) -> Transition:
    """The round does not count, and all stakes go back. Raises NotAllowed once there is a result."""
    _require(round_, "open", "closed")
    return _told(round_, replace(round_, state="voided", ended_at=now), "gal.live_voided", reason=reason)


def due(round_: LiveRound, timing: Timing, now: datetime) -> Step | None:
    """What the round waits for, if it is time for it."""
    if round_.state == "open" and now >= round_.closes_at:
        return "close"
    if round_.state == "closed" and round_.closed_at and now >= round_.closed_at + timedelta(seconds=timing.result_s):
        return "result"
    return "settle" if round_.state == "resulted" else None


def _require(round_: LiveRound, *states: State) -> None:
    if round_.state not in states:
        raise NotAllowed(f"the round is {round_.state}")


def _told(before: LiveRound | None, after: LiveRound, event: str, **payload: Any) -> Transition:
    return Transition(
        before, after, event, {"round_id": str(after.round_id), "table_id": after.table_id, "state": after.state}
        | payload,
    )  # fmt: skip
