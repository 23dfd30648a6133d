"""Who has to approve a withdrawal, and where its money goes. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from casino.wallet.payments.config import PaymentSetting
from casino.wallet.payments.models import Instrument
from casino.wallet.payments.ports import Finding, Verdict

_SEVERITY: dict[Verdict, int] = {"allow": 0, "review": 1, "deny": 2}


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """The most severe of all verdicts; without any check, a person looks."""
    return max((one.verdict for one in findings), key=_SEVERITY.__getitem__, default="review")


def approvals_needed(amount: int, verdict: Verdict, setting: PaymentSetting) -> int:
    """How many people have to approve: none for a small amount that every check allows, two for a large one."""
    if setting.four_eyes_from_minor is not None and amount >= setting.four_eyes_from_minor:
        return 2
    return 0 if verdict == "allow" and amount < setting.auto_approve_below_minor else 1


@dataclass(frozen=True, slots=True)
class Portion:
    """A part of a withdrawal and the instrument that it goes to."""

    instrument_id: uuid.UUID
    amount: int


def may_be_paid(instrument: Instrument, player_id: uuid.UUID) -> bool:
    """Whether money may go there: verified, and the player's own."""
    return instrument.player_id == player_id and instrument.verified and instrument.owner_match is True


def split(
    amount: int, wanted: Instrument, instruments: Mapping[uuid.UUID, Instrument], net: Mapping[uuid.UUID, int]
) -> tuple[list[Portion], bool]:
    """The parts of a withdrawal by the closed loop, and whether the loop holds.

    Money goes back first to where it came from, up to what each instrument brought: the wanted one, then in the order
    of `net`. What is left, winnings, goes to the wanted one. An instrument that may not be paid to is passed over;
    then the loop does not hold, and a person decides.
    """
    left, parts, holds = amount, dict[uuid.UUID, int](), True
    brought = {wanted.instrument_id: net.get(wanted.instrument_id, 0)} | dict(net)
    for instrument_id, deposited in brought.items():
        part = min(max(deposited, 0), left)
        if part == 0:
            continue
        instrument = instruments.get(instrument_id)
        if instrument is None or not may_be_paid(instrument, wanted.player_id):
            holds = False
            continue
        parts[instrument_id] = part
        left -= part
    if left:
        parts[wanted.instrument_id] = parts.get(wanted.instrument_id, 0) + left
    return [Portion(instrument_id, part) for instrument_id, part in parts.items()], holds
