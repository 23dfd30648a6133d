"""What a withdrawal is judged by: identity, money laundering, turnover, fraud. Pure: facts in, findings out.

A finding is kept with the withdrawal and shown to staff; the player is told `DENIED`, and the reason itself only where
it is theirs to know: to tell whom a suspicion is about would be tipping off.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from casino.wallet.payments.config import CheckSetting
from casino.wallet.payments.ports import Finding, Identity, Verdict

DENIED = "withdrawal_denied"
TURNOVER_OPEN = "turnover_open"
_TOLD = frozenset({TURNOVER_OPEN})


@dataclass(frozen=True, slots=True)
class Played:
    """A deposit that was credited, less what was given back of it, and what was staked since."""

    amount: int
    staked_since: int


@dataclass(frozen=True, slots=True)
class Linked:
    """What a player asked for at once: a deposit that was credited, or a withdrawal in all its parts."""

    kind: Literal["deposit", "withdrawal"]
    amount: int
    asked_at: datetime


@dataclass(frozen=True, slots=True)
class Past:
    """What is known when a withdrawal is judged.

    `request` is the withdrawal whole, with the parts that go to other instruments. `linked` is what was asked for
    lately, this one among it, `deposits` the deposits of the turnover's days, oldest first. Of the instrument:
    whether it is the player's own, as far as is known, and since when it is known. `chargebacks` are all that there
    ever were.
    """

    request: Linked
    linked: tuple[Linked, ...]
    deposits: tuple[Played, ...]
    owner_match: bool | None
    instrument_since: datetime | None
    chargebacks: int


def identity(known: Identity | None) -> tuple[Finding, ...]:
    """Who asks: an account that is verified and in good standing; nobody's account is not paid at all."""
    if known is None or known.ended:
        return (_finding("identity", "deny", "identity_unknown"),)
    if not known.verified:
        return (_finding("identity", "review", f"account_{known.status}"),)
    return (_finding("identity", "allow", "identity_verified"),)


def laundering(past: Past, setting: CheckSetting) -> tuple[Finding, ...]:
    """Large amounts, and small ones that come to a large one within the window: a person looks, and is told why.

    Where no threshold is set there is nothing to judge by, and a person looks at each.
    """
    large = setting.large_from_minor
    if large is None:
        return (_finding("laundering", "review", "aml_threshold_unset"),)
    findings = []
    asked = past.request.amount
    if asked >= large:
        findings.append(_finding("laundering", "review", "aml_large_amount", amount=asked, threshold=large))
    window = [one for one in past.linked if past.request.asked_at - one.asked_at <= _hours(setting.linked_hours)]
    for kind, reason in (("withdrawal", "aml_structuring"), ("deposit", "aml_deposits")):
        amounts = [one.amount for one in window if one.kind == kind]
        small = kind == "deposit" or all(amount < large for amount in amounts)
        if sum(amounts) >= large and (small or asked < large):
            findings.append(
                _finding("laundering", "review", reason, amount=sum(amounts), times=len(amounts), threshold=large)
            )
    return tuple(findings) or (_finding("laundering", "allow", "aml_below_threshold"),)


def turnover_open(deposits: Sequence[Played], percent: int) -> int:
    """What is still to be staked, in minor units.

    A deposit adds `percent` of its amount to what is to be staked, a stake takes its amount off, down to nothing: what
    was staked before a deposit does not count for it. So it is the largest, over the deposits, of what that deposit
    and the later ones ask for less what was staked since it.
    """
    asked, largest = 0, 0
    for one in reversed(deposits):
        asked += max(one.amount, 0) * percent
        largest = max(largest, asked - 100 * one.staked_since)
    return -(-largest // 100)


def turnover(past: Past, setting: CheckSetting) -> tuple[Finding, ...]:
    """Whether deposits were played through as often as the setting asks."""
    left = turnover_open(past.deposits, setting.turnover_percent)
    if left > 0:
        return (_finding("turnover", setting.turnover_verdict, TURNOVER_OPEN, amount=left),)
    return (_finding("turnover", "allow", "turnover_done"),)


def fraud(past: Past, setting: CheckSetting) -> tuple[Finding, ...]:
    """Somebody else's instrument, one that is new, many withdrawals at once, deposits that were charged back."""
    findings = []
    if past.owner_match is not True:
        known = past.owner_match is False
        reason = "fraud_name_differs" if known else "fraud_name_unknown"
        findings.append(_finding("fraud", "deny" if known else "review", reason))
    now = past.request.asked_at
    if past.instrument_since is None or now - past.instrument_since < _hours(setting.new_instrument_hours):
        findings.append(_finding("fraud", "review", "fraud_new_instrument", hours=setting.new_instrument_hours))
    times = sum(one.kind == "withdrawal" and now - one.asked_at < _hours(setting.velocity_hours) for one in past.linked)
    if times > setting.velocity_count:
        findings.append(_finding("fraud", "review", "fraud_velocity", times=times, hours=setting.velocity_hours))
    if past.chargebacks:
        findings.append(_finding("fraud", "review", "fraud_chargeback", times=past.chargebacks))
    return tuple(findings) or (_finding("fraud", "allow", "fraud_nothing"),)


def told_to_player(findings: Iterable[Finding]) -> str:
    """What a player is told who is denied: the reason where every one of them may be told."""
    denied = {one.reason for one in findings if one.verdict == "deny"}
    return denied.pop() if len(denied) == 1 and denied <= _TOLD else DENIED


def hands_of(actors: Iterable[str | None]) -> frozenset[uuid.UUID]:
    """The members of staff among those who acted (`staff:<id>`)."""
    found = set()
    for actor in actors:
        kind, _, name = (actor or "").partition(":")
        if kind == "staff":
            found.add(uuid.UUID(name))
    return frozenset(found)


def _finding(check: str, verdict: Verdict, reason: str, **details: int) -> Finding:
    return Finding(check, verdict, reason, details)


def _hours(hours: int) -> timedelta:
    return timedelta(hours=hours)
