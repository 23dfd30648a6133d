"""Every adapter against the simulator's process: what it asks, what it understands, and what it does not believe."""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from casino.kernel.settings import PspSecret, PspSetting
from casino.wallet.payments.adapters.base import Charge, Payout, Refund, TravelRule
from casino.wallet.payments.adapters.crypto import TravelRuleIncomplete
from casino.wallet.payments.adapters.decimals import minor_of
from casino.wallet.payments.adapters.family import WebhookInvalid
from casino.wallet.payments.adapters.http import Connection
from casino.wallet.payments.adapters.registry import PLUGINS
from casino.wallet.payments.models import METHODS, Answer, Method
from casino.wallet.payments.pan import PanRefused
from casino.wallet.payments.signing import REPLAY_WINDOW, WebhookRefused, signature
from hypothesis import given
from hypothesis import strategies as st
from payments_simulator import NO_TLS, SECRETS, Now, Simulator

RULE = TravelRule("A Player", "player 7", "A Player", "bc1qthere")
REDIRECTED: tuple[Method, ...] = ("bank", "wallet", "pix", "crypto")


def charge(amount: int = 1234, **changes: Any) -> Charge:
    return replace(Charge(secrets.token_hex(16), amount, "GBP", "tok_visa", "https://casino.test/back"), **changes)


async def captured(simulator: Simulator, method: Method, provider: str = "alfa", amount: int = 1234) -> Charge:
    """A charge that the provider has captured."""
    adapter, asked = simulator.adapters[provider, method], charge(amount)
    assert (await adapter.authorize(asked)).outcome in ("authorized", "pending")
    if method == "card":
        answer = await adapter.capture(asked.reference)
    else:
        await simulator.event(provider, asked.reference, "confirm" if method == "crypto" else "approve", **(
            {"blocks": 3} if method == "crypto" else {}))  # fmt: skip
        answer = await adapter.status(asked.reference)
    assert (answer.outcome, answer.amount, answer.currency) == ("captured", amount, "GBP")
    return asked


@pytest.mark.parametrize("method", METHODS)
async def test_a_charge_is_captured_refunded_and_found_again(simulator: Simulator, method: Method) -> None:
    adapter = simulator.adapters["alfa", method]
    asked = await captured(simulator, method)
    part = Refund(secrets.token_hex(16), asked.reference, 234, "GBP")
    first = await adapter.refund(part)
    assert (first.outcome, first.amount) == ("captured", 234)
    assert await adapter.refund(part) == first, "a repeat is the same refund"
    too_much = await adapter.refund(replace(part, reference=secrets.token_hex(16), amount=1001))
    assert (too_much.outcome, too_much.decline_code) == ("declined", "request_refused")
    assert (await adapter.status("never heard of")).outcome == "not_found"


@pytest.mark.parametrize("method", METHODS)
async def test_a_payout_is_paid_once_or_declined(simulator: Simulator, method: Method) -> None:
    adapter = simulator.adapters["alfa", method]
    payout = Payout(secrets.token_hex(16), 700, "GBP", "tok_there", RULE)
    paid = await adapter.payout(payout)
    assert (paid.outcome, paid.amount) == ("captured", 700)
    assert await adapter.payout(payout) == paid == await adapter.status(payout.reference)
    dead = await adapter.payout(replace(payout, reference=secrets.token_hex(16), token="tok_dead"))
    assert (dead.outcome, dead.decline_code) == ("declined", "account_closed")


@pytest.mark.parametrize("method", REDIRECTED)
async def test_the_player_is_told_where_to_pay(simulator: Simulator, method: Method) -> None:
    action = (await simulator.adapters["alfa", method].authorize(charge())).action
    assert action is not None
    shown = {"bank": action.url, "wallet": action.url, "pix": action.qr_payload, "crypto": action.address}[method]
    assert shown and [action.url, action.qr_payload, action.address].count(None) == 2
    if action.url:
        assert (await simulator.http.get(action.url)).json() == {"status": "paid"}
        assert [json.loads(one["body"])["type"] for one in await simulator.webhooks("alfa")] == ["charge.captured"]


