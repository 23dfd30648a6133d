"""Deposits from the request to the ledger: a real database, the simulator's process, every method and fault."""

from __future__ import annotations

import asyncio
import random
import secrets
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from casino.kernel.errors import IdempotencyKeyReused
from casino.wallet.payments.adapters.base import Charge
from casino.wallet.payments.flow import RefundNotCovered
from casino.wallet.payments.health import FAILURES_TO_OPEN, OPEN_FOR
from casino.wallet.payments.pan import PanRefused
from casino.wallet.payments.service import MethodNotOffered, NotPossible
from casino.wallet.payments.signing import WebhookRefused
from payments_world import ROUTES

REDIRECTED = ["bank", "wallet", "pix"]


async def test_a_card_is_authorized_and_captured_and_credited_once(world: Any) -> None:
    first = await world.deposit(key="k")
    assert (first.state, first.provider, first.captured) == ("captured", "alfa", 1000)
    assert await world.deposit(key="k") == first
    await world.deliver("alfa")
    await world.deliver("alfa", [])
    assert await world.sums() == {"cash": 1000, "pending": 0, "provider": 1000, "loss": 0}
    with pytest.raises(IdempotencyKeyReused):
        await world.deposit(key="k", request_hash=b"x" * 32)


@pytest.mark.parametrize("method", REDIRECTED)
async def test_a_redirected_deposit_is_credited_when_its_webhook_comes(world: Any, method: str) -> None:
    payment = await world.paid_by(700, method)
    assert (payment.state, payment.captured) == ("captured", 700)
    assert (await world.sums())["cash"] == 700
    assert await world.instrument(method), "the account that paid is an instrument of the player's now"


async def test_without_any_webhook_the_status_is_asked_for(world: Any) -> None:
    await world.simulator.fault("alfa", "webhook_lost", times=5)
    payment = await world.deposit(method="pix")
    await world.simulator.event("alfa", await world.reference(payment), "approve")
    assert await world.payments.resolve() == 1
    assert (await world.now(payment)).state == "captured"
    assert await world.payments.resolve() == 0


async def test_a_retryable_decline_is_carried_to_the_next_provider(world: Any) -> None:
    await world.simulator.fault("alfa", "decline", code="acquirer_error")
    payment = await world.deposit()
    assert (payment.state, payment.provider) == ("captured", "bravo")
    tries = await world.attempts(payment)
    assert [(one.provider, one.outcome, one.decline_code) for one in tries] == [
        ("alfa", "declined", "acquirer_error"), ("bravo", "captured", None),
    ]  # fmt: skip


@pytest.mark.parametrize("token", ["tok_declined", "tok_stolen"])
async def test_a_final_decline_asks_nobody_else(world: Any, token: str) -> None:
    payment = await world.deposit(token=token)
    assert payment.state == "failed" and len(await world.attempts(payment)) == 1
    assert (await world.sums())["cash"] == 0


@pytest.mark.parametrize("fault", ["lost_answer", "no_effect", "error"])
async def test_after_a_lost_answer_nobody_else_is_asked_before_it_is_known(world: Any, fault: str) -> None:
    await world.simulator.fault("alfa", fault, operation="charge")
    payment = await world.deposit(key="k")
    assert (payment.state, len(await world.attempts(payment))) == ("processing", 1)
    for name in ("bravo", "charlie"):
        assert (
            await world.simulator.adapters[name, "card"].status(await world.reference(payment))
        ).outcome == "not_found"
    again = await world.deposit(key="k")  # the player's repeat asks, and charges no second time
    assert again.state == ("captured" if fault == "lost_answer" else "processing")
    world.simulator.clock.offset_s = timedelta(minutes=16).total_seconds()
    await world.payments.resolve()
    ended = await world.now(payment)
    assert (ended.state, ended.decline_code) == (
        ("captured", None) if fault == "lost_answer" else ("failed", "not_received")
    )


async def test_a_capture_whose_answer_is_lost_is_found(world: Any) -> None:
    await world.simulator.fault("alfa", "no_effect", operation="capture")
    await world.simulator.fault("alfa", "lost_answer", operation="capture")
    payment = await world.deposit()
    assert payment.state == "authorized"
    await world.payments.resolve()
    assert (await world.now(payment)).state == "captured"
    assert (await world.sums())["cash"] == 1000


