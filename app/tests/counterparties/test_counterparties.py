"""Whether the parties that a casino deals with take its calls: found out before players do, and shown all the time."""

from __future__ import annotations

import json
from typing import Any

import pytest
from casino.dev.run import free_port
from casino.kernel.acknowledgement import Acknowledgement, judge

ALL = ("payment_provider alfa/card", "studio lumen", "studio northwind")


def of_alfa(parties: dict[str, str], **changed: str) -> dict[str, str]:
    [psp] = json.loads(parties["CASINO_PSP"])
    return {"CASINO_PSP": json.dumps([psp | changed])}


def of_studio(parties: dict[str, str], studio: str, **changed: str) -> dict[str, str]:
    listed = [one | changed if one["studio"] == studio else one for one in json.loads(parties["CASINO_STUDIOS"])]
    return {"CASINO_STUDIOS": json.dumps(listed)}


def test_a_party_that_has_our_key_acknowledges(ask: Any) -> None:
    assert ask() == (0, dict.fromkeys(ALL, "acknowledged"))


def test_a_wrong_key_is_refused_by_each_party(ask: Any, parties: dict[str, str]) -> None:
    keys = json.loads(parties["CASINO_STUDIO_SECRETS"])
    keys["lumen"]["secret"] = "f" * 64
    keys["northwind"]["operator_private_key"] = another_key()
    code, answers = ask(
        CASINO_PSP_SECRETS=json.dumps({"alfa": {"merchant_id": "alfa", "secret": "what somebody else has"}}),
        CASINO_STUDIO_SECRETS=json.dumps(keys),
    )
    assert (code, answers) == (1, dict.fromkeys(ALL, "refused"))


def test_nobody_at_the_address_is_no_answer_and_hides_no_other_party(ask: Any, parties: dict[str, str]) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    code, answers = ask(**of_alfa(parties, url=nowhere), **of_studio(parties, "lumen", api_url=nowhere))
    assert (code, answers) == (1, dict(zip(ALL, ("no_answer", "no_answer", "acknowledged"), strict=True)))


def test_somebody_else_at_the_address_acknowledges_nothing(ask: Any, parties: dict[str, str]) -> None:
    """A server that knows no such path says 404 as well, and a page that says 200 to everybody has not read our key."""
    studio = json.loads(parties["CASINO_STUDIOS"])[0]["api_url"]
    code, answers = ask(**of_alfa(parties, url=studio))
    assert (code, answers["payment_provider alfa/card"]) == (1, "not_understood")
    code, answers = ask(**of_studio(parties, "northwind", api_url=f"{studio}/no-such-place"))
    assert (code, answers["studio northwind"]) == (1, "not_understood")


async def test_the_worker_shows_what_each_party_answered(open_casino: Any, parties: dict[str, str]) -> None:
    wrong = {"CASINO_PSP_SECRETS": json.dumps({"alfa": {"merchant_id": "alfa", "secret": "not this one"}})}
    worker = await open_casino(parties | wrong, kind="worker")
    expected = {
        'casino_counterparty{answer="refused",kind="payment_provider",name="alfa/card"} 1.0',
        'casino_counterparty{answer="acknowledged",kind="payment_provider",name="alfa/card"} 0.0',
        'casino_counterparty{answer="acknowledged",kind="studio",name="northwind"} 1.0',
    }
    shown = await eventually(worker, expected)
    assert "not this one" not in shown


@pytest.mark.parametrize("status", [None, 429, 500, 503])
def test_a_fault_of_theirs_says_nothing_of_our_key(status: int | None) -> None:
    assert {judge(status, understood) for understood in (True, False)} == {Acknowledgement.NO_ANSWER}


async def eventually(worker: Any, lines: set[str]) -> str:
    import asyncio

    async with asyncio.timeout(15):
        while True:
            text: str = (await worker.http.get("/metrics")).text
            if lines <= set(text.splitlines()):
                return text
            await asyncio.sleep(0.1)


def another_key() -> str:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
