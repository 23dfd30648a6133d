"""Deposits against the PSP simulator's real process, with every fault that it has."""

from __future__ import annotations

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from casino.dev.run import MERCHANT, Child, checkout, free_port
from casino.dev.run import psp_command as make_psp_command
from casino.wallet.api import Deposits


async def payments_of(casino: Any, servers: Any, database: str) -> list[tuple[str, int]]:
    """Every deposit and how many postings it has."""
    connection = await asyncpg.connect(servers.uri(database))
    rows = await connection.fetch(
        "SELECT d.status, count(t.transaction_id) AS postings FROM wallet.deposits d LEFT JOIN wallet.transactions t"
        " ON t.details ->> 'deposit_id' = d.deposit_id::text GROUP BY d.deposit_id ORDER BY d.created_at"
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
    await casino.part(Deposits).reconcile()
    assert await player.balance() == 700
    assert await payments_of(casino, servers, database) == [("captured", 1)]


async def test_the_reconciler_settles_what_was_left_pending(casino: Any, servers: Any, database: str) -> None:
    player = await casino.player()
    await player.deposit(300, "tok_slow", key="a")
    await player.deposit(400, "tok_error", key="b")
    await asyncio.sleep(0.8)
    settled = await asyncio.gather(*(casino.part(Deposits).reconcile() for _ in range(4)))
    assert sum(settled) == 1  # the other three found the lock taken, or nothing to do
    assert await player.balance() == 300
    assert await payments_of(casino, servers, database) == [("captured", 1), ("pending", 0)]
    assert await casino.part(Deposits).reconcile(give_up_after_s=0) == 1
    declined = (await player.deposit(400, "tok_error", key="b")).json()
    assert (declined["status"], declined["decline_code"]) == ("declined", "not_received")


async def test_a_key_of_another_deposit_is_refused(casino: Any) -> None:
    player = await casino.player()
    await player.deposit(700, key="k")
    for other in (player.deposit(701, key="k"), player.deposit(700, "tok_lost_answer", key="k")):
        answer = await other
        assert (answer.status_code, answer.json()["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert await player.balance() == 700


async def test_a_raced_deposit_charges_and_posts_once(casino: Any) -> None:
    player = await casino.player()
    answers = await asyncio.gather(*(player.deposit(700, key="raced") for _ in range(10)))
    assert {answer.json()["status"] for answer in answers} == {"captured"}
    assert await player.balance() == 700


async def test_a_provider_that_is_away_leaves_the_deposit_pending(open_casino: Any) -> None:
    nowhere = json.dumps([{"name": "sandbox", "url": f"http://127.0.0.1:{free_port()}"}])
    player = await (await open_casino({"CASINO_PSP": nowhere})).player()
    assert (await player.deposit(700, key="k")).json()["status"] == "pending"
    player.casino = await open_casino()  # the provider is back
    assert (await player.deposit(700, key="k")).json()["status"] == "captured"


async def test_a_signature_that_the_provider_refuses_moves_nothing(open_casino: Any) -> None:
    wrong = json.dumps({"sandbox": {"merchant_id": MERCHANT, "secret": "wrong"}})
    player = await (await open_casino({"CASINO_PSP_SECRETS": wrong})).player()
    assert (await player.deposit(700)).json()["status"] == "pending"
    assert await player.balance() == 0


async def test_without_a_provider_a_deposit_is_refused(open_casino: Any) -> None:
    player = await (await open_casino({"CASINO_PSP": "[]"})).player()
    answer = await player.deposit(700)
    assert (answer.status_code, answer.json()["code"]) == (503, "PSP_UNAVAILABLE")


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
    import time

    from casino.wallet.psp import sign

    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{servers.psp_port}") as http:

        async def call(method: str, path: str, body: Any = None, key: str = "k1", **changes: str) -> httpx.Response:
            content = json.dumps(body).encode() if body is not None else b""
            now = str(int(time.time()))
            headers = {"Idempotency-Key": key, "X-Merchant": MERCHANT, "X-Timestamp": now,
                       "X-Signature": sign(servers.psp_secret, now, method, path, content)}  # fmt: skip
            return await http.request(method, path, content=content, headers=headers | changes)

        body = {"reference": "r1", "amount_minor": 5, "currency": "GBP", "card_token": "tok_visa"}
        first = await call("POST", "/v1/payments", body)
        assert first.status_code == 201 and first.json()["status"] == "captured"
        assert (await call("POST", "/v1/payments", body)).json() == first.json()
        assert (await call("POST", "/v1/payments", body | {"amount_minor": 6})).status_code == 409
        assert (await call("POST", "/v1/payments", body, key="k2")).status_code == 409  # the reference is taken
        assert (await call("GET", "/v1/payments?reference=r1")).json() == first.json()
        assert (await call("GET", "/v1/payments?reference=r2")).status_code == 404
        assert (await call("POST", "/v1/payments", body, **{"X-Signature": "0" * 64})).status_code == 401
        assert (await call("POST", "/v1/payments", body, **{"X-Merchant": "other"})).status_code == 401
        for fault in ({"amount_minor": 1.5}, {"amount_minor": True}, {"amount_minor": 0}, {"extra": 1}):
            assert (await call("POST", "/v1/payments", body | fault, key="k3")).status_code == 422
