"""Withdrawals: held, judged, approved, and paid to where the money came from; each rule as a property or a case."""

from __future__ import annotations

import asyncio
import secrets
import uuid
from dataclasses import dataclass, replace
from typing import Any

import pytest
from casino.kernel.errors import ConfigurationError, IdempotencyKeyReused
from casino.wallet.payments.adapters.base import TravelRule
from casino.wallet.payments.approval import approvals_needed, may_be_paid, split, verdict_of
from casino.wallet.payments.config import PaymentSetting, parse_setting
from casino.wallet.payments.models import Instrument
from casino.wallet.payments.ports import Finding, Verdict
from casino.wallet.payments.withdrawals import BalanceShort, InstrumentNotVerified, WithdrawalNotFound, WithdrawalState
from hypothesis import given
from hypothesis import strategies as st
from payments_world import rules_with

OWNER = uuid.uuid4()


def instrument(at: int, verified: bool = True, owner: Any = True) -> Instrument:
    return Instrument(uuid.UUID(int=at), OWNER, "card", "vault", f"tok_{at}", verified, owner)


instruments = st.lists(st.tuples(st.booleans(), st.sampled_from([True, False, None])), min_size=1, max_size=4).map(
    lambda many: {one.instrument_id: one for one in (instrument(at, *more) for at, more in enumerate(many))}
)


@given(instruments, st.integers(1, 1000), st.lists(st.integers(-200, 500), min_size=4, max_size=4), st.integers(0, 3))
def test_a_withdrawal_goes_back_first_to_where_the_money_came_from(
    known: dict[uuid.UUID, Instrument], amount: int, brought: list[int], at: int
) -> None:
    wanted = replace(list(known.values())[at % len(known)], verified=True, owner_match=True)
    known = known | {wanted.instrument_id: wanted}
    net = dict(zip(known, brought, strict=False))
    parts, holds = split(amount, wanted, known, net)
    assert sum(part.amount for part in parts) == amount and all(part.amount > 0 for part in parts)
    assert all(may_be_paid(known[part.instrument_id], OWNER) for part in parts)
    assert len({part.instrument_id for part in parts}) == len(parts)
    paid = {part.instrument_id: part.amount for part in parts}
    others = sum(min(max(net[i], 0), paid.get(i, 0)) for i in known)
    payable = sum(max(net[i], 0) for i in known if may_be_paid(known[i], OWNER))
    assert others == min(amount, payable), "what can go back, goes back"
    assert all(amount <= max(net[i], 0) for i, amount in paid.items() if i != wanted.instrument_id)
    unpaid = [i for i in known if net[i] > 0 and not may_be_paid(known[i], OWNER)]
    assert holds or unpaid


def finding(verdict: Verdict) -> Finding:
    return Finding("any", verdict, "because")


@given(st.lists(st.sampled_from(["allow", "review", "deny"]).map(finding), max_size=4))  # type: ignore[arg-type]
def test_the_most_severe_verdict_stands_and_no_check_is_no_permission(findings: list[Finding]) -> None:
    verdicts = {one.verdict for one in findings}
    expected = next((one for one in ("deny", "review") if one in verdicts), "allow" if verdicts else "review")
    assert verdict_of(findings) == expected


@given(st.integers(1, 10_000), st.sampled_from(["allow", "review"]), st.integers(0, 5000), st.integers(5000, 9000))
def test_a_larger_amount_never_needs_fewer_approvals(amount: int, verdict: Any, auto: int, eyes: int) -> None:
    setting = PaymentSetting(auto_approve_below_minor=auto, four_eyes_from_minor=eyes)
    needed = approvals_needed(amount, verdict, setting)
    assert needed <= approvals_needed(amount + 1, verdict, setting)
    assert needed >= approvals_needed(amount, "allow", setting)
    assert (needed == 0) == (verdict == "allow" and amount < auto) and (needed == 2) == (amount >= eyes)


@pytest.mark.parametrize(
    "text",
    ['{"four_eyes_from_minor": 1, "auto_approve_below_minor": 2}', "[]", '{"surprise": 1}', "no json",
     '{"routes": [{"provider": "a", "method": "card", "currencies": ["GBP"]},'
     ' {"provider": "a", "method": "card", "currencies": ["EUR"]}]}'],
)  # fmt: skip
def test_a_setting_that_contradicts_itself_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match="CASINO_PAYMENTS"):
        parse_setting(text)
    assert parse_setting("{}").auto_approve_below_minor == 0, "unset, nothing is approved by itself"