async def test_what_was_given_up_and_comes_after_all_is_credited(world: Any) -> None:
    await world.simulator.fault("alfa", "decline", method="bank", code="do_not_honour")
    payment = await world.deposit(method="bank")
    assert payment.state == "failed"
    await world.deliver("alfa")
    await world.simulator.event("alfa", await world.reference(payment), "approve")
    await world.deliver("alfa")
    assert (await world.now(payment)).state == "captured"


async def test_money_that_two_providers_took_is_credited_once_and_returned_once(world: Any) -> None:
    await world.simulator.fault("alfa", "decline", method="bank", code="acquirer_error")
    payment = await world.deposit(method="bank")
    for provider, number in (("bravo", 1), ("alfa", 0)):
        await world.simulator.event(provider, await world.reference(payment, number), "approve")
        await world.deliver(provider)
    assert [one.stray for one in await world.attempts(payment)] == [True, False]
    assert [await world.payments.resolve() for _ in range(2)] == [1, 0]
    returns = [one for one in await world.attempts(payment) if one.operation == "return"]
    assert [(one.provider, one.outcome, one.amount) for one in returns] == [("alfa", "captured", 1000)]
    assert await world.sums() == {"cash": 1000, "pending": 0, "provider": 1000, "loss": 0}


@pytest.mark.parametrize("accept", [True, False])
@pytest.mark.parametrize("event", [{"amount_minor": 900}, {"owner_match": False}])
async def test_another_amount_or_owner_waits_for_a_person(world: Any, event: dict[str, Any], accept: bool) -> None:
    payment = await world.paid_by(1000, "bank", **event)
    assert payment.state == "pending_review" and (await world.sums())["cash"] == 0
    if accept:
        await world.payments.accept(payment.payment_id, "ann", "seen")
        assert (await world.sums())["cash"] == event.get("amount_minor", 1000)
    else:
        sent = await world.payments.send_back(payment.payment_id, "ann", "seen")
        assert sent.state == "failed" and await world.sums() == dict.fromkeys(
            ("cash", "pending", "provider", "loss"), 0
        )
        with pytest.raises(NotPossible):
            await world.payments.accept(payment.payment_id, "ann", "seen")


async def test_a_card_of_somebody_else_is_not_charged(world: Any) -> None:
    payment = await world.deposit(token="tok_visa_other")
    await world.payments.resolve()
    assert (await world.now(payment)).state == "pending_review"
    status = await world.simulator.adapters["alfa", "card"].status(await world.reference(payment))
    assert status.outcome == "authorized"
    assert (await world.payments.reject(payment.payment_id, "ann", "seen")).state == "failed"
    assert (await world.sums())["cash"] == 0


async def test_webhooks_out_of_order_and_twice_come_to_the_same(world: Any) -> None:
    """The dispute's events come before the deposit's own."""
    payment = await world.deposit(method="bank")
    reference = await world.reference(payment)
    await world.simulator.fault("alfa", "webhook_duplicate", times=3)
    for event in ("approve", "chargeback", "chargeback_won"):
        await world.simulator.event("alfa", reference, event)
    sent = await world.simulator.webhooks("alfa")
    assert len(sent) == 6
    assert await world.deliver("alfa", sent[::-1]) == [True, False] * 3
    assert (await world.now(payment)).state == "captured"
    history = await world.database.pool.fetch("SELECT transition FROM wallet.payment_transitions ORDER BY version")
    assert [row[0] for row in history] == ["submit", "capture", "charge_back", "win_chargeback"]
    assert (await world.sums())["cash"] == 1000


async def test_a_webhook_with_a_wrong_signature_changes_nothing(world: Any) -> None:
    payment = await world.deposit(method="bank")
    await world.simulator.fault("alfa", "webhook_wrong_signature")
    await world.simulator.event("alfa", await world.reference(payment), "approve")
    with pytest.raises(WebhookRefused):
        await world.deliver("alfa")
    assert await world.database.pool.fetchval("SELECT count(*) FROM wallet.psp_events") == 0
    assert (await world.now(payment)).state == "processing"


async def test_an_event_of_another_provider_about_the_attempt_is_parked(world: Any) -> None:
    payment = await world.deposit(method="bank")
    reference = await world.reference(payment)
    await world.simulator.adapters["bravo", "bank"].authorize(Charge(reference, 1000, "GBP"))
    await world.simulator.event("bravo", reference, "approve")
    await world.deliver("bravo")
    assert (await world.now(payment)).state == "processing"
    assert await world.database.pool.fetchval("SELECT status FROM wallet.psp_events") == "parked"


