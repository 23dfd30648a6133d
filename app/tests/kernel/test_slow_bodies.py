"""A client that sends its body byte by byte is let go; one that only waits for an answer is not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from casino.kernel import middleware


async def ask(casino: Any, body: Any, headers: list[tuple[bytes, bytes]]) -> tuple[int, bytes, float]:
    """Status, body and seconds of a POST whose body comes as `body` yields it."""
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "POST", "scheme": "http",
        "path": "/api/v1/games/harbour-lights/spins", "raw_path": b"", "query_string": b"", "root_path": "",
        "headers": headers, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80), "state": {},
    }  # fmt: skip
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    loop = asyncio.get_running_loop()
    begun = loop.time()
    await casino.app(scope, body, send)
    return sent[0]["status"], b"".join(one.get("body", b"") for one in sent[1:]), loop.time() - begun


@pytest.mark.parametrize("length", [(b"content-length", b"60000"), (b"transfer-encoding", b"chunked")])
async def test_a_body_that_trickles_in_is_not_waited_for(
    casino: Any, monkeypatch: pytest.MonkeyPatch, length: tuple[bytes, bytes]
) -> None:
    monkeypatch.setattr(middleware, "BODY_S", 0.3)
    player = await casino.player(1_000)

    async def trickle() -> Any:
        await asyncio.sleep(0.05)
        return {"type": "http.request", "body": b" ", "more_body": True}

    headers = [
        length, (b"content-type", b"application/json"), (b"idempotency-key", b"k"),
        (b"authorization", f"Bearer {player.token}".encode()),
    ]  # fmt: skip
    status, body, seconds = await ask(casino, trickle, headers)
    assert (status, b"BODY_TOO_SLOW" in body) == (408, True)
    assert seconds < 1.5
    assert await player.balance() == 1_000


async def test_who_has_sent_everything_may_wait_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "BODY_S", 0.1)
    messages = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await asyncio.sleep(0.4)
        return {"type": "http.disconnect"}

    for headers in ({b"content-length": b"2"}, {}):
        bounded = middleware._bounded(headers, receive)
        if headers:
            assert (await bounded())["body"] == b"{}"
        assert (await bounded())["type"] == "http.disconnect"