async def test_crypto_waits_for_confirmations_and_survives_a_reorganisation(simulator: Simulator) -> None:
    adapter, asked = simulator.adapters["alfa", "crypto"], charge()
    address = (await adapter.authorize(asked)).action
    other = (await adapter.authorize(charge())).action
    assert address and other and address.address != other.address, "each deposit has its own address"
    for event, outcome in (("confirm", "pending"), ("reorg", "pending"), ("confirm", "pending"), ("confirm", "pending"),
                           ("confirm", "captured"), ("reorg", "pending")):  # fmt: skip
        await simulator.event("alfa", asked.reference, event)
        assert (await adapter.status(asked.reference)).outcome == outcome
    await simulator.event("alfa", asked.reference, "confirm", blocks=3)
    events = [adapter.parse_webhook(one["headers"], one["body"].encode(), simulator.clock.now())
              for one in await simulator.webhooks("alfa")]  # fmt: skip
    assert [one.kind for one in events] == [
        "seen", "reorged", "seen", "seen", "captured", "reorged", "chargeback_won",
    ]  # fmt: skip
    assert {one.reference for one in events} == {asked.reference}


@pytest.mark.parametrize("missing", ["originator_name", "beneficiary_address", None])
async def test_no_crypto_leaves_without_the_travel_rule(simulator: Simulator, missing: str | None) -> None:
    rule = replace(RULE, **{missing: ""}) if missing else None
    payout = Payout(secrets.token_hex(16), 700, "GBP", "bc1qthere", rule)
    with pytest.raises(TravelRuleIncomplete):
        await simulator.adapters["alfa", "crypto"].payout(payout)
    assert (await simulator.adapters["alfa", "crypto"].status(payout.reference)).outcome == "not_found"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("fault", "then"), [("lost_answer", None), ("no_effect", "not_found"), ("error", "not_found")])
async def test_a_lost_answer_is_unknown_and_a_status_query_tells(
    simulator: Simulator, method: Method, fault: str, then: str | None
) -> None:
    adapter, asked = simulator.adapters["alfa", method], charge()
    await simulator.fault("alfa", fault, method=method, operation="charge", reference=asked.reference)
    assert await adapter.authorize(asked) == Answer("unknown", asked.reference)
    expected = then or ("authorized" if method == "card" else "pending")
    assert (await adapter.status(asked.reference)).outcome == expected


async def test_an_answer_that_comes_too_late_is_unknown_and_took_effect(simulator: Simulator) -> None:
    setting, secret = PspSetting(name="alfa", url=simulator.url), PspSecret(merchant_id="alfa", secret=SECRETS["alfa"])
    impatient = PLUGINS["card"](Connection(setting, secret, simulator.clock, timeout_s=0.2, context=NO_TLS), 2)
    asked = charge()
    await simulator.fault("alfa", "slow", seconds=0.5, reference=asked.reference)
    assert (await impatient.authorize(asked)).outcome == "unknown"
    await asyncio.sleep(0.5)
    assert (await simulator.adapters["alfa", "card"].status(asked.reference)).outcome == "authorized"
    await impatient.close()


async def test_webhooks_are_pushed_late_and_twice_where_a_url_is_given(simulator: Simulator) -> None:
    """What comes over a socket is what the adapter believes; the first delivery fails and is tried again."""
    came: asyncio.Queue[tuple[float, dict[str, str], bytes]] = asyncio.Queue()
    refusals = iter([b"503 Not Now", b"200 OK", b"200 OK"])

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        body = await reader.readexactly(int(headers["content-length"]))
        status = next(refusals)
        if status.startswith(b"200"):
            came.put_nowait((asyncio.get_running_loop().time(), headers, body))
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        await simulator.call("bravo", "POST", "/control/webhooks", {"url": url})
        try:
            asked = charge()
            await simulator.adapters["bravo", "bank"].authorize(asked)
            await simulator.fault("bravo", "webhook_late", seconds=0.3)
            await simulator.fault("bravo", "webhook_duplicate")
            begun = asyncio.get_running_loop().time()
            await simulator.event("bravo", asked.reference, "approve")
            first, second = [await asyncio.wait_for(came.get(), 5) for _ in range(2)]
        finally:
            await simulator.call("bravo", "POST", "/control/webhooks", {"url": None})
    assert first[0] - begun >= 0.3
    assert first[2] == second[2]
    event = simulator.adapters["bravo", "bank"].parse_webhook(first[1], first[2], simulator.clock.now())
    assert (event.kind, event.reference) == ("captured", asked.reference)


