"""The HTTP interface of payments, on an application of its own: players, providers, and what is never let in."""

from __future__ import annotations

import io
import json
import logging
import secrets
import uuid
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from casino.compliance.api import RulesInForce
from casino.kernel.container import Container
from casino.kernel.error_handlers import add_error_handlers
from casino.kernel.identity import Authenticator, Principal
from casino.kernel.logs import JsonFormatter
from casino.kernel.middleware import RequestLayer
from casino.kernel.settings import Settings
from casino.wallet.guard import DepositGuard
from casino.wallet.payments.endpoints import router
from casino.wallet.payments.ports import Finding
from casino.wallet.payments.service import Payments
from fastapi import FastAPI

PAN = "4111 1111 1111 1111"


class Allows:
    name, on_failure = "kyc", "review"

    async def judge(self, payment: Any) -> Finding:
        return [Finding(self.name, "allow", "kyc_passed")]


class Tokens:
    """A session's token is its player's id; the account is its number."""

    def __init__(self) -> None:
        self.players: dict[str, Principal] = {}

    def new(self) -> str:
        token, player = secrets.token_hex(8), uuid.uuid4()
        self.players[token] = Principal(player, len(self.players) + 1, date(1980, 1, 1), datetime.now(UTC), "csrf")
        return token

    async def authenticate(self, token: str) -> Principal | None:
        return self.players.get(token)


class Unguarded:
    """Nobody has to be asked before a deposit."""

    async def depositing(self, player_id: uuid.UUID) -> None:
        """Let it begin."""


@pytest.fixture
async def http(world: Any, servers: Any, payments_database: str) -> Any:
    """The interface; `http.player()` makes a player's headers."""
    app, parts, tokens = FastAPI(), Container(), Tokens()
    app.include_router(router)
    add_error_handlers(app)
    parts.put(Settings, servers.settings(payments_database))
    parts.put(Authenticator, tokens)  # type: ignore[type-abstract]
    parts.put(DepositGuard, Unguarded())  # type: ignore[type-abstract]
    parts.put(Payments, world.again([Allows()]))
    parts.put(RulesInForce, world.rules)
    app.state.container = parts
    transport = httpx.ASGITransport(RequestLayer(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://casino.test/api/v1") as client:
        client.player = lambda: {"Authorization": f"Bearer {tokens.new()}"}  # type: ignore[attr-defined]
        yield client


async def deposit(http: Any, player: Any, key: str | None = None, **body: Any) -> httpx.Response:
    headers = player | {"Idempotency-Key": key or secrets.token_hex(8)}
    answer: httpx.Response = await http.post(
        "/payments/deposits", json={"amount_minor": 1000, "method": "card", "token": "tok_visa"} | body, headers=headers
    )
    return answer


async def deliver(http: Any, world: Any, provider: str = "alfa") -> list[httpx.Response]:
    return [await http.post(f"/psp/{provider}/webhooks", content=one["body"], headers=one["headers"])
            for one in await world.simulator.webhooks(provider)]  # fmt: skip


async def test_a_player_deposits_and_withdraws(http: Any, world: Any) -> None:
    player = http.player()
    paid = (await deposit(http, player)).json()
    assert (paid["state"], paid["amount_minor"], paid["currency"], paid["action"]) == ("captured", 1000, "GBP", None)
    [card] = (await http.get("/payments/instruments", headers=player)).json()["instruments"]
    assert (card["method"], card["verified"]) == ("card", True)
    body = {"amount_minor": 400, "instrument_id": card["instrument_id"]}
    headers = player | {"Idempotency-Key": "w"}
    for _ in range(2):
        answer = await http.post("/withdrawals", json=body, headers=headers)
        assert answer.status_code == 201, answer.text
        [withdrawal] = answer.json()["withdrawals"]
        assert withdrawal["state"] == "paid"
    listed = (await http.get("/withdrawals", headers=player)).json()["withdrawals"]
    assert [one["payment_id"] for one in listed] == [withdrawal["payment_id"]]
    assert (await http.get("/withdrawals", headers=http.player())).json() == {"withdrawals": []}


@pytest.mark.parametrize(("method", "shown"), [("bank", "url"), ("wallet", "url"), ("pix", "qr_payload"),
                                               ("crypto", "address")])  # fmt: skip
async def test_a_redirected_deposit_tells_what_to_do_until_its_webhook(
    http: Any, world: Any, method: str, shown: str
) -> None:
    player = http.player()
    begun = (await deposit(http, player, method=method, token=None, return_url="https://casino.test/back")).json()
    assert begun["state"] == "processing" and begun["action"][shown]
    event = {"event": "confirm", "blocks": 3} if method == "crypto" else {"event": "approve"}
    await world.simulator.event("alfa", uuid.UUID(begun["payment_id"]).hex + "-0", **event)
    answers = await deliver(http, world)
    assert [(one.status_code, one.json()) for one in answers] == [(200, {"repeated": False})]
    found = (await http.get(f"/payments/deposits/{begun['payment_id']}", headers=player)).json()
    assert (found["state"], found["action"]) == ("captured", None)


async def test_a_payment_is_shown_to_its_own_player_alone(http: Any) -> None:
    made = (await deposit(http, http.player())).json()["payment_id"]
    for other, headers in ((made, http.player()), (uuid.uuid4(), http.player())):
        answer = await http.get(f"/payments/deposits/{other}", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (404, "PAYMENT_NOT_FOUND")
    assert (await http.get(f"/payments/deposits/{made}")).status_code == 401
    cancel = await http.post(f"/withdrawals/{made}/cancel", headers=http.player())
    assert cancel.status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"token": PAN.replace(" ", "")}, {"note": PAN}, {"return_url": f"https://x.test/{PAN}"},
     {"token": {"deep": [PAN.replace(" ", "-")]}}, {"amount_minor": 4111111111111111}],
)  # fmt: skip
async def test_a_card_number_is_refused_and_neither_logged_nor_stored(
    http: Any, world: Any, body: dict[str, Any]
) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    try:
        answers = [await deposit(http, http.player(), **body)]
        headers = http.player() | {"Idempotency-Key": "k"}
        answers.append(await http.post("/withdrawals", json=body, headers=headers))
    finally:
        logging.getLogger().removeHandler(handler)
        logging.getLogger().setLevel(level)
    written = stream.getvalue() + "".join(answer.text for answer in answers)
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "PAN_REFUSED")
    assert "4111" not in written and "PAN_REFUSED" in written
    assert await world.database.pool.fetchval("SELECT count(*) FROM wallet.payments") == 0
    assert await world.database.pool.fetchval("SELECT count(*) FROM wallet.instruments") == 0


