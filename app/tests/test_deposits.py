"""Deposits against the PSP simulator's real process, with every fault that it has."""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from casino.dev.run import MERCHANT, Child, checkout, free_port
from casino.dev.run import psp_command as make_psp_command
from casino.kernel.metrics import DEPOSITS, DEPOSITS_PENDING
from casino.wallet.api import Payments
from casino.wallet.payments.signing import sign


async def payments_of(servers: Any, database: str) -> list[tuple[str, int]]:
    """Every deposit's state and how many postings it has."""
    connection = await asyncpg.connect(servers.uri(database))
    rows = await connection.fetch(
        "SELECT p.state, count(t.transaction_id) AS postings FROM wallet.payments p LEFT JOIN wallet.transactions t"
        " ON t.details ->> 'payment_id' = p.payment_id::text GROUP BY p.payment_id ORDER BY p.payment_id"
    )
    await connection.close()
    return [tuple(row) for row in rows]


@pytest.mark.parametrize(
    ("card", "status", "code", "balance"),
    [
        ("tok_visa", "captured", None, 700),
        ("tok_declined", "declined", "do_not_honour", 0),
        ("tok_insufficient", "declined", "insufficient_funds", 0),
        ("tok_lost_answer", "captured", None, 700),  # found by its reference at once
        ("tok_error", "pending", None, 0),
        ("tok_nonsense", "declined", "unknown_card_token", 0),
    ],
)
async def test_a_deposit_ends_as_the_provider_did(
    casino: Any, card: str, status: str, code: str | None, balance: int
) -> None:
    player = await casino.player()
    answer = await player.deposit(700, card, key="k")
    assert answer.status_code == 201
    body = answer.json()
    assert (body["status"], body["decline_code"], body["balance_minor"]) == (status, code, balance)
    assert await player.balance() == balance
    again = (await player.deposit(700, card, key="k")).json()
    assert again == body
    assert await player.balance() == balance


async def test_a_deposit_that_takes_too_long_settles_on_a_repeat_and_charges_once(
    casino: Any, servers: Any, database: str
) -> None:
    player = await casino.player()
    assert (await player.deposit(700, "tok_slow", key="k")).json()["status"] == "pending"
    await asyncio.sleep(1)  # the provider captures meanwhile
    assert (await player.deposit(700, "tok_slow", key="k")).json()["status"] in ("captured", "pending")
    await asyncio.sleep(0.6)
    await casino.part(Payments).resolve()
    assert await player.balance() == 700
    assert await payments_of(servers, database) == [("captured", 1)]


async def test_the_worker_settles_what_was_left_pending_once(casino: Any, servers: Any, database: str) -> None:
    player = await casino.player()
    await player.deposit(300, "tok_slow", key="a")
    await player.deposit(400, "tok_error", key="b")
    await asyncio.sleep(0.8)
    await asyncio.gather(*(casino.part(Payments).resolve() for _ in range(4)))
    assert await player.balance() == 300
    assert await payments_of(servers, database) == [("captured", 1), ("processing", 0)]
    assert DEPOSITS_PENDING._value.get() == 1
    casino.clock.forward(minutes=15)
    await casino.part(Payments).resolve()
    declined = (await player.deposit(400, "tok_error", key="b")).json()
    assert (declined["status"], declined["decline_code"]) == ("declined", "not_received")
    await casino.part(Payments).resolve()
    assert DEPOSITS_PENDING._value.get() == 0


async def test_a_key_of_another_deposit_is_refused(casino: Any) -> None:
    player = await casino.player()
    await player.deposit(700, key="k")
    for other in (player.deposit(701, key="k"), player.deposit(700, "tok_lost_answer", key="k")):
        answer = await other
        assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert await player.balance() == 700


async def test_a_raced_deposit_charges_and_posts_once(casino: Any, servers: Any, database: str) -> None:
    player = await casino.player()
    answers = await asyncio.gather(*(player.deposit(700, key="raced") for _ in range(10)))
    # Who asks while the first one's call is under way is told so.
    assert {answer.json()["status"] for answer in answers} <= {"captured", "pending"}
    assert (await player.deposit(700, key="raced")).json()["status"] == "captured"
    assert await player.balance() == 700
    assert await payments_of(servers, database) == [("captured", 1)]


async def test_a_provider_that_is_away_leaves_the_deposit_pending_until_it_is_given_up(open_casino: Any) -> None:
    nowhere = json.dumps([{"name": "sandbox", "url": f"http://127.0.0.1:{free_port()}"}])
    player = await (await open_casino({"CASINO_PSP": nowhere})).player()
    assert (await player.deposit(700, key="k")).json()["status"] == "pending"
    player.casino = await open_casino()  # the provider is back, and has never heard of it
    assert (await player.deposit(700, key="k")).json()["status"] == "pending"
    player.casino.clock.forward(minutes=15)
    assert (await player.deposit(700, key="k")).json()["decline_code"] == "not_received"
    assert (await player.deposit(700, key="another")).json()["status"] == "captured"
    assert await player.balance() == 700


async def test_a_signature_that_the_provider_refuses_moves_nothing(open_casino: Any) -> None:
    wrong = json.dumps({"sandbox": {"merchant_id": MERCHANT, "secret": "wrong"}})
    player = await (await open_casino({"CASINO_PSP_SECRETS": wrong})).player()
    answer = (await player.deposit(700)).json()
    assert (answer["status"], answer["decline_code"]) == ("declined", "request_refused")
    assert await player.balance() == 0


