"""The table of states against a model: money moves once for each step, and the end is the end."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from casino.wallet.payments.models import Kind
from casino.wallet.payments.ports import CashShort
from casino.wallet.payments.states import (
    INITIAL,
    TABLE,
    TERMINAL,
    Facts,
    TransitionRefused,
    apply,
    mermaid,
    with_less,
)
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from payments_testkit import START, CountingLedger, make_payment

ACTORS = st.sampled_from([None, "ann", "bea", "cem"])


class PaymentMachine(RuleBasedStateMachine):
    """Any transition at any time with any facts; the ledger's steps are compared with the payment's own sums."""

    kind: Kind

    @initialize(amount=st.integers(1, 500), cash=st.sampled_from([0, 1, 250, 2000]))
    def begin(self, amount: int, cash: int) -> None:
        self.payment = make_payment(self.kind, amount)
        self.ledger = CountingLedger()
        self.ledger.cash[1], self.ledger.loss, self.cash_before = cash, -cash, cash
        self.path: list[str] = []

    @rule(data=st.data(), actor=ACTORS, needed=st.integers(0, 2), minutes=st.integers(0, 120), stake=st.integers(0, 9))
    def attempt(self, data: st.DataObject, actor: str | None, needed: int, minutes: int, stake: int) -> None:
        amounts = [self.payment.amount, max(self.payment.refundable // 2, 1), max(self.payment.refundable, 1), None]
        facts = Facts(
            amount=data.draw(st.sampled_from(amounts)), actor=actor, approvals_needed=needed,
            now=START + timedelta(minutes=minutes), reversal_window=timedelta(hours=1),
        )  # fmt: skip
        # Mostly what may happen: a table is walked deep by what is allowed, and wide by what is not.
        anything, allowed = sorted(TABLE[self.kind]), self.allowed(facts)
        name = data.draw(st.sampled_from(allowed if allowed and stake else anything))
        before = self.payment
        try:
            step = apply(before, name, facts)
        except TransitionRefused:
            assert self.payment is before
            return
        if before.state in TERMINAL[self.kind]:
            assert TABLE[self.kind][name].late, f"{name} left {before.state}, which is terminal"
        try:
            for money in step.money:
                assert (before.payment_id, money.key) not in self.ledger.steps, f"{money.key} would move money twice"
                moved = self.ledger.move(step.payment, money)
                if money.operation == "refunded" and moved.amount < money.amount:
                    if moved.amount == 0:
                        self.ledger.steps.pop((before.payment_id, money.key))  # what a rollback does
                        return
                    step = with_less(step, moved.amount)
        except CashShort:
            return
        self.payment = step.payment
        self.path.append(name)
        spent = min(stake, self.ledger.cash[1])  # the player plays in between
        self.ledger.cash[1] -= spent
        self.ledger.loss += spent

    def allowed(self, facts: Facts) -> list[str]:
        names = []
        for name in TABLE[self.kind]:
            with suppress(TransitionRefused):
                apply(self.payment, name, facts)
                names.append(name)
        return names

    @invariant()
    def sums_agree(self) -> None:
        one = self.payment
        operations = [step.split(":")[0] for _, step in self.ledger.steps]
        assert operations.count("captured") <= 1
        assert operations.count("paid") + operations.count("late_paid") <= 1
        assert self.ledger.pending[1] == one.held
        assert -self.ledger.clearing == one.captured - one.refunding - one.refunded - one.disputed - one.paid
        assert one.refundable >= 0 and one.held in (0, one.amount) and one.paid in (0, one.amount)
        assert one.refunding == 0 or one.state == "refunding"
        assert one.disputed == 0 or one.state in ("charged_back", "chargeback_lost")

    @invariant()
    def states_mean_what_they_say(self) -> None:
        one = self.payment
        if one.kind == "deposit":
            assert (one.captured > 0) == (one.state in ("captured", "partially_refunded", "refunding", "refunded",
                                                        "charged_back", "chargeback_lost"))  # fmt: skip
            assert one.state != "captured" or one.refunded == 0
            assert one.state != "refunded" or one.refunded == one.captured
            assert one.state != "partially_refunded" or 0 < one.refunded < one.captured
        else:
            assert (one.held > 0) == (one.state in ("requested", "pending_review", "approved", "processing"))
            assert (one.paid > 0) == (one.state == "paid")
            assert len(set(one.approvals)) == len(one.approvals)


class DepositMachine(PaymentMachine):
    kind = "deposit"


class WithdrawalMachine(PaymentMachine):
    kind = "withdrawal"


for machine in (DepositMachine, WithdrawalMachine):
    machine.TestCase.settings = settings(max_examples=60, stateful_step_count=20, deadline=None, database=None)
TestDepositMachine = DepositMachine.TestCase
TestWithdrawalMachine = WithdrawalMachine.TestCase


@pytest.mark.parametrize("kind", ["deposit", "withdrawal"])
def test_every_path_of_a_small_payment_moves_each_step_once(kind: Kind) -> None:
    """All of them, to the third refund, dispute and approver: two minor units are enough to be partial."""
    first = make_payment(kind, 2)
    occasions = [
        Facts(amount=amount, actor=actor, approvals_needed=needed, now=START, reversal_window=timedelta(hours=hours))
        for amount in (None, 1, 2) for actor in (None, "ann", "bea") for needed in (0, 2) for hours in (0, 1)
    ]  # fmt: skip
    todo: list[tuple[Any, frozenset[str], int]] = [(first, frozenset(), 0)]
    seen, taken = set(todo), set()
    while todo:
        payment, keys, credited = todo.pop()
        for name in TABLE[kind]:
            for facts in occasions:
                try:
                    step = apply(payment, name, facts)
                except TransitionRefused:
                    continue
                taken.add(name)
                assert payment.state not in TERMINAL[kind] or TABLE[kind][name].late
                after, net = set(keys), credited
                for money in step.money:
                    assert money.key not in after and money.amount > 0
                    after.add(money.key)
                    net += CLEARING.get(money.operation, 0) * money.amount
                one = step.payment
                assert one.state != "captured" or one.refunded == 0
                assert net == one.captured - one.refunding - one.refunded - one.disputed - one.paid
                reached = (one, frozenset(after), net)
                if max(one.refunds, one.disputes) <= 2 and reached not in seen:
                    seen.add(reached)
                    todo.append(reached)
    assert taken == set(TABLE[kind])


CLEARING = {
    "captured": 1, "refunded": -1, "refund_failed": 1, "charged_back": -1, "chargeback_won": 1, "paid": -1,
    "late_paid": -1, "returned": 1,
}  # fmt: skip
"""Whether an operation takes its amount from clearing (to the player) or gives it there."""


@pytest.mark.parametrize("kind", ["deposit", "withdrawal"])
def test_every_state_is_reached_and_only_terminal_states_are_ends(kind: Kind) -> None:
    reached = {INITIAL[kind]}
    for _ in TABLE[kind]:
        reached |= {one.target for one in TABLE[kind].values() if reached & set(one.sources)}
    sources = {source for one in TABLE[kind].values() for source in one.sources}
    prompt = {source for one in TABLE[kind].values() if not one.late for source in one.sources}
    assert sources <= reached
    assert reached - prompt == TERMINAL[kind]
    assert all(set(one.sources) <= TERMINAL[kind] for one in TABLE[kind].values() if one.late)


def test_a_reversal_is_refused_where_the_rules_give_no_window() -> None:
    held = apply(make_payment("withdrawal"), "hold").payment
    with pytest.raises(TransitionRefused, match="window is closed"):
        apply(held, "reverse", Facts(now=START))
    inside = Facts(now=START + timedelta(minutes=59), reversal_window=timedelta(hours=1))
    assert apply(held, "reverse", inside).payment.state == "cancelled"


def test_money_that_was_sent_back_is_not_captured_late() -> None:
    payment = make_payment(state="pending_review", received=7)
    for name in ("send_back", "sent_back"):
        payment = apply(payment, name).payment
    with pytest.raises(TransitionRefused):
        apply(payment, "late_capture", Facts(amount=1000))


@pytest.mark.parametrize("kind", ["deposit", "withdrawal"])
def test_the_documents_show_the_table_as_it_is(kind: Kind) -> None:
    pages = [parent / "docs" / "payments.md" for parent in Path(__file__).parents]
    text = next(page for page in pages if page.exists()).read_text()
    assert f"```mermaid\n{mermaid(kind)}\n```" in text
