"""What a withdrawal is judged by, against models; and that nothing that is denied is ever paid."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from casino.wallet.payments.approval import verdict_of
from casino.wallet.payments.checks import (
    DENIED,
    Linked,
    Past,
    Played,
    fraud,
    hands_of,
    identity,
    laundering,
    told_to_player,
    turnover,
    turnover_open,
)
from casino.wallet.payments.config import CheckSetting, PaymentSetting, parse_setting
from casino.wallet.payments.ports import Finding, Identity
from casino.wallet.payments.repository import Asked
from casino.wallet.payments.states import apply
from casino.wallet.payments.withdrawals import Withdrawals, WithdrawalState
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from payments_testkit import START, make_payment

SETTING = CheckSetting(large_from_minor=1000, linked_hours=48, velocity_count=2, new_instrument_hours=24)
AMOUNTS = st.integers(1, 3000)


def past(amount: int = 100, **changes: Any) -> Past:
    """A player whose every check allows, but for `changes`."""
    asked = Linked("withdrawal", amount, START)
    values: dict[str, Any] = {
        "request": asked, "linked": (asked,), "deposits": (), "owner_match": True,
        "instrument_since": START - timedelta(days=365), "chargebacks": 0,
    }  # fmt: skip
    return Past(**(values | changes))


def reasons(findings: Sequence[Finding]) -> set[str]:
    return {one.reason for one in findings}


@given(st.lists(st.tuples(st.booleans(), AMOUNTS), max_size=12), st.integers(0, 400))
def test_turnover_is_what_a_counter_along_the_course_of_play_would_show(
    course: list[tuple[bool, int]], percent: int
) -> None:
    counter, deposits = 0, []
    for at, (is_deposit, amount) in enumerate(course):
        if is_deposit:
            counter += amount * percent
            deposits.append(Played(amount, sum(a for d, a in course[at:] if not d)))
        else:
            counter = max(0, counter - amount * 100)
    assert turnover_open(deposits, percent) == -(-counter // 100)


@given(st.lists(st.builds(Played, AMOUNTS, AMOUNTS), max_size=6), st.integers(0, 300), AMOUNTS)
def test_more_play_never_leaves_more_to_be_played(deposits: list[Played], percent: int, stake: int) -> None:
    after = [replace(one, staked_since=one.staked_since + stake) for one in deposits]
    assert turnover_open(after, percent) <= turnover_open(deposits, percent)
    assert turnover_open(after, percent) >= turnover_open(deposits, percent) - stake


def test_what_was_staked_before_a_deposit_does_not_count_for_it() -> None:
    assert turnover_open([Played(100, 900), Played(100, 0)], 100) == 100
    assert turnover_open([Played(100, 900), Played(100, 100)], 100) == 0


@pytest.mark.parametrize("verdict", ["review", "deny"])
def test_an_open_turnover_has_the_verdict_of_the_setting(verdict: Any) -> None:
    setting = CheckSetting(turnover_percent=300, turnover_verdict=verdict)
    [found] = turnover(past(deposits=(Played(100, 299),)), setting)
    assert (found.verdict, found.reason, found.details) == (verdict, "turnover_open", {"amount": 1})
    [found] = turnover(past(deposits=(Played(100, 300),)), setting)
    assert found.verdict == "allow"


@given(
    st.lists(st.tuples(st.sampled_from(["deposit", "withdrawal"]), AMOUNTS, st.integers(0, 96)), max_size=6), AMOUNTS
)
def test_an_amount_is_not_made_small_by_asking_in_parts(others: list[tuple[Any, int, int]], amount: int) -> None:
    asked = Linked("withdrawal", amount, START)
    linked = tuple(Linked(kind, each, START - timedelta(hours=hours)) for kind, each, hours in others)
    found = laundering(past(amount, linked=(*linked, asked)), SETTING)
    within = [one for one in linked if one.asked_at >= START - timedelta(hours=48)]
    out = amount + sum(one.amount for one in within if one.kind == "withdrawal")
    paid_in = sum(one.amount for one in within if one.kind == "deposit")
    assert (verdict_of(found) == "allow") == (out < 1000 and paid_in < 1000)
    assert ("aml_large_amount" in reasons(found)) == (amount >= 1000)


def test_small_withdrawals_that_come_to_a_large_one_are_structuring() -> None:
    small = [Linked("withdrawal", 400, START - timedelta(hours=hours)) for hours in (0, 10, 47)]
    [found] = laundering(past(400, linked=tuple(small)), SETTING)
    assert (found.reason, found.details) == ("aml_structuring", {"amount": 1200, "times": 3, "threshold": 1000})
    assert reasons(laundering(past(400, linked=tuple(small[:2])), SETTING)) == {"aml_below_threshold"}


def test_without_a_threshold_a_person_looks() -> None:
    assert verdict_of(laundering(past(1), CheckSetting())) == "review"


@pytest.mark.parametrize(
    ("changes", "verdict", "reason"),
    [
        ({}, "allow", "fraud_nothing"),
        ({"owner_match": False}, "deny", "fraud_name_differs"),
        ({"owner_match": None}, "review", "fraud_name_unknown"),
        ({"instrument_since": START - timedelta(hours=23)}, "review", "fraud_new_instrument"),
        ({"instrument_since": None}, "review", "fraud_new_instrument"),
        ({"chargebacks": 1}, "review", "fraud_chargeback"),
        ({"linked": tuple(Linked("withdrawal", 1, START - timedelta(hours=h)) for h in (0, 1, 23))}, "review",
         "fraud_velocity"),
        ({"linked": tuple(Linked("withdrawal", 1, START - timedelta(hours=h)) for h in (0, 1, 25))}, "allow",
         "fraud_nothing"),
    ],
)  # fmt: skip
def test_signs_of_fraud(changes: dict[str, Any], verdict: str, reason: str) -> None:
    found = fraud(past(**changes), SETTING)
    assert (verdict_of(found), reasons(found)) == (verdict, {reason})


@pytest.mark.parametrize(
    ("known", "verdict", "reason"),
    [
        (Identity("active", verified=True), "allow", "identity_verified"),
        (Identity("pending_verification", verified=False), "review", "account_pending_verification"),
        (Identity("self_excluded", verified=False), "review", "account_self_excluded"),
        (Identity("merged", verified=False, ended=True), "deny", "identity_unknown"),
        (None, "deny", "identity_unknown"),
    ],
)
def test_an_account_that_is_not_verified_is_not_paid_by_itself(known: Any, verdict: str, reason: str) -> None:
    assert [(one.verdict, one.reason) for one in identity(known)] == [(verdict, reason)]


@given(st.lists(st.tuples(st.sampled_from(["turnover_open", "fraud_name_differs", "aml_large_amount"]),
                          st.sampled_from(["allow", "review", "deny"])), max_size=4))  # fmt: skip
def test_a_player_is_never_told_of_a_suspicion(found: list[tuple[str, Any]]) -> None:
    told = told_to_player([Finding("any", verdict, reason) for reason, verdict in found])
    assert told in (DENIED, "turnover_open")
    if told == "turnover_open":
        assert {reason for reason, verdict in found if verdict == "deny"} == {"turnover_open"}


def test_hands_are_those_of_staff() -> None:
    one = uuid.uuid4()
    assert hands_of([f"staff:{one}", "psp:alfa", "player", None]) == {one}


@pytest.mark.parametrize("text", ['{"checks": {"large_from_minor": 0}}', '{"checks": {"turnover_verdict": "allow"}}',
                                  '{"checks": {"velocity": 1}}', '{"checks": {"turnover_percent": -1}}'])  # fmt: skip
def test_thresholds_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(Exception, match="CASINO_PAYMENTS cannot be used: checks"):
        parse_setting(text)


ANSWERS = ("allow", "review", "deny", "raises", "nothing", "nonsense")


MINDS = st.lists(st.sampled_from(ANSWERS), min_size=2, max_size=2)
"""What the checks do the next time."""


class Scripted:
    """A check that does what it is told to; it keeps what it has answered last."""

    def __init__(self, name: str, on_failure: Any) -> None:
        self.name, self.on_failure = name, on_failure
        self.does = "allow"

    @property
    def counts_as(self) -> Any:
        """The verdict that what it does now comes to."""
        return self.does if self.does in ("allow", "review", "deny") else self.on_failure

    async def judge(self, payment: Any) -> list[Finding]:
        match self.does:
            case "raises":
                raise RuntimeError("the register is away")
            case "nothing":
                return []
            case "nonsense":
                return [Finding(self.name, "perhaps", "unsure")]  # type: ignore[arg-type]
        return [Finding(self.name, self.does, "because")]  # type: ignore[arg-type]


class Memory:
    """One withdrawal in memory, in place of the database, and a provider that pays at once."""

    def __init__(self, amount: int, setting: PaymentSetting) -> None:
        held = apply(make_payment("withdrawal", amount), "hold").payment
        self.payment = replace(held, instrument_id=uuid.uuid4())
        self.needed, self.setting, self.repository = 0, setting, self
        self.kept: list[tuple[str, str | None, dict[str, Any]]] = []

    @asynccontextmanager
    async def transaction(self) -> Any:
        yield None

    async def get(self, _: Any) -> Any:
        return self.payment

    async def lock(self, *_: Any) -> Any:
        return self.payment, Asked("k", bytes(32), approvals_needed=self.needed)

    async def by_key(self, *_: Any) -> Any:
        return [(self.payment, bytes(32))]

    async def asked_by(self, *_: Any) -> set[str]:
        return set()

    async def vouched_by(self, *_: Any) -> set[str]:
        return {"vic"}

    async def want_approvals(self, _: Any, __: Any, needed: int) -> None:
        self.needed = needed

    async def take(self, _: Any, before: Any, step: Any, *, actor: Any = None, details: Any = None) -> Any:
        assert before is self.payment
        self.payment = step.payment
        self.kept.append((step.transition, actor, details or {}))
        return self.payment

    async def carry(self, _: Any) -> None:
        for name in ("submit", "pay"):
            self.payment = apply(self.payment, name).payment


class DenialMachine(RuleBasedStateMachine):
    """Checks that change their minds, people who approve in any order, processes that judge again."""

    @initialize(
        amount=st.sampled_from([50, 500, 5000]),
        failures=st.lists(st.sampled_from(["review", "deny"]), max_size=2),
    )
    def begin(self, amount: int, failures: list[str]) -> None:
        setting = PaymentSetting(auto_approve_below_minor=100, four_eyes_from_minor=1000, check_timeout_s=60)
        self.flow = Memory(amount, setting)
        self.checks = [Scripted(f"check {at}", failure) for at, failure in enumerate(failures)]
        flow: Any = SimpleNamespace(**{name: getattr(self.flow, name) for name in ("setting", "take", "carry")})
        flow.repository = self.flow
        self.withdrawals = Withdrawals(flow, self.checks, "GBP", timedelta)
        self.loop = asyncio.Runner()
        self.verdicts: list[Any] = []
        """What the checks said when the withdrawal was last judged or approved."""

    def act(self, state: str, minds: list[str], what: Any) -> bool:
        """Judge or approve, and hold what becomes of it against what the checks say now; false when it is refused."""
        for check, mind in zip(self.checks, minds, strict=False):
            check.does = mind
        asked, said = self.flow.payment.state == state, [check.counts_as for check in self.checks]
        try:
            self.loop.run(what)
        except WithdrawalState:
            return False
        if asked:
            self.verdicts = said
            denied = "deny" in said
            assert (self.flow.payment.state == "failed") == denied, "a denial ends it, and nothing else does"
            assert not denied or (self.flow.payment.decline_code, self.flow.payment.held) == (DENIED, 0)
        return True

    @rule(minds=MINDS)
    def judge(self, minds: list[str]) -> None:
        self.act("requested", minds, self.withdrawals.judge(self.flow.payment.payment_id))

    @rule(actor=st.sampled_from(["ann", "bea", "vic"]), minds=MINDS)
    def approve(self, actor: str, minds: list[str]) -> None:
        done = self.act("pending_review", minds, self.withdrawals.approve(self.flow.payment.payment_id, actor, "seen"))
        assert not (done and actor == "vic"), "who vouched for the instrument approves nothing that goes there"

    @invariant()
    def what_is_denied_is_not_paid(self) -> None:
        one = self.flow.payment
        if one.paid == 0:
            return
        assert "deny" not in self.verdicts
        [*_, last] = [details for _, _, details in self.flow.kept if "findings" in details]
        assert last["verdict"] != "deny" and len(last["findings"]) == len(self.checks)
        assert len(set(one.approvals)) == len(one.approvals) >= self.flow.needed
        assert one.approvals or (self.verdicts and set(self.verdicts) == {"allow"} and one.amount < 100)
        assert one.amount < 1000 or len(one.approvals) == 2

    @invariant()
    def each_decision_of_a_person_has_a_name_and_a_reason(self) -> None:
        for name, actor, details in self.flow.kept:
            if name in ("first_approval", "approve"):
                assert actor and details["reason"] == "seen"

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            self.loop.close()


TestNothingDeniedIsPaid = DenialMachine.TestCase
TestNothingDeniedIsPaid.settings = settings(max_examples=150, stateful_step_count=8, deadline=None)
