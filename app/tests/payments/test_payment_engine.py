"""Scripted providers against the engine: what they took and kept is what the player was credited, and never twice."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from casino.wallet.payments.engine import GIVE_UP_AFTER, End, Heard, Resolve, Submit, hear, next_move
from casino.wallet.payments.health import Health
from casino.wallet.payments.models import Answer, Attempt, Payment
from casino.wallet.payments.routing import Order, Route, rank
from casino.wallet.payments.states import Facts, Step, apply
from hypothesis import given, settings
from hypothesis import strategies as st
from payments_testkit import START, CountingLedger, make_payment

PROVIDERS = ["a", "b", "c"]
ROUTES = [Route(provider=name, method="card", currencies=frozenset({"GBP"})) for name in PROVIDERS]


@dataclass(frozen=True)
class Script:
    """One provider's behaviour for a charge.

    `reply` is what the call itself brings; `while_waiting` is what status queries say for `polls` times; `truth` is
    what becomes of it then. `lies`: after its decline was told it takes the money all the same.
    """

    reply: str
    while_waiting: str
    polls: int
    truth: str
    code: str
    wrong_by: int
    lies: bool
    owner_match: bool | None

    def answer(self, attempt: Attempt, what: str) -> Answer:
        amount = max(attempt.amount + self.wrong_by, 1) if what == "captured" else None
        return Answer(what, attempt.reference, "id-" + attempt.reference, amount, None,  # type: ignore[arg-type]
                      self.code if what == "declined" else None, None, self.owner_match)  # fmt: skip


scripts = st.builds(
    Script, reply=st.sampled_from(["truth", "unknown", "pending", "authorized"]),
    while_waiting=st.sampled_from(["unknown", "pending", "not_found"]), polls=st.integers(0, 6),
    truth=st.sampled_from(["captured", "declined", "not_found"]),
    code=st.sampled_from(["issuer_unavailable", "acquirer_error", "do_not_honour"]),
    wrong_by=st.sampled_from([0, 0, 0, -1, 5]), lies=st.just(False),
    owner_match=st.sampled_from([None, True, False]),
)  # fmt: skip
liars = scripts.map(lambda one: replace(one, lies=True, truth="declined", reply="truth"))


@dataclass
class World:
    """A payment on its way, three providers' books, and the ledger."""

    scripts: dict[str, Script]
    payment: Payment
    now: datetime = START
    ledger: CountingLedger = field(default_factory=CountingLedger)
    attempts: list[Attempt] = field(default_factory=list)
    polled: dict[str, int] = field(default_factory=dict)
    kept: dict[str, int] = field(default_factory=dict)
    contradictions: list[str] = field(default_factory=list)
    money_steps: list[str] = field(default_factory=list)

    def take(self, step: Step) -> None:
        assert step.payment.payment_id == self.payment.payment_id
        for money in step.money:
            assert (self.payment.payment_id, money.key) not in self.ledger.steps
            self.ledger.move(step.payment, money)
            self.money_steps.append(money.operation)
        self.payment = step.payment

    def hear(self, attempt: Attempt, answer: Answer) -> None:
        heard: Heard = hear(self.payment, attempt, answer, self.now)
        self.attempts[attempt.number] = heard.attempt
        for step in heard.steps:
            self.take(step)
        if heard.contradiction:
            self.contradictions.append(heard.contradiction)
        again = hear(self.payment, heard.attempt, answer, self.now)
        assert (again.attempt, again.steps) == (heard.attempt, ()), "a repeated answer changes nothing"

    def submit(self, provider: str) -> None:
        assert not any(one.open for one in self.attempts), "two providers at once"
        self.take(apply(self.payment, "submit"))
        number = len(self.attempts)
        self.attempts.append(Attempt(self.payment.payment_id, number, "charge", provider, "card", f"ref-{number}",
                                     self.payment.amount, "GBP", self.now))  # fmt: skip
        script = self.scripts[provider]
        self.hear(self.attempts[number], self.tell(self.attempts[number], script.reply))

    def poll(self, attempt: Attempt) -> None:
        script = self.scripts[attempt.provider]
        count = self.polled[attempt.reference] = self.polled.get(attempt.reference, 0) + 1
        waiting = count <= script.polls
        self.hear(attempt, self.tell(attempt, script.while_waiting if waiting else "truth"))

    def tell(self, attempt: Attempt, what: str) -> Answer:
        script = self.scripts[attempt.provider]
        answer = script.answer(attempt, script.truth if what == "truth" else what)
        if answer.outcome == "captured":
            self.kept[attempt.reference] = answer.amount or 0
        return answer

    def run(self) -> None:
        order = Order(kind="deposit", method="card", currency="GBP", amount=self.payment.amount)
        for _ in range(60):
            tried = frozenset(one.provider for one in self.attempts)
            match next_move(self.payment, self.attempts, rank(ROUTES, order, Health(), self.now, tried=tried)):
                case Submit(route):
                    self.submit(route.provider)
                case Resolve(attempt):
                    self.now += timedelta(minutes=3)
                    self.poll(attempt)
                case End(code):
                    self.take(apply(self.payment, "fail", Facts(decline_code=code)))
                case None:
                    return
        pytest.fail(f"it never ended: {self.payment.state}")

    def late_events(self, order: list[int]) -> None:
        """What is still to come arrives after all, in any order: lies, and what was given up too early."""
        for number in order:
            if number >= len(self.attempts):
                continue
            attempt, script = self.attempts[number], self.scripts[self.attempts[number].provider]
            if script.lies or (attempt.outcome == "not_found" and script.truth == "captured"):
                answer = script.answer(attempt, "captured")
                self.kept[attempt.reference] = answer.amount or 0
                self.hear(attempt, answer)

    def reconcile(self, accept: bool) -> None:
        """A person judges what waits; what is stray is returned."""
        if self.payment.state == "pending_review":
            if self.payment.received == 0:  # another's card that was authorized and never charged
                self.take(apply(self.payment, "reject"))
            elif accept:
                self.take(apply(self.payment, "accept"))
            else:
                for name in ("send_back", "sent_back"):
                    self.take(apply(self.payment, name))
                of = next(one for one in self.attempts if one.outcome == "captured" and not one.stray)
                self.kept[of.reference] = 0
        for attempt in self.attempts:
            if attempt.stray:
                self.kept[attempt.reference] = 0

    def check(self) -> None:
        assert self.money_steps.count("captured") <= 1
        assert sum(self.kept.values()) == self.payment.captured == self.ledger.cash[1] == -self.ledger.clearing
        assert self.payment.state in ("captured", "failed")
        assert not any(one.open for one in self.attempts)