async def test_webhooks_are_refused_without_the_providers_word(http: Any, world: Any) -> None:
    begun = (await deposit(http, http.player(), method="bank", token=None)).json()
    await world.simulator.fault("alfa", "webhook_duplicate")
    await world.simulator.event("alfa", uuid.UUID(begun["payment_id"]).hex + "-0", "approve")
    [one, _] = sent = await world.simulator.webhooks("alfa")
    forged = one["headers"] | {"x-signature": "0" * 64}
    assert (await http.post("/psp/alfa/webhooks", content=one["body"], headers=forged)).status_code == 401
    assert (await http.post("/psp/bravo/webhooks", content=one["body"], headers=one["headers"])).status_code == 401
    unknown = await http.post("/psp/nobody/webhooks", content=one["body"], headers=one["headers"])
    assert (unknown.status_code, unknown.json()["code"]) == (404, "PROVIDER_UNKNOWN")
    world.simulator.clock.offset_s = 301
    stale = await http.post("/psp/alfa/webhooks", content=one["body"], headers=one["headers"])
    assert (stale.status_code, stale.json()["code"]) == (401, "WEBHOOK_REFUSED")
    world.simulator.clock.offset_s = 0
    answers = [await http.post("/psp/alfa/webhooks", content=o["body"], headers=o["headers"]) for o in sent]
    assert [answer.json() for answer in answers] == [{"repeated": False}, {"repeated": True}]
    assert (await world.sums())["cash"] == 1000


@pytest.mark.parametrize(
    ("body", "code"),
    [({"token": None}, "REQUEST_INVALID"), ({"method": "bank"}, "REQUEST_INVALID"),
     ({"amount_minor": 0}, "AMOUNT_INVALID"), ({"amount_minor": 1.5}, "AMOUNT_INVALID"),
     ({"method": "gold"}, "REQUEST_INVALID"), ({"surprise": 1}, "REQUEST_INVALID"),
     ({"return_url": "javascript:alert(1)"}, "REQUEST_INVALID")],
)  # fmt: skip
async def test_malformed_deposits_are_refused(http: Any, body: dict[str, Any], code: str) -> None:
    answer = await deposit(http, http.player(), **body)
    assert (answer.status_code, answer.json()["code"]) == (422, code)


async def test_a_key_stands_for_one_request(http: Any) -> None:
    player = http.player()
    first = await deposit(http, player, key="k")
    assert (await deposit(http, player, key="k")).json() == first.json()
    other = await deposit(http, player, key="k", amount_minor=1001)
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


async def test_withdrawals_are_refused_with_their_reason(http: Any, world: Any) -> None:
    player = http.player()
    await deposit(http, player)
    [card] = (await http.get("/payments/instruments", headers=player)).json()["instruments"]
    for body, status, code in (
        ({"amount_minor": 5000, "instrument_id": card["instrument_id"]}, 402, "CASH_SHORT"),
        ({"amount_minor": 5, "instrument_id": str(uuid.uuid4())}, 403, "INSTRUMENT_NOT_VERIFIED"),
    ):
        headers = player | {"Idempotency-Key": secrets.token_hex(8)}
        answer = await http.post("/withdrawals", json=body, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    held = {"amount_minor": 900, "instrument_id": card["instrument_id"]}
    world.payments.withdrawals._checks = []
    made = (await http.post("/withdrawals", json=held, headers=player | {"Idempotency-Key": "k"})).json()
    [waiting] = made["withdrawals"]
    assert waiting["state"] == "pending_review"
    answer = await http.post(f"/withdrawals/{waiting['payment_id']}/cancel", headers=player)
    assert (answer.status_code, answer.json()["code"]) == (409, "WITHDRAWAL_STATE")
    assert json.dumps(answer.json()).count("window is closed") == 1


async def test_the_first_deposit_endpoint_refuses_card_numbers_too(casino: Any) -> None:
    player = await casino.player()
    answer = await player.deposit(100, card="4111111111111111")
    assert (answer.status_code, answer.json()["code"]) == (422, "PAN_REFUSED")
    assert (await player.deposit(100)).json()["status"] == "captured"
