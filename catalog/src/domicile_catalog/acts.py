"""What may still be done in a casino, by the state that is asked for it (docs/adr/0034-a-tenants-life.md).

One table: the operator writes by it, and the API server's policy on loosening is generated from it.
"""

from collections.abc import Iterable
from enum import StrEnum


class Act(StrEnum):
    """What differs in law: to take on a player, a deposit, a stake, and to pay out."""

    DEPOSIT = "deposit"
    REGISTER = "register"
    STAKE = "stake"
    WITHDRAW = "withdraw"


class State(StrEnum):
    """What may be asked for as `spec.state` of a tenant, the widest first."""

    LIVE = "Live"
    CLOSED_TO_NEW_PLAYERS = "ClosedToNewPlayers"
    WITHDRAW_ONLY = "WithdrawOnly"
    SUSPENDED = "Suspended"


Acts = frozenset[Act]

EVERYTHING: Acts = frozenset(Act)
PAYING_OUT: Acts = frozenset({Act.WITHDRAW})
"""What is left where play has ended: players are owed their balances under every law."""
NOTHING: Acts = frozenset()

GIVES: dict[State, Acts] = {
    State.LIVE: EVERYTHING,
    State.CLOSED_TO_NEW_PLAYERS: EVERYTHING - {Act.REGISTER},
    State.WITHDRAW_ONLY: PAYING_OUT,
    State.SUSPENDED: NOTHING,
}


def acts_of(state: State, *, withdrawals: bool = False) -> Acts:
    """What a state allows; `withdrawals` is what the order of a suspension leaves (`spec.suspension.withdrawals`)."""
    return PAYING_OUT if state is State.SUSPENDED and withdrawals else GIVES[state]


def name_of(acts: Acts, *, suspended: bool = False) -> State:
    """The state's name for a set of acts; a suspension that leaves withdrawals is one still.

    The sets of the table lie within each other, so an intersection of some of them is one of them.
    """
    if suspended and acts <= PAYING_OUT:
        return State.SUSPENDED
    return next(state for state, gives in GIVES.items() if gives == acts)


def listed(acts: Iterable[Act]) -> list[str]:
    """The acts as they are written: sorted."""
    return sorted(act.value for act in acts)
