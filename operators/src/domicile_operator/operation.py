"""What may be done in a casino: from what is asked for it, its licence and the law to one numbered record. Pure.

Each source gives a set of acts, and what is allowed is their intersection (docs/adr/0034-a-tenants-life.md). The
casino reads the record as operation.json; its ledger takes each revision once and refuses an older one.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domicile_catalog import Act, State
from domicile_catalog.acts import EVERYTHING, GIVES, NOTHING, PAYING_OUT, Acts, acts_of, listed, name_of

from domicile_operator.conditions import timestamp

ONBOARDING = "Onboarding"
REASON_LIMIT = 512
"""Characters of `reason`, which is printable ASCII: with any of them the file stays within its size."""
SIZE_LIMIT = 4096
"""Bytes of operation.json."""
REVISION_LIMIT = 10**15
"""Of a revision of a record."""
TOLD_LIMIT = 10**12
"""Of a revision that an annotation or a pod tells: no word of theirs brings the next ones near the limit."""

_ASKED = {
    State.CLOSED_TO_NEW_PLAYERS: "The casino takes on no new players.",
    State.WITHDRAW_ONLY: "The casino has ended play; players withdraw their balances.",
    State.SUSPENDED: "The casino is suspended.",
}
_SETTING_UP = "The casino is being set up."
_NOT_REOPENED = "Play had ended, and nobody has opened it anew since."


@dataclass(frozen=True)
class Closing:
    """What ends play: `at` an instant (aware), or now where None, for as long as it is found. `why` is one sentence for
    the casino's staff, and names no person."""

    at: datetime | None
    why: str


@dataclass(frozen=True)
class Sources:
    """What is asked for a tenant, and what licence and law close.

    `asked` is false where licence or law could not be asked, or not all of it: then nothing opens by this.
    """

    state: State = State.LIVE
    withdrawals: bool = False
    closings: tuple[Closing, ...] = ()
    asked: bool = True


@dataclass(frozen=True)
class Operation:
    """What may be done. From `play_until` on only `withdraw` of the acts is left, by the casino's own clock.

    `state` is the name of the set, `reason` a sentence why it is not everything.
    """

    state: str
    acts: Acts
    play_until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True)
class Record:
    """An operation with its number, which rises by one or more with every change."""

    revision: int
    operation: Operation


def wanted(spec: Mapping[str, Any]) -> Sources:
    """What a spec asks for, read from it as it stands: one that cannot be parsed, or a cell that cannot be read, must
    not keep a suspension from taking effect. A word that this operator does not know allows nothing."""
    try:
        state = State(spec.get("state", State.LIVE))
    except ValueError:
        return Sources(State.SUSPENDED, asked=False)
    suspension = spec.get("suspension")
    leaves = isinstance(suspension, Mapping) and suspension.get("withdrawals") is True
    return Sources(state, withdrawals=leaves, asked=False)


def operate(sources: Sources, *, onboarded: bool, before: Operation | None, now: datetime) -> Operation | None:
    """What may be done at `now` (aware). `before` is the last that was written, or None where nothing ever was.

    None where there is nothing to go by: nothing was written yet, and licence and law cannot be asked.

    What ended by time stays so: a licence that is renewed after its end, or a law that allows again, opens nothing
    until `spec.state` has said that play is over (`WithdrawOnly`, `Suspended`). Going on from there takes the right
    to loosen.
    """
    if before is None and not sources.asked:
        return None
    asked = acts_of(sources.state, withdrawals=sources.withdrawals)
    causes = [(asked, _ASKED.get(sources.state, ""))]
    if not onboarded:
        causes.insert(0, (NOTHING, _SETTING_UP))
    causes += [(PAYING_OUT, one.why) for one in sources.closings if one.at is None or one.at <= now]
    ends = [one.at for one in sources.closings if one.at is not None]
    if before is not None and before.play_until is not None and must_be_reopened(sources, before, now):
        ends.append(before.play_until)
        causes.append((PAYING_OUT, _NOT_REOPENED))
    if before is not None and not sources.asked:
        causes.append((before.acts, before.reason))
        if before.play_until is not None:
            ends.append(before.play_until)
    acts = frozenset.intersection(*(gives for gives, _ in causes))
    return Operation(
        name_of(acts, suspended=sources.state is State.SUSPENDED) if onboarded else ONBOARDING,
        acts,
        min(ends, default=None),
        "" if acts == EVERYTHING else min(causes, key=lambda cause: len(cause[0]))[1][:REASON_LIMIT],
    )


def must_be_reopened(sources: Sources, before: Operation | None, now: datetime) -> bool:
    """Whether play ended by time before, and `spec.state` still asks for it as if nothing had been."""
    ended = before is not None and before.play_until is not None and before.play_until <= now
    return ended and not acts_of(sources.state, withdrawals=sources.withdrawals) <= PAYING_OUT


def revise(operation: Operation, standing: Record | None, given_out: int) -> Record:
    """The record to write. `standing` is the one in the cluster, `given_out` the highest revision known elsewhere.

    A revision never bears two contents: what differs from what stands, or stands behind, gets a new one.
    """
    if standing is not None and standing.operation == operation and standing.revision >= given_out:
        return standing
    return Record(max(given_out, standing.revision if standing else 0) + 1, operation)


def to_json(record: Record) -> str:
    """The text of operation.json."""
    operation = record.operation
    written = {
        "revision": record.revision,
        "state": operation.state,
        "acts": listed(operation.acts),
        "play_until": timestamp(operation.play_until) if operation.play_until else None,
        "reason": operation.reason,
    }
    return json.dumps(written, indent=1) + "\n"


def from_json(text: str) -> Record | None:
    """The record that a text holds, or None for anything that this operator would not have written."""
    try:
        written = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return from_fields(written, "play_until") if isinstance(written, dict) else None


def from_fields(written: Mapping[str, Any], play_until: str) -> Record | None:
    """Likewise from fields: of operation.json, or of `status.operation`, which calls one of them otherwise and has
    neither state nor reason."""
    revision, until = written.get("revision"), written.get(play_until)
    state, reason = written.get("state", ""), written.get("reason", "")
    try:
        acts = frozenset(Act(act) for act in written.get("acts", ()))
        end = datetime.fromisoformat(until) if until is not None else None
    except (TypeError, ValueError):
        return None
    if not isinstance(revision, int) or isinstance(revision, bool) or not 1 <= revision <= REVISION_LIMIT:
        return None
    if acts not in GIVES.values() or not isinstance(state, str) or not isinstance(reason, str):
        return None
    if len(reason) > REASON_LIMIT or not (reason.isascii() and reason.isprintable()):
        return None
    if end is not None and end.tzinfo is None:
        return None
    return Record(revision, Operation(state, acts, end, reason))