async def test_declines_tell_which_of_them_another_provider_may_not_give(simulator: Simulator) -> None:
    adapter = simulator.adapters["bravo", "card"]
    codes = {token: (await adapter.authorize(charge(token=token))).decline_code
             for token in ("tok_declined", "tok_unavailable", "tok_stolen")}  # fmt: skip
    assert list(codes.values()) == ["do_not_honour", "issuer_unavailable", "stolen_card"]
    await simulator.fault("bravo", "decline", code="acquirer_error", method="card")
    assert (await adapter.authorize(charge())).decline_code == "acquirer_error"


async def test_a_request_with_a_wrong_signature_is_refused_and_moves_nothing(simulator: Simulator) -> None:
    setting, secret = PspSetting(name="alfa", url=simulator.url), PspSecret(merchant_id="alfa", secret="wrong")
    forged = PLUGINS["card"](Connection(setting, secret, simulator.clock, timeout_s=5, context=NO_TLS), 2)
    asked = charge()
    assert (await forged.authorize(asked)).decline_code == "request_refused"
    assert (await simulator.adapters["alfa", "card"].status(asked.reference)).outcome == "not_found"
    await forged.close()


@pytest.mark.parametrize("token", ["4111111111111111", "4111-1111-1111-1111", "378282246310005"])
async def test_a_card_number_is_never_sent_as_a_token(simulator: Simulator, token: str) -> None:
    asked = charge(token=token)
    with pytest.raises(PanRefused):
        await simulator.adapters["alfa", "card"].authorize(asked)
    assert (await simulator.adapters["alfa", "card"].status(asked.reference)).outcome == "not_found"


async def webhook_of(simulator: Simulator, method: Method) -> tuple[dict[str, str], bytes]:
    await captured(simulator, method)
    sent = (await simulator.webhooks("alfa"))[-1]
    return sent["headers"], sent["body"].encode()


@pytest.mark.parametrize("method", METHODS)
async def test_a_webhook_is_believed_only_from_its_provider_whole_and_in_time(
    simulator: Simulator, method: Method
) -> None:
    adapter = simulator.adapters["alfa", method]
    headers, body = await webhook_of(simulator, method)
    now = simulator.clock.now()
    event = adapter.parse_webhook(headers, body, now)
    assert (event.kind, event.amount, event.currency) == ("captured", 1234, "GBP")
    refused = [
        (simulator.adapters["bravo", method], headers, body, now),
        (adapter, headers, body.replace(b"1234", b"9234").replace(b"12.34", b"92.34"), now),
        (adapter, headers, body, now + REPLAY_WINDOW + timedelta(seconds=2)),
        (adapter, headers, body, now - REPLAY_WINDOW - timedelta(seconds=2)),
        (adapter, headers | {"x-timestamp": str(int(headers["x-timestamp"]) + 1)}, body, now),
        (adapter, {}, body, now),
    ]
    for who, head, content, at in refused:
        with pytest.raises(WebhookRefused):
            who.parse_webhook(head, content, at)


LONELY = PLUGINS["card"](
    Connection(PspSetting(name="alfa", url="http://nowhere.test"), PspSecret(merchant_id="a", secret="s"), Now(),
               timeout_s=1, context=NO_TLS), 2,
)  # fmt: skip


@given(st.binary(max_size=60) | st.recursive(
    st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["event_id", "type", "occurred_at", "data", "id", "status", "reference"]), inner, max_size=6),
    max_leaves=8).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_nonsense_that_is_signed_is_refused_as_nonsense(body: bytes) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    timestamp = str(int(now.timestamp()))
    with pytest.raises(WebhookInvalid):
        LONELY.parse_webhook({"x-timestamp": timestamp, "x-signature": signature("s", timestamp, body)}, body, now)


@given(st.integers(0, 10**12), st.integers(0, 4))
def test_decimal_amounts_are_read_to_the_minor_unit(minor: int, exponent: int) -> None:
    whole, fraction = divmod(minor, 10**exponent)
    written = f"{whole}.{fraction:0{exponent}d}" if exponent else str(whole)
    assert minor_of(written, exponent) == minor


@pytest.mark.parametrize("written", ["1.234", "-1.00", "NaN", "Infinity", "1e99", "", "12,00", "0x10"])
def test_what_is_no_amount_is_not_rounded_into_one(written: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        minor_of(written, 2)


async def test_two_providers_of_one_simulator_know_nothing_of_each_other(simulator: Simulator) -> None:
    asked = await captured(simulator, "card")
    assert (await simulator.adapters["bravo", "card"].status(asked.reference)).outcome == "not_found"
    assert set(SECRETS) == {"alfa", "bravo", "charlie"}
