"""The table of states and what each allows."""

import itertools

import pytest
from domicile_catalog.acts import EVERYTHING, GIVES, NOTHING, PAYING_OUT, Act, State, acts_of, name_of

ASKED = [(state, withdrawals) for state in State for withdrawals in (False, True)]


def test_the_table_says_what_the_decision_says() -> None:
    assert acts_of(State.LIVE) == {Act.REGISTER, Act.DEPOSIT, Act.STAKE, Act.WITHDRAW}
    assert acts_of(State.CLOSED_TO_NEW_PLAYERS) == {Act.DEPOSIT, Act.STAKE, Act.WITHDRAW}
    assert acts_of(State.WITHDRAW_ONLY) == {Act.WITHDRAW}
    assert acts_of(State.SUSPENDED) == NOTHING
    assert acts_of(State.SUSPENDED, withdrawals=True) == PAYING_OUT


def test_what_a_suspension_leaves_widens_no_other_state() -> None:
    for state in State:
        if state is not State.SUSPENDED:
            assert acts_of(state, withdrawals=True) == acts_of(state) == GIVES[state]


def test_who_may_play_may_withdraw() -> None:
    for acts in GIVES.values():
        assert not acts & {Act.STAKE, Act.DEPOSIT, Act.REGISTER} or Act.WITHDRAW in acts


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(ASKED, 2)))
def test_what_two_sources_leave_has_a_name(one: tuple[State, bool], other: tuple[State, bool]) -> None:
    left = acts_of(one[0], withdrawals=one[1]) & acts_of(other[0], withdrawals=other[1])
    assert GIVES[name_of(left)] == left


def test_a_suspension_that_leaves_withdrawals_is_called_one() -> None:
    assert name_of(PAYING_OUT) is State.WITHDRAW_ONLY
    assert name_of(PAYING_OUT, suspended=True) is State.SUSPENDED
    assert name_of(EVERYTHING) is State.LIVE
