"""The life of a player's account as a state machine. Pure: who may cause which step, and what each state allows."""

from __future__ import annotations

from enum import StrEnum

from casino.kernel.errors import CasinoError


class Status(StrEnum):
    """`merged` and the erasure of a closed account are ends; `self_excluded` is set by responsible gaming alone."""

    PENDING_VERIFICATION = "pending_verification"
    ACTIVE = "active"
    RESTRICTED = "restricted"
    SUSPENDED = "suspended"
    SELF_EXCLUDED = "self_excluded"
    DORMANT = "dormant"
    CLOSED = "closed"
    MERGED = "merged"


class Actor(StrEnum):
    """Who causes a step."""

    PLAYER = "player"
    STAFF = "staff"
    SYSTEM = "system"
    RESPONSIBLE_GAMING = "responsible_gaming"


class TransitionRefused(CasinoError):
    status, code = 409, "STATUS_TRANSITION_REFUSED"
    rule = "an account's status changes only as its life allows (docs/players.md)"
    remedy = "Look at the account's status; another step may lead there."


S, A = Status, Actor
_JUDGED = frozenset({A.STAFF, A.SYSTEM})
_EXCLUDED = frozenset({A.RESPONSIBLE_GAMING})
_ENDED = frozenset({A.PLAYER, A.STAFF})
_STAFF = frozenset({A.STAFF})
_SYSTEM = frozenset({A.SYSTEM})

TRANSITIONS: dict[tuple[Status, Status], frozenset[Actor]] = {
    (S.PENDING_VERIFICATION, S.ACTIVE): _JUDGED,
    (S.PENDING_VERIFICATION, S.RESTRICTED): _JUDGED,
    (S.PENDING_VERIFICATION, S.SUSPENDED): _JUDGED,
    (S.PENDING_VERIFICATION, S.CLOSED): _ENDED | _SYSTEM,
    (S.ACTIVE, S.RESTRICTED): _JUDGED,
    (S.ACTIVE, S.SUSPENDED): _JUDGED,
    (S.ACTIVE, S.DORMANT): _SYSTEM,
    (S.ACTIVE, S.CLOSED): _ENDED,
    (S.RESTRICTED, S.ACTIVE): _JUDGED,
    (S.RESTRICTED, S.SUSPENDED): _JUDGED,
    (S.RESTRICTED, S.CLOSED): _ENDED,
    (S.SUSPENDED, S.ACTIVE): _STAFF,
    (S.SUSPENDED, S.RESTRICTED): _STAFF,
    (S.SUSPENDED, S.CLOSED): _STAFF,
    (S.SELF_EXCLUDED, S.ACTIVE): _EXCLUDED,
    (S.SELF_EXCLUDED, S.RESTRICTED): _EXCLUDED,
    (S.SELF_EXCLUDED, S.CLOSED): _STAFF,
    (S.DORMANT, S.ACTIVE): frozenset({A.PLAYER, A.STAFF}),
    (S.DORMANT, S.SUSPENDED): _JUDGED,
    (S.DORMANT, S.CLOSED): _ENDED,
    (S.CLOSED, S.PENDING_VERIFICATION): _STAFF,
    # Everybody may be excluded at any time, also who closed the account before: it might be opened again.
    **{(origin, S.SELF_EXCLUDED): _EXCLUDED for origin in S if origin not in (S.SELF_EXCLUDED, S.MERGED)},
    # A duplicate ends whatever state it was in; what it was bound by goes over to the surviving account.
    **{(origin, S.MERGED): _STAFF for origin in S if origin is not S.MERGED},
}

_MAY_LOG_IN = frozenset({S.PENDING_VERIFICATION, S.ACTIVE, S.RESTRICTED, S.DORMANT})
_MAY_PLAY = frozenset({S.ACTIVE})


def require_transition(origin: Status, target: Status, actor: Actor) -> None:
    """Refuse with TransitionRefused a step that the life of an account does not have, or that is another's to take."""
    if actor not in TRANSITIONS.get((origin, target), ()):
        raise TransitionRefused(f"An account that is {origin} does not become {target} by {actor}.")


def may_log_in(status: Status) -> bool:
    """Whether a session may be opened. A suspended, excluded, closed or merged account has none."""
    return status in _MAY_LOG_IN


def may_play(status: Status) -> bool:
    """Whether the account may deposit and bet, as far as its status goes."""
    return status in _MAY_PLAY


def strictest(first: Status, second: Status) -> Status:
    """The status that survives a merge: no account gets out of an exclusion or a suspension by being merged."""
    order = (S.SELF_EXCLUDED, S.SUSPENDED, S.RESTRICTED)
    return min(first, second, key=lambda status: order.index(status) if status in order else len(order))
