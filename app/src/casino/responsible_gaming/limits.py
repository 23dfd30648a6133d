"""A player's limit over time: it tightens at once, and loosens when its time has come. Pure.

Amounts are minor units, of a `session` minutes; `None` means that there is no limit, which is looser than any.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from casino.compliance.api import LimitRule, Rules
from casino.kernel.errors import CasinoError
from casino.kernel.money import format_minor
from casino.responsible_gaming.windows import Period

Kind = Literal["deposit", "loss", "stake", "session"]
KINDS: tuple[Kind, ...] = ("deposit", "loss", "stake", "session")
Origin = Literal["player", "staff"]
Change = Literal["tightened", "loosening_asked", "loosening_withdrawn", "loosened"]
Place = tuple[Kind, Period]


class LimitNotWaiting(CasinoError):
    status, code = 409, "LIMIT_NOT_WAITING"
    rule = "limit_loosening_hours"
    remedy = "Ask for the limit first; it can be confirmed when its waiting time is over."


class LimitAboveMaximum(CasinoError):
    status, code = 422, "LIMIT_ABOVE_MAXIMUM"
    rule = "limits"
    remedy = "Choose a lower limit."


@dataclass(frozen=True, slots=True)
class Limit:
    """`value` is in force. Where a looser one was asked for, `waiting` takes its place from `effective_at` on."""

    value: int | None = None
    waiting: int | None = None
    effective_at: datetime | None = None

    @property
    def loosening(self) -> bool:
        """Whether a looser limit waits; `waiting` alone does not tell, since that may be none."""
        return self.effective_at is not None


def looser(one: int | None, other: int | None) -> bool:
    """Whether `one` lets through more than `other`."""
    return other is not None and (one is None or one > other)


def ask(limit: Limit, wanted: int | None, now: datetime, cooling: timedelta) -> tuple[Limit, Change | None]:
    """The limit after somebody asked for another value, and what that was; None when nothing changed.

    A tighter value is in force at once and takes back what waited. A looser one waits for the cooling period; asked
    for again it begins to wait anew, unless it is what waits already. To ask for what is in force takes back what
    waits.
    """
    if looser(wanted, limit.value):
        if limit.loosening and limit.waiting == wanted:
            return limit, None
        return Limit(limit.value, wanted, now + cooling), "loosening_asked"
    if wanted == limit.value:
        return (Limit(limit.value), "loosening_withdrawn") if limit.loosening else (limit, None)
    return Limit(wanted), "tightened"


def settle(limit: Limit, now: datetime, *, confirmed: bool) -> tuple[Limit, bool]:
    """The limit as it is at a moment: what waited long enough, and needs no confirmation any more, is in force."""
    if limit.effective_at is None or now < limit.effective_at or not confirmed:
        return limit, False
    return Limit(limit.waiting), True


def confirm(limit: Limit, now: datetime) -> Limit:
    """The limit after its player confirmed what waited. Raises LimitNotWaiting before its time."""
    settled, changed = settle(limit, now, confirmed=True)
    if not changed:
        raise LimitNotWaiting("No looser limit waits to be confirmed now.")
    return settled


def merge(one: Limit, other: Limit) -> Limit:
    """The limit of two accounts that become one: the tighter of both, and nothing that waits."""
    return replace(one if looser(other.value, one.value) else other, waiting=None, effective_at=None)


def require_within(rules: Rules, place: Place, wanted: int | None) -> None:
    """Refuse with LimitAboveMaximum a limit that is above the rule's, which binds all the same."""
    for rule in rules.limits:
        if (rule.kind, rule.period) != place or rule.maximum is None or wanted is None or wanted <= rule.maximum:
            continue
        most = f"{rule.maximum} minutes"
        if rule.kind != "session":
            most = format_minor(rule.maximum, rules.currency, rules.currency_exponent)
        raise LimitAboveMaximum(f"No {rule.kind} limit of a {rule.period} is above {most} here.")


def in_force(rules: Iterable[LimitRule], limits: Mapping[tuple[Place, Origin], Limit]) -> dict[Place, int]:
    """What binds a player: for each kind and period the tightest of their own limit, staff's and the rules'.

    The rules' default stands in for a limit that the player has not set; the rules' maximum binds always.
    """
    told = {(rule.kind, rule.period): rule for rule in rules}
    found: dict[Place, int] = {}
    for place in {*told, *(place for place, _ in limits)}:
        own = limits.get((place, "player"), Limit()).value
        rule = told.get(place)
        if own is None and rule is not None:
            own = rule.default
        staff = limits.get((place, "staff"), Limit()).value
        values = [own, staff, rule.maximum if rule is not None else None]
        present = [value for value in values if value is not None]
        if present:
            found[place] = min(present)
    return found


def missing_kinds(kinds: Iterable[Kind], limits: Mapping[tuple[Place, Origin], Limit]) -> list[Kind]:
    """Kinds of limit that a player has to set for any period before the first deposit, and has set for none."""
    own = {kind for ((kind, _), origin), limit in limits.items() if origin == "player" and limit.value is not None}
    return [kind for kind in kinds if kind not in own]


def missing(rules: Iterable[LimitRule], limits: Mapping[tuple[Place, Origin], Limit]) -> list[Place]:
    """Limits that a player has to set before the first deposit, and has not."""
    return [
        (rule.kind, rule.period)
        for rule in rules
        if rule.required and limits.get(((rule.kind, rule.period), "player"), Limit()).value is None
    ]