async def test_an_event_that_never_becomes_possible_is_parked_after_a_day(world: Any) -> None:
    payment = await world.paid_by()
    await world.simulator.event("alfa", await world.reference(payment), "chargeback_lost")
    await world.deliver("alfa")
    assert await world.payments.inbox.park_old() == 0
    world.simulator.clock.offset_s = timedelta(hours=25).total_seconds()
    assert await world.payments.inbox.park_old() == 1


async def test_a_reorganisation_takes_a_credited_deposit_back_and_gives_it_again(world: Any) -> None:
    payment = await world.deposit(method="crypto")
    reference = await world.reference(payment)
    cash = []
    for event, blocks in (("confirm", 3), ("reorg", 0), ("confirm", 3)):
        await world.simulator.event("alfa", reference, event, **({"blocks": blocks} if blocks else {}))
        await world.deliver("alfa")
        cash.append(((await world.now(payment)).state, (await world.sums())["cash"]))
    assert cash == [("captured", 1000), ("charged_back", 0), ("captured", 1000)]


async def test_refunds_take_what_the_cash_covers_and_are_given_back_when_they_fail(world: Any) -> None:
    payment = await world.deposit()
    assert (await world.payments.refund(payment.payment_id, 300, "ann", "seen", "k1")).state == "partially_refunded"
    await world.simulator.fault("alfa", "decline", operation="refund", code="refund_window_closed")
    failed = await world.payments.refund(payment.payment_id, 200, "ann", "seen", "k2")
    assert (failed.state, failed.refunded, (await world.sums())["cash"]) == ("partially_refunded", 300, 700)
    await world.database.pool.execute("INSERT INTO money VALUES (gen_random_uuid(), 'lost', 1, -650, 0, 0, 650)")
    short = await world.payments.refund(payment.payment_id, 200, "ann", "seen", "k3")
    assert (short.refunded, (await world.sums())["cash"]) == (350, 0)
    with pytest.raises(RefundNotCovered):
        await world.payments.refund(payment.payment_id, 200, "ann", "seen", "k4")
    assert (await world.now(payment)).state == "partially_refunded"


async def test_a_refund_whose_answer_is_lost_is_not_done_twice(world: Any) -> None:
    payment = await world.deposit()
    for fault in ("no_effect", "lost_answer"):
        await world.simulator.fault("alfa", fault, operation="refund")
        assert (await world.payments.refund(payment.payment_id, 100, "ann", "seen", fault)).state == "refunding"
        with pytest.raises(NotPossible):
            await world.payments.refund(payment.payment_id, 100, "ann", "seen", "other")
        await world.payments.resolve()
        assert (await world.now(payment)).state == "partially_refunded"
    assert (await world.now(payment)).refunded == 200 == 1000 - (await world.sums())["cash"]


async def test_a_provider_in_trouble_is_passed_by_and_tried_again_later(world: Any) -> None:
    dear = {"provider": "bravo", "method": "card", "currencies": ["GBP"], "basis_points": 1000}
    world.again(routes=[ROUTES[0], dear], cost_weight=10)
    await world.simulator.fault("alfa", "decline", code="processor_unavailable", times=FAILURES_TO_OPEN)
    assert {(await world.deposit()).provider for _ in range(FAILURES_TO_OPEN + 2)} == {"bravo"}
    asked = await world.database.pool.fetchval("SELECT count(*) FROM wallet.payment_attempts WHERE provider = 'alfa'")
    assert asked == FAILURES_TO_OPEN
    assert world.payments.flow.health.score("alfa", "card").breaker.state == "open"
    world.simulator.clock.offset_s = OPEN_FOR.total_seconds() + 1
    assert (await world.deposit()).provider == "alfa"
    assert world.payments.flow.health.score("alfa", "card").breaker.state == "closed"


async def test_a_cards_country_chooses_its_route_once_it_is_known(world: Any) -> None:
    abroad = {"provider": "charlie", "method": "card", "currencies": ["GBP"], "bin_countries": ["XB"]}
    dear = {"provider": "alfa", "method": "card", "currencies": ["GBP"], "basis_points": 200}
    world.again(routes=[dear, abroad])
    assert [(await world.deposit(token="tok_abroad1")).provider for _ in range(2)] == ["alfa", "charlie"]
    assert [(await world.deposit(token="tok_visa")).provider for _ in range(2)] == ["alfa", "alfa"]