@given(st.tuples(scripts, scripts, scripts), st.permutations([0, 1, 2]), st.booleans())
@settings(max_examples=150)
def test_what_honest_providers_took_is_what_the_player_has_and_only_one_took_it(
    behaviour: tuple[Script, ...], late: list[int], accept: bool
) -> None:
    world = World(dict(zip(PROVIDERS, behaviour, strict=True)), make_payment(amount=500))
    world.run()
    world.late_events(late)
    assert len(world.kept) <= 1, "two providers took the money of one deposit"
    world.reconcile(accept)
    world.check()
    assert not world.contradictions


@given(st.tuples(scripts | liars, scripts | liars, scripts | liars), st.permutations([0, 1, 2]), st.booleans())
@settings(max_examples=150)
def test_what_lying_providers_took_twice_is_returned_and_told(
    behaviour: tuple[Script, ...], late: list[int], accept: bool
) -> None:
    world = World(dict(zip(PROVIDERS, behaviour, strict=True)), make_payment(amount=500))
    world.run()
    world.late_events(late)
    strays = [one for one in world.attempts if one.stray]
    assert len(strays) == max(len(world.kept) - 1, 0) == len(world.contradictions)
    world.reconcile(accept)
    world.check()


def attempt_at(payment: Payment, operation: Any = "charge", **changes: Any) -> Attempt:
    values: dict[str, Any] = {
        "payment_id": payment.payment_id, "number": 0, "operation": operation, "provider": "a", "method": "card",
        "reference": "r", "amount": payment.amount, "currency": "GBP", "started_at": START,
    }  # fmt: skip
    return Attempt(**(values | changes))


@pytest.mark.parametrize("code", ["issuer_unavailable", "do_not_honour", "stolen_card", "insufficient_funds"])
def test_only_a_retryable_decline_lets_the_next_provider_be_asked(code: str) -> None:
    payment = make_payment(state="processing")
    heard = hear(payment, attempt_at(payment), Answer("declined", "r", decline_code=code), START)
    assert heard.steps[0].payment.state == ("initiated" if code == "issuer_unavailable" else "failed")


def test_a_provider_that_never_heard_of_it_is_believed_late_and_nobody_else_is_asked() -> None:
    payment = make_payment(state="processing")
    attempt = replace(attempt_at(payment), outcome="unknown")
    unheard = Answer("not_found", "r")
    early = hear(payment, attempt, unheard, START + GIVE_UP_AFTER["charge"] - timedelta(seconds=1))
    assert early == Heard(attempt)
    late = hear(payment, attempt, unheard, START + GIVE_UP_AFTER["charge"])
    assert late.steps[0].payment.state == "failed" and late.attempt.decline_code == "not_received"
    assert next_move(late.steps[0].payment, [late.attempt], ROUTES[1:]) is None


@pytest.mark.parametrize(
    ("state", "step", "reached"),
    [("processing", "pay", "paid"), ("approved", "pay", "paid"), ("failed", "late_pay", "paid"),
     ("cancelled", "late_pay", "paid")],
)  # fmt: skip
def test_a_payout_that_was_paid_is_paid_whenever_it_is_told(state: str, step: str, reached: str) -> None:
    payment = make_payment("withdrawal", state=state, held=1000 if state in ("approved", "processing") else 0)
    heard = hear(payment, attempt_at(payment, "payout"), Answer("captured", "r"), START)
    assert [(one.transition, one.payment.state) for one in heard.steps] == [(step, reached)]


def test_a_second_payout_of_one_withdrawal_moves_nothing_and_is_told() -> None:
    payment = make_payment("withdrawal", state="paid", paid=1000)
    heard = hear(payment, attempt_at(payment, "payout", outcome="declined"), Answer("captured", "r"), START)
    assert heard.attempt.stray and heard.contradiction and not heard.steps


def test_a_withdrawal_waits_while_no_road_is_open_and_ends_after_its_tries() -> None:
    payment = make_payment("withdrawal", state="approved", held=1000)
    assert next_move(payment, [], []) is None
    tries = [
        attempt_at(payment, "payout", number=n, outcome="declined", decline_code="acquirer_error") for n in (0, 1, 2)
    ]
    assert next_move(payment, tries, ROUTES) == End("acquirer_error")


def test_an_old_refund_that_is_told_done_does_not_end_a_new_one() -> None:
    payment = make_payment(state="refunding", captured=1000, received=1000, refunding=400, refunds=2)
    old = attempt_at(payment, "refund", amount=300, outcome="declined")
    heard = hear(payment, old, Answer("captured", "r"), START)
    assert heard.attempt.stray and not heard.steps
