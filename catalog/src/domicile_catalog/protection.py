"""What the law says of the protection of players, in the casino's words (docs/responsible-gaming.md). Pure."""

from calendar import monthrange
from collections.abc import Collection, Iterable
from typing import Any, Literal

from domicile_catalog.forms import Frozen, MoneyCap, TimeOut
from domicile_catalog.play_law import PlayLaw
from domicile_catalog.vocabulary import Demand, LimitKind, Moment, Period

COUNTED_OVER: dict[Period, Literal["day", "week", "month"]] = {
    Period.DAY: "day",
    Period.WEEK: "week",
    Period.MONTH: "month",
}
"""The periods that the casino counts over. It has no caps of a spin or a session."""

LIMITED_AS = {
    LimitKind.DEPOSIT: "deposit",
    LimitKind.LOSS: "loss",
    LimitKind.STAKE: "stake",
    LimitKind.TIME: "session",
}
"""The limits that players can set in the casino. It has none of the balance."""


ASKED_AT: dict[Moment, str] = {
    Moment.REGISTRATION: "registration",
    Moment.LOGIN: "login",
    Moment.SESSION: "login",
    Moment.DEPOSIT: "deposit",
    Moment.WAGER: "deposit",
    Moment.MARKETING: "marketing",
}
"""The moments at which the casino can ask a register. A session begins with a log-in; no bet waits for a register, so
where the law names wagers the deposits are asked about too. It has none of payouts."""

ALWAYS_ASKED_AT = ("registration", "login")
"""Wherever there is a register, whatever the law is known to say of moments: who is on it may neither open an account
nor play, and registration alone would never find who comes onto it later."""


class PlayLimit(Frozen):
    """What nobody is let beyond in a period, in minor units."""

    kind: Literal["deposit", "loss"]
    period: Literal["day", "week", "month"]
    maximum: int


def protection_options(law: PlayLaw) -> dict[str, Any]:
    """The options of rules.json about protection; None where the law says nothing, or nothing of that kind."""
    months = law.fact("self_exclusion_minimum_months").value
    required = law.fact("limits_required").value or ()
    caps = [*_maxima("deposit", law.fact("deposit_cap").value), *_maxima("loss", law.fact("loss_cap").value)]
    return {
        "limits": tuple(caps) or None,
        "limit_kinds_required": tuple(LIMITED_AS[kind] for kind in required if kind in LIMITED_AS) or None,
        "limit_loosening_hours": law.fact("limit_increase_hours").value,
        "self_exclusion_minimum_days": None if months is None else longest_days(months),
        "time_out_maximum_days": _longest_time_out(law.fact("time_out").value),
        "limit_loosening_confirmed": demanded(law.fact("limit_increase_confirmation").value),
        "reality_check_minutes": law.fact("reality_check_minutes").value,
        "reality_check_acknowledged": demanded(law.fact("reality_check_acknowledgement").value),
    }


def register_options(law: PlayLaw, registers: Collection[str] | None) -> dict[str, Any]:
    """The register of excluded persons that the casino asks, and when; nothing where the law has none.

    `registers` are the names of those that the casino can reach: one that it cannot is left out, and it is for who
    builds the casino to refuse or to say so. None leaves nothing out.
    """
    name = law.fact("self_exclusion_register").value
    if name is None or (registers is not None and name not in registers):
        return {}
    named = law.fact("register_check_moments").value or ()
    told = {*ALWAYS_ASKED_AT, *(ASKED_AT[moment] for moment in named if moment in ASKED_AT)}
    moments = tuple(moment for moment in dict.fromkeys(ASKED_AT.values()) if moment in told)
    return {"exclusion_register": name, "exclusion_register_moments": moments}


def demanded(asked: Demand | None) -> bool | None:
    """Whether something is asked for; None where nobody knows."""
    return None if asked is None else asked is Demand.REQUIRED


def _maxima(kind: Literal["deposit", "loss"], caps: Iterable[MoneyCap] | None) -> Iterable[PlayLimit]:
    """A maximum for each period: of several ages the lowest, since the casino has one for everybody."""
    for period, counted in COUNTED_OVER.items():
        amounts = [cap.amount_minor for cap in caps or () if cap.period is period]
        if amounts:
            yield PlayLimit(kind=kind, period=counted, maximum=min(amounts))


def longest_days(months: int) -> int:
    """The most days that so many calendar months can have, whenever they begin."""
    # Four years have every way that months can follow each other, but for the centuries, which have fewer days.
    lengths = [monthrange(2024 + at // 12, at % 12 + 1)[1] for at in range(48)]
    return max(sum(lengths[(begin + at) % 48] for at in range(months)) for begin in range(48))


def _longest_time_out(asked: TimeOut | None) -> int | None:
    """The longest pause that players must be able to take, in whole days.

    Where the law names one length alone, that one must be on offer, and the casino offers any up to its default.
    """
    if asked is None or asked.maximum_hours is None or asked.maximum_hours == asked.minimum_hours:
        return None
    return -(-asked.maximum_hours // 24)