async def test_the_wallets_role_may_write_payments_and_not_rewrite_their_history(world: Any) -> None:
    pool = world.database.pool
    for table in ("payments", "payment_attempts", "psp_events", "settlement_breaks"):
        await pool.execute(f"UPDATE wallet.{table} SET currency = currency")
    await pool.execute("UPDATE wallet.instruments SET token = token")
    for table in ("payment_transitions", "settlement_lines", "settlement_files", "payments", "psp_events"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(f"DELETE FROM wallet.{table}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await pool.execute("UPDATE wallet.payment_transitions SET actor = 'nobody'")


async def test_raced_repeats_of_one_deposit_charge_once(world: Any) -> None:
    payments = await asyncio.gather(*(world.deposit(key="raced") for _ in range(6)))
    assert len({one.payment_id for one in payments}) == 1
    await world.payments.resolve()
    assert (await world.sums())["cash"] == 1000
    assert len(await world.attempts(payments[0])) == 1


async def test_the_database_itself_refuses_a_second_open_attempt(world: Any) -> None:
    payment = await world.deposit(method="bank")
    with pytest.raises(Exception, match="one_open_attempt"):
        await world.database.pool.execute(
            "INSERT INTO wallet.payment_attempts (payment_id, number, operation, provider, method, reference, amount,"
            " currency, started_at) VALUES ($1, 9, 'charge', 'bravo', 'bank', 'other', 1, 'GBP', now())",
            payment.payment_id,
        )


async def test_not_even_the_owner_rewrites_the_history_of_a_payment(
    world: Any, servers: Any, payments_database: str
) -> None:
    await world.deposit()
    for statement in ("DELETE FROM wallet.payment_transitions", "UPDATE wallet.payment_transitions SET actor = 'x'"):
        with pytest.raises(Exception, match="not rewritten"):
            await servers.sql(statement, payments_database)


async def test_what_is_not_offered_or_is_a_card_number_is_refused_before_anything_is_written(world: Any) -> None:
    world.again(routes=[])
    with pytest.raises(MethodNotOffered):
        await world.deposit()
    with pytest.raises(PanRefused):
        await world.deposit(token="4111111111111111")
    assert await world.database.pool.fetchval("SELECT count(*) FROM wallet.payments") == 0


@pytest.mark.drill
async def test_after_any_faults_the_ledger_has_what_the_providers_kept(world: Any, drill: Any) -> None:
    """Random faults at three providers, webhooks shuffled and repeated, then reconciliation: the sums agree."""
    random_, faults, payments = random.Random(drill.seed), 0, []
    for _ in range(drill.count(8, 200)):
        method = random_.choice(["card", "card", "bank", "pix"])
        for provider in ("alfa", "bravo", "charlie"):
            for _ in range(random_.randint(0, 2)):
                faults += 1
                await world.simulator.fault(
                    provider, random_.choice(["lost_answer", "no_effect", "error", "decline", "webhook_duplicate",
                                              "webhook_lost"]), method=method,
                    code=random_.choice(["acquirer_error", "issuer_unavailable", "do_not_honour"]),
                )  # fmt: skip
        payment = await world.deposit(random_.randint(1, 500), method, key=secrets.token_hex(8))
        payments.append(payment)
        for attempt in await world.attempts(payment):
            if attempt.outcome == "pending":
                await world.simulator.event(attempt.provider, attempt.reference, random_.choice(["approve", "decline"]))
        sent = [(p, one) for p in ("alfa", "bravo", "charlie") for one in await world.simulator.webhooks(p)]
        random_.shuffle(sent)
        for provider, one in sent * 2:
            await world.deliver(provider, [one])
        for provider in ("alfa", "bravo", "charlie"):
            await world.simulator.fault(provider, "none")
    for minutes in (1, 16, 17):
        world.simulator.clock.offset_s = minutes * 60.0
        await world.payments.resolve()
    for payment in payments:  # what the player never paid runs out at the provider
        for attempt in await world.attempts(payment):
            if attempt.outcome == "pending":
                await world.simulator.event(attempt.provider, attempt.reference, "decline", code="expired")
    await world.payments.resolve()
    drill.injected(faults)

    kept = 0
    for payment in payments:
        now = await world.now(payment)
        assert now.state in ("captured", "failed"), now
        took = []
        for attempt in await world.attempts(payment):
            said = await world.simulator.adapters[attempt.provider, attempt.method].status(attempt.reference)
            if said.outcome == "captured":
                took.append(said.amount)
        assert len(took) <= 1, "two providers took it"
        assert sum(took) == now.captured
        kept += sum(took)
    assert (await world.sums())["cash"] == kept > 0