@dataclass
class Says:
    """A check that says what it is told to."""

    verdict: Any
    name: str = "kyc"
    on_failure: Verdict = "review"
    waits: float = 0

    async def judge(self, payment: Any) -> Finding:
        await asyncio.sleep(self.waits)
        if self.verdict == "fails":
            raise RuntimeError("the register is away")
        return [Finding(self.name, self.verdict, f"{self.name}_{self.verdict}")]


async def request(world: Any, amount: int, method: str = "card", key: str | None = None, **more: Any) -> Any:
    asked = {"player_id": world.player, "account_id": world.account, "request_hash": bytes(32)} | more
    to = more.pop("instrument_id", None) or await world.instrument(method)
    asked["instrument_id"] = to
    return await world.payments.withdrawals.request(amount=amount, key=key or secrets.token_hex(8), **asked)


async def test_a_small_withdrawal_that_all_checks_allow_is_paid_at_once(world: Any) -> None:
    world.again([Says("allow"), Says("allow", "aml")])
    await world.deposit(1000)
    [paid] = await request(world, 400, key="k")
    assert (paid.state, paid.paid, paid.provider) == ("paid", 400, "alfa")
    assert await request(world, 400, key="k") == [paid]
    with pytest.raises(IdempotencyKeyReused):
        await request(world, 400, key="k", request_hash=b"y" * 32)
    assert await world.sums() == {"cash": 600, "pending": 0, "provider": 600, "loss": 0}


@pytest.mark.parametrize(
    ("checks", "state", "reason"),
    [([Says("allow"), Says("review", "aml")], "pending_review", None),
     ([Says("review"), Says("deny", "fraud")], "failed", "withdrawal_denied"),
     ([Says("fails")], "pending_review", None),
     ([Says("allow"), Says("fails", "fraud", "deny")], "failed", "withdrawal_denied"),
     ([Says("allow", waits=5)], "pending_review", None),
     ([], "pending_review", None)],
)  # fmt: skip
async def test_checks_decide_and_their_failure_has_a_policy(
    world: Any, checks: list[Says], state: str, reason: str | None
) -> None:
    world.again(checks, check_timeout_s=0.05)
    await world.deposit(1000)
    [payment] = await request(world, 400)
    assert (payment.state, payment.decline_code) == (state, reason)
    assert (await world.sums())["pending"] == (400 if state == "pending_review" else 0)
    assert (await world.sums())["cash"] == (600 if state == "pending_review" else 1000)


async def test_a_large_withdrawal_needs_two_different_people(world: Any) -> None:
    world.again([Says("allow")])
    await world.deposit(30_000)
    [payment] = await request(world, 20_000)
    approve = world.payments.withdrawals.approve
    assert (await approve(payment.payment_id, "ann", "seen")).state == "pending_review"
    with pytest.raises(WithdrawalState, match="same person"):
        await approve(payment.payment_id, "ann", "seen")
    paid = await approve(payment.payment_id, "bea", "seen")
    assert (paid.state, paid.approvals) == ("paid", ("ann", "bea"))
    with pytest.raises(WithdrawalState):
        await approve(payment.payment_id, "cem", "seen")


async def test_a_request_that_is_split_is_approved_as_one_sum(world: Any) -> None:
    """Two instruments, each below the threshold: together they are not."""
    world.again([Says("allow")])
    await world.deposit(12_000)
    await world.paid_by(12_000, "bank")
    parts = await request(world, 24_000)
    assert [(one.method, one.amount, one.state) for one in parts] == [
        ("card", 12_000, "pending_review"), ("bank", 12_000, "pending_review"),
    ]  # fmt: skip
    assert (await world.payments.withdrawals.approve(parts[0].payment_id, "ann", "seen")).state == "pending_review"


async def test_winnings_go_to_the_wanted_instrument_after_the_loop_is_closed(world: Any) -> None:
    world.again([Says("allow")])
    await world.deposit(300)
    await world.paid_by(200, "bank")
    await world.database.pool.execute("INSERT INTO money VALUES (gen_random_uuid(), 'won', 1, 1000, 0, 0, -1000)")
    parts = await request(world, 900, "bank")
    assert {one.method: (one.amount, one.state) for one in parts} == {"bank": (600, "paid"), "card": (300, "paid")}
    assert [one.amount for one in await request(world, 100, "bank")] == [100]


