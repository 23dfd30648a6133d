"""Real time through the ingress: a bet's balance comes by WebSocket, and a client that was sent away comes back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.end_to_end import lab

PROTOCOL: Any = "casino.v1"


def address(base_url: str, path: str = "/ws") -> str:
    return f"wss://{urlsplit(base_url).netloc}{path}"


def join(base_url: str, **options: Any) -> ClientConnection:
    return connect(address(base_url), ssl=lab.trust(), subprotocols=[PROTOCOL], compression=None, **options)


def ask(client: ClientConnection, **message: Any) -> Any:
    client.send(json.dumps(message))
    return json.loads(client.recv(timeout=10))


def follow_balance(base_url: str, player: lab.Player) -> ClientConnection:
    client = join(base_url, origin=base_url)
    token = player.http.headers["Authorization"].removeprefix("Bearer ")
    assert ask(client, op="authenticate", token=token)["op"] == "authenticated"
    assert ask(client, op="subscribe", topic="balance")["op"] == "subscribed"
    return client


def hear(client: ClientConnection, wanted: Callable[[Any], bool], timeout: float) -> Any:
    """The first message that is wanted; fails when none comes in time."""
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        found = json.loads(client.recv(timeout=left))
        if wanted(found.get("data", {})):
            return found
    raise AssertionError("it was not told of")


def test_a_bets_balance_is_told_by_websocket(gb: str) -> None:
    player = lab.new_player(gb, deposit_minor=5_000)
    with follow_balance(gb, player) as client:
        answer = player.spin(100).json()
        told = hear(client, lambda data: data.get("balance_minor") == answer["balance_minor"], 15)
    assert told["topic"] == "balance" and told["data"]["currency"] == "GBP"


def test_another_site_and_another_path_lead_nowhere(gb: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        join(gb, origin="https://evil.example")
    assert refused.value.response.status_code == 403
    with pytest.raises(InvalidStatus) as lost:
        connect(address(gb, "/ws/other"), ssl=lab.trust(), subprotocols=[PROTOCOL])
    assert lost.value.response.status_code == 403, "the casino's own server refuses what it has no route for"


def test_clients_come_back_when_real_time_is_replaced(gb: str) -> None:
    player = lab.new_player(gb, deposit_minor=5_000)
    where = ["deployment/casino-realtime", "-n", "casino-acme-gb"]
    with follow_balance(gb, player) as client:
        lab.kubectl("rollout", "restart", *where)
        with pytest.raises(ConnectionClosed) as closed:
            hear(client, lambda _: False, 120)
    assert closed.value.rcvd and closed.value.rcvd.code == 1001
    with follow_balance(gb, player) as client:
        assert hear(client, lambda data: "balance_minor" in data, 15)["data"]["balance_minor"] == 5_000
    lab.kubectl("rollout", "status", *where, "--timeout=60s")


REACH = """
import socket
for host, port in {places!r}:
    try:
        socket.create_connection((host, port), timeout=3).close()
        print(host, port, "open")
    except OSError as error:
        print(host, port, "closed")
"""


def test_real_time_reaches_redis_and_openbao_and_no_database_and_no_provider(gb: str) -> None:
    del gb
    stores, provider = "data1.domicile.internal", "psp.domicile.internal"
    program = REACH.format(places=[(stores, 6379), (stores, 8200), (stores, 5432), (provider, 8443)])
    said = lab.in_pod("acme-gb", program, deployment="casino-realtime").splitlines()
    assert said == [f"{stores} 6379 open", f"{stores} 8200 open", f"{stores} 5432 closed", f"{provider} 8443 closed"]