@pytest.mark.parametrize(
    "settings", [{"CASINO_PSP": "[]", "CASINO_PAYMENTS": "{}"}, {"CASINO_PAYMENTS": '{"routes": []}'}]
)
async def test_without_a_route_a_deposit_is_refused(open_casino: Any, settings: dict[str, str]) -> None:
    player = await (await open_casino(settings)).player()
    answer = await player.deposit(700)
    assert (answer.status_code, answer.json()["code"]) == (422, "METHOD_NOT_OFFERED")


async def test_without_a_setting_each_provider_takes_cards(open_casino: Any) -> None:
    player = await (await open_casino({"CASINO_PAYMENTS": "{}"})).player()
    assert (await player.deposit(700)).json()["status"] == "captured"


@pytest.mark.parametrize("standing", [
    "SELECT wallet.bar(account_id, 'exclusion', 'infinity', true) FROM wallet.accounts WHERE kind = 'player_cash'",
    "UPDATE wallet.accounts SET status = 'frozen' WHERE kind = 'player_cash'",
])  # fmt: skip
async def test_who_may_not_deposit_begins_no_deposit(casino: Any, servers: Any, database: str, standing: str) -> None:
    player = await casino.player(100)
    connection = await asyncpg.connect(servers.uri(database))
    await connection.execute(standing)
    await connection.close()
    answer = await player.deposit(700)
    assert (answer.status_code, answer.json()["code"]) == (403, "DEPOSIT_BARRED")
    assert await payments_of(servers, database) == [("captured", 1)], "nothing was begun"


async def test_who_is_barred_from_play_alone_may_deposit(casino: Any, servers: Any, database: str) -> None:
    player = await casino.player(100)
    connection = await asyncpg.connect(servers.uri(database))
    await connection.execute("SELECT wallet.bar(account_id, 'reality_check', 'infinity', false) FROM wallet.accounts"
                             " WHERE kind = 'player_cash'")  # fmt: skip
    await connection.close()
    assert (await player.deposit(700)).json()["status"] == "captured"


async def test_the_counters_tell_how_deposits_ended(casino: Any) -> None:
    def counted() -> list[float]:
        return [DEPOSITS.labels(status)._value.get() for status in ("captured", "declined", "pending")]

    player, before = await casino.player(), counted()
    for card in ("tok_visa", "tok_lost_answer", "tok_declined", "tok_error"):
        await player.deposit(100, card)
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [2, 1, 1]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CA and a certificate of it for localhost; the CA's as `other.crt` belongs to nobody here."""
    folder = tmp_path_factory.mktemp("pki")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    for name in ("ca", "other"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt",
                "-addext", "keyUsage=critical,keyCertSign")  # fmt: skip
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
            "-keyout", "psp.key", "-out", "psp.csr")  # fmt: skip
    (folder / "san").write_text("subjectAltName=DNS:localhost")
    openssl("x509", "-req", "-in", "psp.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "san", "-out", "psp.crt")  # fmt: skip
    return folder


@pytest.mark.parametrize(
    ("ca", "host", "status"),
    [("ca", "localhost", "captured"), ("other", "localhost", "pending"), ("ca", "127.0.0.1", "pending")],
)
async def test_the_provider_is_known_by_its_certificate_and_name(
    open_casino: Any, certificates: Path, servers: Any, ca: str, host: str, status: str
) -> None:
    port = free_port()
    command = [*make_psp_command(checkout(), port, Path(":memory:")),
               "--cert", str(certificates / "psp.crt"), "--key", str(certificates / "psp.key"),
               "--max-skew-seconds", "1000000"]  # fmt: skip
    secret = {"PSP_MERCHANT": MERCHANT, "PSP_SECRET": servers.psp_secret}
    with Child(command, "the PSP simulator", port=port, environment=secret):
        psp = json.dumps([{"name": "sandbox", "url": f"https://{host}:{port}"}])
        player = await (
            await open_casino({"CASINO_PSP": psp, "CASINO_CA_FILE": str(certificates / f"{ca}.crt")})
        ).player()
        assert (await player.deposit(700)).json()["status"] == status


async def test_the_simulator_keeps_its_side_of_the_protocol(servers: Any) -> None:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{servers.psp_port}") as http:

        async def call(method: str, path: str, body: Any = None, **changes: str) -> httpx.Response:
            content = json.dumps(body).encode() if body is not None else b""
            now = str(int(time.time()))
            headers = {"X-Merchant": MERCHANT, "X-Timestamp": now,
                       "X-Signature": sign(servers.psp_secret, now, method, path, content)}  # fmt: skip
            return await http.request(method, path, content=content, headers=headers | changes)

        charges, found = "/v1/card/charges", "/v1/card/operations?reference="
        body = {"reference": "r1", "amount_minor": 5, "currency": "GBP", "card_token": "tok_visa", "capture": True}
        first = await call("POST", charges, body)
        assert first.status_code == 201 and first.json()["status"] == "captured"
        assert (await call("POST", charges, body)).json() == first.json()
        assert (await call("POST", charges, body | {"amount_minor": 6})).status_code == 409
        assert (await call("GET", found + "r1")).json() == first.json()
        assert (await call("GET", found + "r2")).status_code == 404
        assert (await call("POST", charges, body, **{"X-Signature": "0" * 64})).status_code == 401
        assert (await call("POST", charges, body, **{"X-Merchant": "other"})).status_code == 401
        for fault in ({"amount_minor": 1.5}, {"amount_minor": True}, {"amount_minor": 0}, {"extra": 1}):
            assert (await call("POST", charges, body | {"reference": "r3"} | fault)).status_code == 422
        assert (await call("POST", "/v1/payments", body)).status_code == 404
