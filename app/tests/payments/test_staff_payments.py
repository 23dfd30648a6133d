"""What staff does with payments, over HTTP: who may, who may not, and what is kept of it."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from casino.backoffice.api import staff_payments_router as staff_router
from casino.compliance.api import RulesInForce
from casino.kernel.container import Container
from casino.kernel.error_handlers import add_error_handlers
from casino.kernel.errors import Unauthenticated
from casino.kernel.identity import Authenticator, Principal
from casino.kernel.middleware import RequestLayer
from casino.kernel.settings import Settings
from casino.pam.api import Role, StaffPrincipal
from casino.pam.endpoints_staff import current_staff
from casino.wallet.payments.endpoints import router
from casino.wallet.payments.ports import Finding
from casino.wallet.payments.reconciliation import reconcile
from casino.wallet.payments.service import Payments
from fastapi import FastAPI, Request

PAN = "4111 1111 1111 1111"
SEEN = {"reason": "looked at the papers"}


class Finds:
    name, on_failure = "aml", "review"

    def __init__(self, verdict: Any = "review") -> None:
        self.verdict = verdict

    async def judge(self, payment: Any) -> list[Finding]:
        return [Finding(self.name, self.verdict, "aml_large_amount", {"amount": payment.amount})]


class Desk:
    """Staff and players on one application; a session's token is the number of who it is of."""

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, world: Any) -> None:
        self.app, self.client, self.world = app, client, world
        self.staff: dict[str, StaffPrincipal] = {}

    def hire(self, role: Role) -> str:
        token = secrets.token_hex(8)
        self.staff[token] = StaffPrincipal(uuid.uuid4(), role, datetime.now(UTC))
        return token

    def name(self, token: str) -> str:
        return f"staff:{self.staff[token].staff_id}"

    async def principal(self, request: Request) -> StaffPrincipal:
        found = self.staff.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        if found is None:
            raise Unauthenticated("The request has no valid staff session.")
        return found

    async def authenticate(self, token: str) -> Principal | None:
        return (
            Principal(self.world.player, 1, date(1980, 1, 1), datetime.now(UTC), "csrf") if token == "player" else None
        )

    async def call(self, who: str, method: str, path: str, body: Any = None, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {who}"} | ({"Idempotency-Key": key} if key else {})
        return await self.client.request(method, path, json=body, headers=headers)

    async def decide(self, who: str, path: str, **body: Any) -> httpx.Response:
        return await self.call(who, "POST", f"/staff/{path}", SEEN | body, secrets.token_hex(8))

    async def withdrawal(self, amount: int) -> Any:
        """A withdrawal that waits for a person."""
        await self.world.deposit(amount)
        [payment] = await self.world.payments.withdrawals.request(
            player_id=self.world.player, account_id=1, amount=amount, instrument_id=await self.world.instrument(),
            key=secrets.token_hex(8), request_hash=bytes(32),
        )  # fmt: skip
        assert payment.state == "pending_review"
        return payment


@pytest.fixture
async def desk(world: Any, servers: Any, payments_database: str) -> Any:
    app, parts = FastAPI(), Container()
    app.include_router(router)
    app.include_router(staff_router)
    add_error_handlers(app)
    transport = httpx.ASGITransport(RequestLayer(app), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://casino.test/api/v1") as client:
        desk = Desk(app, client, world)
        app.dependency_overrides[current_staff] = desk.principal
        parts.put(Settings, servers.settings(payments_database))
        parts.put(Authenticator, desk)  # type: ignore[type-abstract]
        parts.put(Payments, world.again([Finds()]))
        parts.put(RulesInForce, world.rules)
        app.state.container = parts
        yield desk


async def test_what_waits_is_listed_with_its_findings_and_page_by_page(desk: Any) -> None:
    made = [await desk.withdrawal(amount) for amount in (100, 200, 300)]
    who = desk.hire(Role.SUPPORT)
    first = (await desk.call(who, "GET", "/staff/withdrawals?limit=2")).json()
    assert [one["payment_id"] for one in first["payments"]] == [str(one.payment_id) for one in made[:2]]
    assert first["payments"][0]["findings"] == [
        {"check": "aml", "verdict": "review", "reason": "aml_large_amount", "details": {"amount": 100}}
    ]
    assert first["payments"][0]["approvals_needed"] == 1
    second = (await desk.call(who, "GET", f"/staff/withdrawals?limit=2&after={first['next']}")).json()
    assert [one["amount_minor"] for one in second["payments"]] == [300] and second["next"] is None
    assert (await desk.call(who, "GET", "/staff/deposits")).json() == {"payments": [], "next": None}


async def test_a_large_withdrawal_is_paid_when_two_people_have_approved_it(desk: Any) -> None:
    payment = await desk.withdrawal(20_000)
    ann, bea = desk.hire(Role.FINANCE), desk.hire(Role.COMPLIANCE)
    path = f"withdrawals/{payment.payment_id}/approve"
    assert (await desk.decide(ann, path)).json()["state"] == "pending_review"
    again = await desk.decide(ann, path)
    assert (again.status_code, again.json()["code"]) == (403, "SECOND_PERSON_REQUIRED")
    paid = (await desk.decide(bea, path)).json()
    assert (paid["state"], paid["approvals"]) == ("paid", [desk.name(ann), desk.name(bea)])
    late = await desk.decide(desk.hire(Role.FINANCE), path)
    assert (late.status_code, late.json()["code"]) == (409, "WITHDRAWAL_STATE")
    history = (await desk.call(ann, "GET", f"/staff/payments/{payment.payment_id}")).json()["history"]
    told = [(one["transition"], one["actor"], one["reason"]) for one in history]
    assert told[2:4] == [
        ("first_approval", desk.name(ann), SEEN["reason"]),
        ("approve", desk.name(bea), SEEN["reason"]),
    ]
    assert [bool(one["findings"]) for one in history[1:4]] == [True, True, True]


async def test_who_vouched_for_an_instrument_approves_nothing_that_goes_there(desk: Any) -> None:
    payment = await desk.withdrawal(500)
    vic = desk.hire(Role.COMPLIANCE)
    judged = await desk.decide(vic, f"instruments/{payment.instrument_id}/verify", owner_match=True)
    assert (judged.json()["verified"], judged.json()["verified_by"]) == (True, desk.name(vic))
    refused = await desk.decide(vic, f"withdrawals/{payment.payment_id}/approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "SECOND_PERSON_REQUIRED")
    with pytest.raises(Exception, match="vouched"):
        await desk.world.payments.withdrawals.approve(payment.payment_id, desk.name(vic), "seen")
    assert (await desk.decide(desk.hire(Role.FINANCE), f"withdrawals/{payment.payment_id}/approve")).json()[
        "state"
    ] == "paid"


async def test_what_the_checks_deny_by_now_is_not_paid_whoever_approves(desk: Any) -> None:
    payment = await desk.withdrawal(500)
    desk.app.state.container.put(Payments, desk.world.again([Finds("deny")]))
    answer = (await desk.decide(desk.hire(Role.FINANCE), f"withdrawals/{payment.payment_id}/approve")).json()
    assert (answer["state"], answer["decline_code"]) == ("failed", "withdrawal_denied")
    assert (await desk.world.sums())["pending"] == 0
    shown = (await desk.call("player", "GET", "/withdrawals")).json()["withdrawals"][0]
    assert shown["decline_code"] == "withdrawal_denied" and "aml" not in str(shown), "the player is told no suspicion"


@pytest.mark.parametrize("verb", ["reject", "cancel"])
async def test_a_withdrawal_is_rejected_or_cancelled_with_a_reason_that_the_player_does_not_see(
    desk: Any, verb: str
) -> None:
    payment, who = await desk.withdrawal(500), desk.hire(Role.FINANCE)
    ended = (await desk.decide(who, f"withdrawals/{payment.payment_id}/{verb}")).json()
    assert ended["state"] == {"reject": "failed", "cancel": "cancelled"}[verb]
    assert (await desk.world.sums())["cash"] == 500
    last = (await desk.call(who, "GET", f"/staff/payments/{payment.payment_id}")).json()["history"][-1]
    assert (last["actor"], last["reason"]) == (desk.name(who), SEEN["reason"])
    assert SEEN["reason"] not in (await desk.call("player", "GET", "/withdrawals")).text


async def test_a_deposit_in_review_is_accepted_sent_back_or_rejected(desk: Any) -> None:
    who, decided = desk.hire(Role.COMPLIANCE), {}
    for verb in ("accept", "send-back"):
        payment = await desk.world.paid_by(1000, "bank", amount_minor=900)
        listed = (await desk.call(who, "GET", "/staff/deposits")).json()["payments"]
        assert [(one["payment_id"], one["received_minor"]) for one in listed] == [(str(payment.payment_id), 900)]
        refused = await desk.decide(who, f"deposits/{payment.payment_id}/reject")
        assert (refused.status_code, refused.json()["code"]) == (409, "PAYMENT_STATE"), "its money has come"
        decided[verb] = (await desk.decide(who, f"deposits/{payment.payment_id}/{verb}")).json()["state"]
    assert decided == {"accept": "captured", "send-back": "failed"}
    other = await desk.world.deposit(500, token="tok_visa_other")
    assert (await desk.decide(who, f"deposits/{other.payment_id}/reject")).json()["state"] == "failed"
    assert (await desk.world.sums())["cash"] == 900


async def test_a_refund_is_made_once_for_each_key(desk: Any) -> None:
    payment, who = await desk.world.deposit(1000), desk.hire(Role.FINANCE)
    path, body = f"/staff/deposits/{payment.payment_id}/refund", SEEN | {"amount_minor": 300}
    for _ in range(2):
        answer = (await desk.call(who, "POST", path, body, "k")).json()
        assert (answer["state"], answer["refunded_minor"]) == ("partially_refunded", 300)
    other = await desk.call(who, "POST", path, body | {"amount_minor": 301}, "k")
    assert (other.status_code, other.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert (await desk.call(who, "POST", path, body)).json()["code"] == "IDEMPOTENCY_KEY_MISSING"
    assert (await desk.call(who, "POST", path, body | {"amount_minor": 701}, "l")).json()["code"] == "PAYMENT_STATE"
    assert (await desk.call(who, "POST", path, body | {"amount_minor": 700}, "m")).json()["state"] == "refunded"
    assert (await desk.world.sums()) == {"cash": 0, "pending": 0, "provider": 0, "loss": 0}


ACTS = [
    ("GET", "withdrawals", {"compliance", "finance", "support"}),
    ("GET", "deposits", {"compliance", "finance", "support"}),
    ("GET", "payments/{id}", {"compliance", "finance", "support"}),
    ("GET", "players/{id}/instruments", {"compliance", "finance", "support"}),
    ("GET", "settlement-breaks", {"compliance", "finance", "support"}),
    ("POST", "withdrawals/{id}/approve", {"compliance", "finance"}),
    ("POST", "withdrawals/{id}/reject", {"compliance", "finance"}),
    ("POST", "withdrawals/{id}/cancel", {"compliance", "finance", "support"}),
    ("POST", "deposits/{id}/accept", {"compliance", "finance"}),
    ("POST", "deposits/{id}/reject", {"compliance", "finance"}),
    ("POST", "deposits/{id}/send-back", {"compliance", "finance"}),
    ("POST", "deposits/{id}/refund", {"finance"}),
    ("POST", "instruments/{id}/verify", {"compliance"}),
    ("POST", "settlement-breaks/{id}/1/resolve", {"finance"}),
]
MORE = {"refund": {"amount_minor": 1}, "verify": {"owner_match": True}}


async def test_each_act_has_its_roles_and_nobody_else_does_anything(desk: Any) -> None:
    assert {(method, route.path.removeprefix("/api/v1/staff/").replace("{payment_id}", "{id}")
             .replace("{player_id}", "{id}").replace("{instrument_id}", "{id}").replace("{file_id}", "{id}")
             .replace("{number}", "1"))
            for route in staff_router.routes for method in route.methods} == {act[:2] for act in ACTS}  # fmt: skip
    for method, path, allowed in ACTS:
        body = SEEN | MORE.get(path.rpartition("/")[2], {}) if method == "POST" else None
        where = "/staff/" + path.format(id=uuid.uuid4())
        for role in Role:
            answer = await desk.call(desk.hire(role), method, where, body, "k")
            if role.value in allowed:
                assert answer.status_code in (200, 404), (path, role, answer.text)
            else:
                assert (answer.status_code, answer.json()["code"]) == (403, "ROLE_MISSING"), (path, role)
        for token in ("player", "nobody"):
            assert (await desk.call(token, method, where, body, "k")).status_code == 401


@pytest.mark.parametrize("body", [{}, {"reason": "no"}, {"reason": "x" * 501}, {"reason": "bell\x07 rings"},
                                  {"reason": 5}, SEEN | {"more": 1}])  # fmt: skip
async def test_a_decision_without_a_reason_is_none(desk: Any, body: dict[str, Any]) -> None:
    payment = await desk.withdrawal(500)
    who = desk.hire(Role.FINANCE)
    for path in ("withdrawals/{}/approve", "withdrawals/{}/reject", "withdrawals/{}/cancel", "deposits/{}/accept"):
        answer = await desk.call(who, "POST", "/staff/" + path.format(payment.payment_id), body)
        assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID")
    pan = await desk.call(who, "POST", f"/staff/withdrawals/{payment.payment_id}/approve", {"reason": f"card {PAN}"})
    assert (pan.status_code, pan.json()["code"]) == (422, "PAN_REFUSED")
    assert (await desk.world.now(payment)).state == "pending_review"


async def test_a_withdrawal_is_no_deposit_and_the_other_way_round(desk: Any) -> None:
    withdrawal, who = await desk.withdrawal(500), desk.hire(Role.FINANCE)
    deposit = await desk.world.deposit(100)
    assert (await desk.decide(who, f"deposits/{withdrawal.payment_id}/accept")).json()["code"] == "PAYMENT_NOT_FOUND"
    for verb in ("approve", "reject", "cancel"):
        answer = await desk.decide(who, f"withdrawals/{deposit.payment_id}/{verb}")
        assert (answer.status_code, answer.json()["code"]) == (404, "WITHDRAWAL_NOT_FOUND")


async def test_a_player_adds_and_removes_instruments_and_staff_verifies_them(desk: Any) -> None:
    who, body = desk.hire(Role.COMPLIANCE), {"method": "bank", "token": "acc_mine"}
    added = (await desk.call("player", "POST", "/payments/instruments", body)).json()
    assert (added["method"], added["verified"]) == ("bank", False)
    assert (await desk.call("player", "POST", "/payments/instruments", body)).json() == added
    path = f"instruments/{added['instrument_id']}/verify"
    assert (await desk.decide(who, path, owner_match=True)).json()["verified"] is True
    assert (await desk.call("player", "GET", "/payments/instruments")).json()["instruments"][0]["verified"] is True
    assert (await desk.decide(who, path, owner_match=False)).json()["verified"] is False
    gone = f"/payments/instruments/{added['instrument_id']}"
    assert [(await desk.call("player", "DELETE", gone)).status_code for _ in range(2)] == [204, 404]
    assert (await desk.call("player", "GET", "/payments/instruments")).json() == {"instruments": []}
    [seen] = (await desk.call(who, "GET", f"/staff/players/{desk.world.player}/instruments")).json()["instruments"]
    assert (seen["removed"], seen["owner_match"]) == (True, False)
    decisions = await desk.world.database.pool.fetch("SELECT actor, owner_match FROM wallet.instrument_decisions")
    assert [tuple(row) for row in decisions] == [(desk.name(who), True), (desk.name(who), False)]


async def test_a_persons_no_is_not_undone_by_a_provider(desk: Any) -> None:
    await desk.world.deposit(100)
    card = await desk.world.instrument()
    await desk.decide(desk.hire(Role.COMPLIANCE), f"instruments/{card}/verify", owner_match=False)
    await desk.world.deposit(100)  # the provider says again that it is theirs
    [seen] = (await desk.call("player", "GET", "/payments/instruments")).json()["instruments"]
    assert seen["verified"] is False


@pytest.mark.parametrize("body", [{"method": "bank", "token": PAN.replace(" ", "")}, {"method": "bank", "token": "a b"},
                                  {"method": "gold", "token": "x"}, {"method": "bank"}])  # fmt: skip
async def test_what_is_no_instrument_is_refused(desk: Any, body: dict[str, Any]) -> None:
    assert (await desk.call("player", "POST", "/payments/instruments", body)).status_code == 422
    assert (await desk.call("player", "DELETE", f"/payments/instruments/{uuid.uuid4()}")).status_code == 404
    assert await desk.world.database.pool.fetchval("SELECT count(*) FROM wallet.instruments") == 0


async def test_a_player_has_so_many_instruments_and_no_more(desk: Any) -> None:
    answers = [
        await desk.call("player", "POST", "/payments/instruments", {"method": "crypto", "token": f"bc1q{at}"})
        for at in range(21)
    ]
    assert [one.status_code for one in answers] == [201] * 20 + [409]
    assert answers[-1].json()["code"] == "TOO_MANY_INSTRUMENTS"


async def test_a_removed_instrument_is_not_withdrawn_to_but_its_money_goes_back_there(desk: Any) -> None:
    await desk.world.deposit(300)
    await desk.world.paid_by(200, "bank")
    card, bank = await desk.world.instrument("card"), await desk.world.instrument("bank")
    await desk.call("player", "DELETE", f"/payments/instruments/{card}")
    body = {"amount_minor": 400, "instrument_id": str(card)}
    refused = await desk.call("player", "POST", "/withdrawals", body, "k")
    assert (refused.status_code, refused.json()["code"]) == (403, "INSTRUMENT_NOT_VERIFIED")
    answer = await desk.call("player", "POST", "/withdrawals", body | {"instrument_id": str(bank)}, "k")
    parts = {one["method"]: one["amount_minor"] for one in answer.json()["withdrawals"]}
    assert parts == {"bank": 200, "card": 200}


async def test_a_break_is_listed_and_closed_with_a_note_once(desk: Any) -> None:
    who, world = desk.hire(Role.FINANCE), desk.world
    reference = await world.reference(await world.deposit(1000))
    day = datetime.now(UTC).date()
    await world.simulator.fault("alfa", "settlement_missing", reference=reference)
    text = await world.simulator.adapters["alfa", "card"].settlement(day)
    async with world.database.pool.acquire() as connection:
        await reconcile(connection, (), 2, provider="alfa", method="card", day=day, text=text, now=datetime.now(UTC))

    async def listed() -> list[dict[str, Any]]:
        found = (await desk.call(who, "GET", "/staff/settlement-breaks")).json()["breaks"]
        return [one for one in found if one["reference"] == reference]  # the provider knows other tests' as well

    [found] = await listed()
    assert (found["kind"], found["provider"], found["ours"], found["theirs"]) == ("missing_there", "alfa", 1000, None)
    path = f"settlement-breaks/{found['file_id']}/{found['number']}/resolve"
    assert [(await desk.decide(who, path)).status_code for _ in range(2)] == [204, 404]
    assert await listed() == []
    row = await world.database.pool.fetchrow(
        "SELECT closed_by, note FROM wallet.settlement_breaks WHERE reference = $1", reference
    )
    assert tuple(row) == (desk.name(who), SEEN["reason"])


async def test_who_asks_in_a_players_place_does_not_approve_it(desk: Any) -> None:
    finance, other = desk.hire(Role.FINANCE), desk.hire(Role.FINANCE)
    await desk.world.deposit(500)
    [payment] = await desk.world.payments.withdrawals.request(
        player_id=desk.world.player, account_id=1, amount=500, instrument_id=await desk.world.instrument(),
        key="k", request_hash=bytes(32), actor=desk.name(finance),
    )  # fmt: skip
    refused = await desk.decide(finance, f"withdrawals/{payment.payment_id}/approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "SECOND_PERSON_REQUIRED")
    approved = await desk.decide(other, f"withdrawals/{payment.payment_id}/approve")
    assert approved.status_code == 200, approved.text
