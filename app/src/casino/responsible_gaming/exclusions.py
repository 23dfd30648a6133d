"""Exclusions: who may not play, until when, and how they come back. Pure.

`self_exclusion` is the player's for months, or without an end; `time_out` the player's for days; `mandatory` is
staff's; `register` follows a national register. All of them bar play and deposits; none bars a withdrawal.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from casino.compliance.api import Rules
from casino.kernel.errors import CasinoError

ExclusionKind = Literal["self_exclusion", "time_out", "mandatory", "register"]
CLOSES_ACCOUNT: frozenset[str] = frozenset({"self_exclusion", "mandatory", "register"})
"""Kinds that end sessions and let nobody log in, unless the rules let them in to withdraw."""
FOREVER = datetime.max.replace(tzinfo=UTC)


class ExclusionTooShort(CasinoError):
    status, code = 422, "EXCLUSION_TOO_SHORT"
    rule = "self_exclusion_minimum_days"
    remedy = "Choose a longer time, or exclude yourself without an end; for some days there is the time-out."


class TimeOutTooLong(CasinoError):
    status, code = 422, "TIME_OUT_TOO_LONG"
    rule = "time_out_maximum_days"
    remedy = "Choose a shorter time, or exclude yourself."


class ReturnRefused(CasinoError):
    status, code = 409, "RETURN_REFUSED"
    rule = "self_exclusion_ends"
    remedy = "Come back when the exclusion's time is over; nobody can shorten it."


@dataclass(frozen=True, slots=True)
class Exclusion:
    """`until` is None for one without an end. `return_at`: from when on who asked to come back may."""

    exclusion_id: uuid.UUID
    kind: ExclusionKind
    began_at: datetime
    until: datetime | None
    asked_at: datetime | None = None
    return_at: datetime | None = None
    ended_at: datetime | None = None


def require_length(rules: Rules, kind: ExclusionKind, days: int | None) -> None:
    """Refuse a self-exclusion that is shorter, or a time-out that is longer, than the rules have it."""
    if kind == "self_exclusion" and days is not None and days < rules.self_exclusion_minimum_days:
        raise ExclusionTooShort(f"An exclusion lasts at least {rules.self_exclusion_minimum_days} days here.")
    if kind == "time_out" and (days is None or days > rules.time_out_maximum_days):
        raise TimeOutTooLong(f"A time-out lasts at most {rules.time_out_maximum_days} days here.")


def may_ask_from(rules: Rules, exclusion: Exclusion) -> datetime:
    """From when on a player may ask to come back: the end, or of one without an end, after the shortest time."""
    days = max(rules.self_exclusion_minimum_days, rules.self_exclusion_endless_days)
    return exclusion.until or exclusion.began_at + timedelta(days=days)


def ask_to_return(rules: Rules, exclusion: Exclusion, now: datetime) -> Exclusion:
    """The exclusion after its player asked to come back; it ends `self_exclusion_return_hours` later.

    Raises ReturnRefused before its time, and for what is not the player's to end.
    """
    if exclusion.kind != "self_exclusion":
        raise ReturnRefused("This is not an exclusion that its player ends.")
    if now < may_ask_from(rules, exclusion):
        raise ReturnRefused("The exclusion's time is not over.")
    if exclusion.asked_at is not None:
        return exclusion
    return replace(exclusion, asked_at=now, return_at=now + timedelta(hours=rules.self_exclusion_return_hours))


def is_over(rules: Rules, exclusion: Exclusion, now: datetime) -> bool:
    """Whether an exclusion's time has come to an end, so that it may be ended without anybody's leave."""
    if exclusion.ended_at is not None:
        return True
    match exclusion.kind:
        case "time_out" | "mandatory":
            return exclusion.until is not None and now >= exclusion.until
        case "register":
            return False  # it ends when the register says so
        case "self_exclusion":
            if exclusion.return_at is not None:
                return now >= max(exclusion.return_at, may_ask_from(rules, exclusion))
            ends_itself = rules.self_exclusion_ends == "automatically" and exclusion.until is not None
            return ends_itself and exclusion.until is not None and now >= exclusion.until


def barred_until(rules: Rules, exclusions: Iterable[Exclusion], now: datetime) -> datetime | None:
    """Until when at least nobody plays: None for who is not excluded, `FOREVER` where an end is not known.

    An end that comes by itself is told as it is, so that the wallet lets go of it even when nobody tells it to.
    """
    ends: list[datetime] = []
    for exclusion in exclusions:
        if is_over(rules, exclusion, now):
            continue
        of_itself = exclusion.kind in ("time_out", "mandatory") or (
            exclusion.kind == "self_exclusion" and rules.self_exclusion_ends == "automatically"
        )
        ends.append(exclusion.until if of_itself and exclusion.until is not None else FOREVER)
    return max(ends, default=None)


def closes_account(rules: Rules, exclusions: Iterable[Exclusion], now: datetime) -> bool:
    """Whether the account is to be `self_excluded`: a time-out bars play and leaves the rest as it is."""
    return any(one.kind in CLOSES_ACCOUNT and not is_over(rules, one, now) for one in exclusions)