async def test_more_than_the_cash_is_refused_and_holds_nothing(world: Any) -> None:
    world.again([Says("allow")])
    await world.deposit(300)
    await world.paid_by(200, "bank")
    with pytest.raises(BalanceShort):
        await request(world, 501, key="k")
    assert await world.sums() == {"cash": 500, "pending": 0, "provider": 500, "loss": 0}
    assert [one.state for one in await request(world, 500, key="k")] == ["paid", "paid"], "the key stayed free"


async def test_raced_withdrawals_take_the_cash_once(world: Any) -> None:
    world.again([Says("allow")])
    await world.deposit(1000)
    to = await world.instrument()
    done = await asyncio.gather(*(request(world, 400, instrument_id=to) for _ in range(5)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["BalanceShort"] * 3 + ["list"] * 2
    same = await asyncio.gather(*(request(world, 50, key="same", instrument_id=to) for _ in range(4)))
    assert len({one.payment_id for [one] in same}) == 1
    assert (await world.sums())["cash"] == 150


async def test_only_a_verified_instrument_of_the_players_own_is_paid_to(world: Any) -> None:
    world.again([Says("allow")])
    await world.deposit(1000)
    mine = await world.instrument()
    with pytest.raises(InstrumentNotVerified):
        await request(world, 100, player_id=uuid.uuid4(), instrument_id=mine)
    other = await world.deposit(500, token="tok_visa_other")
    assert other.state == "pending_review"
    for one in await world.payments.flow.repository.instruments_of(world.player):
        if one.instrument_id != mine:
            assert (one.verified, one.owner_match) == (False, False)
            with pytest.raises(InstrumentNotVerified):
                await request(world, 100, instrument_id=one.instrument_id)


@pytest.mark.parametrize("window_s", [None, 3600])
async def test_a_player_takes_back_only_where_the_rules_give_a_window(world: Any, window_s: int | None) -> None:
    world.rules = rules_with(withdrawal_reversal_window_s=window_s)
    world.again([Says("review")])
    await world.deposit(1000)
    [first], [second] = await request(world, 400), await request(world, 300)
    reverse = world.payments.withdrawals.reverse
    with pytest.raises(WithdrawalNotFound):
        await reverse(first.payment_id, 2)
    if window_s is None:
        with pytest.raises(WithdrawalState, match="window is closed"):
            await reverse(first.payment_id, 1)
    else:
        assert (await reverse(first.payment_id, 1)).state == "cancelled"
        world.simulator.clock.offset_s = 3601
        with pytest.raises(WithdrawalState, match="window is closed"):
            await reverse(second.payment_id, 1)
    assert (await world.payments.withdrawals.cancel(second.payment_id, "ann", "seen")).state == "cancelled"
    assert (await world.sums())["pending"] == (400 if window_s is None else 0)


async def test_a_payout_that_is_declined_gives_the_money_back_and_a_lost_answer_does_not(world: Any) -> None:
    world.again([Says("allow")])
    await world.deposit(1000, token="tok_visa")
    await world.simulator.fault("alfa", "decline", operation="payout", code="account_closed")
    [failed] = await request(world, 100)
    assert (failed.state, failed.decline_code, (await world.sums())["cash"]) == ("failed", "account_closed", 1000)
    world.again([Says("allow")])  # without the memory that the provider has just declined
    await world.simulator.fault("alfa", "lost_answer", operation="payout")
    [lost] = await request(world, 200)
    assert (lost.state, (await world.sums())["pending"]) == ("processing", 200)
    await world.payments.resolve()
    assert (await world.now(lost)).state == "paid"
    world.again([Says("allow")])
    await world.simulator.fault("alfa", "decline", operation="payout", code="processor_unavailable")
    [elsewhere] = await request(world, 300)
    assert (elsewhere.state, elsewhere.provider) == ("paid", "bravo")


async def test_a_payout_is_told_failed_and_then_paid(world: Any) -> None:
    """The money was released and is played away: the casino bears what is short."""
    world.again([Says("allow")])
    await world.deposit(1000)
    await world.simulator.fault("alfa", "decline", operation="payout", code="account_closed")
    [failed] = await request(world, 900)
    await world.database.pool.execute("INSERT INTO money VALUES (gen_random_uuid(), 'lost', 1, -600, 0, 0, 600)")
    await world.deliver("alfa")
    await world.simulator.event("alfa", await world.reference(failed), "approve")
    await world.deliver("alfa")
    assert (await world.now(failed)).state == "paid"
    sums = await world.sums()
    assert (sums["cash"], sums["provider"]) == (0, 100)


async def test_a_payout_that_comes_back_is_the_players_again(world: Any) -> None:
    world.again([Says("allow")])
    await world.paid_by(1000, "bank")
    [paid] = await request(world, 400, "bank")
    await world.simulator.event("alfa", await world.reference(paid), "payout_return")
    await world.deliver("alfa")
    assert (await world.now(paid)).state == "returned"
    assert await world.sums() == {"cash": 1000, "pending": 0, "provider": 1000, "loss": 0}


async def test_a_return_that_is_told_before_the_payment_waits_for_it(world: Any) -> None:
    world.again([Says("allow")])
    await world.paid_by(1000, "bank")
    await world.simulator.fault("alfa", "lost_answer", operation="payout")
    await world.simulator.fault("alfa", "webhook_lost", operation="payout")
    [sent] = await request(world, 400, "bank")
    await world.simulator.event("alfa", await world.reference(sent), "payout_return")
    await world.deliver("alfa")
    assert (await world.now(sent)).state == "processing"
    assert [await world.payments.resolve() for _ in range(2)] == [1, 0]
    assert (await world.now(sent)).state == "returned"


async def test_a_withdrawal_whose_process_died_before_its_checks_is_judged_later(world: Any) -> None:
    await world.deposit(1000)
    [waiting] = await request(world, 400)
    await world.database.pool.execute("UPDATE wallet.payments SET state = 'requested' WHERE payment_id = $1",
                                      waiting.payment_id)  # fmt: skip
    world.again([Says("allow")])
    await world.database.pool.execute("UPDATE wallet.payments SET approvals_needed = 0")
    await world.payments.resolve()
    assert (await world.now(waiting)).state == "paid"


async def test_what_is_found_out_between_request_and_payout_stops_it(world: Any) -> None:
    world.again([Says("review")])
    await world.deposit(1000)
    [waiting] = await request(world, 400)
    async with world.payments.flow.repository.transaction() as connection:
        await world.payments.flow.repository.judge_instrument(
            connection, await world.instrument(), False, "staff:ann", world.simulator.clock.now()
        )
    stopped = await world.payments.withdrawals.approve(waiting.payment_id, "ann", "seen")
    assert (stopped.state, stopped.decline_code) == ("failed", "instrument_not_verified")
    assert await world.sums() == {"cash": 1000, "pending": 0, "provider": 1000, "loss": 0}


class Names:
    """Where the travel rule's names come from."""

    async def travel_rule(self, payment: Any, to: Instrument) -> TravelRule:
        return TravelRule("A Player", str(payment.player_id), "A Player", to.token)


@pytest.mark.parametrize("owners", [None, Names()])
async def test_crypto_is_paid_out_with_the_travel_rules_names_or_not_at_all(world: Any, owners: Any) -> None:
    world.again([Says("allow")])
    world.payments.flow._owners = owners
    await world.deposit(1000)
    async with world.payments.flow.repository.transaction() as connection:
        known = await world.payments.flow.repository.instrument(
            connection, player_id=world.player, method="crypto", provider="vault", token="bc1qmine",
            now=world.simulator.clock.now(),
        )  # fmt: skip
        await world.payments.flow.repository.judge_instrument(
            connection, known.instrument_id, True, "staff:ann", world.simulator.clock.now()
        )
    await world.database.pool.execute("INSERT INTO money VALUES (gen_random_uuid(), 'won', 1, 500, 0, 0, -500)")
    parts = {one.method: one for one in await request(world, 1200, "crypto")}
    assert (parts["card"].amount, parts["crypto"].amount) == (1000, 200)
    crypto = parts["crypto"]
    assert (crypto.state, crypto.decline_code) == (
        ("paid", None) if owners else ("failed", "travel_rule_incomplete")
    )  # fmt: skip
