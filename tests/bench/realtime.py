"""Real time, measured on one machine: connections at rest, one message to all of them, a round's settlement.

`run_realtime()` starts the casino's `realtime` process on a Redis of its own, fills it with connections from client
processes, each from its own addresses of loopback (an address has some 28,000 ports), and ends all that it started.
`run_settlement()` settles a round of 10,000 bets on an embedded PostgreSQL with its default durability. Both say what
the machine's load was before: a figure from a busy machine is a lower bound.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import selectors
import socket
import sys
import tempfile
import time
import uuid
from contextlib import ExitStack
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
from casino.dev.run import Child, embedded_postgresql, free_port, make_database, redis_command
from casino.kernel.cache import open_redis
from casino.kernel.clock import SystemClock
from casino.kernel.identity import new_id
from casino.kernel.settings import load_settings
from casino.migrate import migrate
from casino.pam.sessions import SessionStore
from casino.realtime.api import Publisher, Streams
from casino.realtime.protocol import SUBPROTOCOL
from casino.realtime.settings import Limits
from casino.realtime.topics import price
from casino.wallet.verify import INVARIANTS
from websockets.frames import Frame, Opcode

CONNECTIONS = 15_000
SUBSCRIBED = 2_000
"""So many of them listen to the topic that is broadcast: its messages go out to all of these."""
BROADCAST_S = 8.0
CLIENT_PROCESSES = 2
PLAYERS = 10_000
SETTLED_TIMES = 3
VERIFIED = ("zero_sum", "balance_is_sum_of_entries", "versions_gapless", "snapshots_chain", "holds_are_covered")
"""Invariants that are looked at after it: all are, for fewer players, by the property in the casino's tests."""


class Clients:
    """Connections of one client process, without a library: this must cost less than what is measured.

    Frames of the casino are told apart by counting `"op":"message"`, which each message has once.
    """

    def __init__(self, port: int, source: str) -> None:
        self._port, self._source = port, source
        self._selector = selectors.DefaultSelector()
        self.sockets: list[socket.socket] = []

    def open(self, tokens: list[str], *, subscribe: bool) -> None:
        """Connections, side by side; each says all that it has to say at once and waits for the last answer."""
        opening = []
        for token in tokens:
            one = socket.socket()
            one.settimeout(30)
            one.bind((self._source, 0))
            one.connect(("127.0.0.1", self._port))
            said = _HANDSHAKE + _masked({"op": "authenticate", "token": token})
            one.sendall(said + (_masked({"op": "subscribe", "topic": "price:bench"}) if subscribe else b""))
            opening.append(one)
        for one in opening:
            _until(one, b'"subscribed"' if subscribe else b'"authenticated"')
            one.setblocking(False)
            self._selector.register(one, selectors.EVENT_READ)
            self.sockets.append(one)

    def live(self) -> None:
        """A sign of life on each, so that the casino does not take them for dead while the others are opened."""
        for one in self.sockets:
            one.sendall(_PONG)

    def read(self, until: float, idle_s: float) -> tuple[int, float]:
        """Messages that came, until a moment or until none has come for a while; and when the last came."""
        messages, heard = 0, time.monotonic()
        while time.monotonic() < until and time.monotonic() - heard < idle_s:
            for key, _ in self._selector.select(0.1):
                data = key.fileobj.recv(262144)  # type: ignore[union-attr]
                if not data:
                    raise SystemExit("the casino closed a connection under load")
                # A frame of a bench's message is of one size, and none is cut in its middle for long.
                messages += data.count(b'"op":"message"')
                heard = time.monotonic()
        return messages, heard


_HANDSHAKE = (
    "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    f"Sec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
).encode()
SIDE_BY_SIDE = 50
_PONG = Frame(Opcode.PONG, b"").serialize(mask=True)


def _until(one: socket.socket, end: bytes) -> None:
    data = b""
    while end not in data:
        more = one.recv(4096)
        if not more:
            raise SystemExit(f"the casino closed a connection; it said {data!r}")
        data += more


def _masked(message: dict[str, Any]) -> bytes:
    return Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True)


def _client_process(pipe: Any, port: int, source: str, tokens: list[str], subscribed: int) -> None:
    clients = Clients(port, source)
    alive = time.monotonic()
    for start in range(0, len(tokens), SIDE_BY_SIDE):
        if time.monotonic() - alive > Limits.heartbeat_s / 2:
            clients.live()
            alive = time.monotonic()
        clients.open(tokens[start : start + SIDE_BY_SIDE], subscribe=start < subscribed)
    clients.live()
    pipe.send(len(clients.sockets))
    until = pipe.recv()
    pipe.send(clients.read(until, idle_s=3.0))
    pipe.recv()


def _resident_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) / 1024


def run_realtime(connections: int = CONNECTIONS, subscribed: int = SUBSCRIBED) -> dict[str, Any]:
    """Connections at rest and their memory; messages delivered in a second of a topic that many listen to."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        redis_port, port = free_port(), free_port()
        stack.enter_context(Child(redis_command(redis_port, Path(folder)), "Redis", port=redis_port))
        variables: dict[str, Any] = {
            "CASINO_REDIS_URL": f"redis://127.0.0.1:{redis_port}/0", "CASINO_REDIS_PREFIX": "bench:",
            "CASINO_HOST": "127.0.0.1", "CASINO_REALTIME_PORT": str(port), "CASINO_DRAIN_SECONDS": "0",
        }  # fmt: skip
        command = [sys.executable, "-m", "casino", "realtime"]
        server = stack.enter_context(Child(command, "realtime", port=port, environment=variables))
        before = _resident_mb(server.pid)
        settings = load_settings(needs_database=False, **variables)
        tokens = asyncio.run(_sessions(settings, connections))
        # Not a daemon's end but a plain one: whatever fails, no client outlives the measurement.
        clients: list[tuple[Any, Any]] = []
        for number in range(CLIENT_PROCESSES):
            ours, theirs = multiprocessing.Pipe()
            share = tokens[number::CLIENT_PROCESSES]
            process = multiprocessing.Process(
                target=_client_process,
                args=(theirs, port, f"127.0.0.{number + 2}", share, subscribed // CLIENT_PROCESSES),
                daemon=True,
            )
            process.start()
            stack.callback(process.terminate)
            clients.append((process, ours))
        begun = time.monotonic()
        opened = sum(_receive(pipe, 110) for _, pipe in clients)
        connected_s = time.monotonic() - begun
        time.sleep(1)
        after = _resident_mb(server.pid)
        until = time.monotonic() + BROADCAST_S + 20
        for _, pipe in clients:
            pipe.send(until)
        cpu = _cpu_seconds(server.pid)
        sent, first = asyncio.run(_broadcast(settings, BROADCAST_S))
        heard = [_receive(pipe, 60) for _, pipe in clients]
        delivered, last = sum(count for count, _ in heard), max(at for _, at in heard)
        used = _cpu_seconds(server.pid) - cpu
    return {
        "realtime_connections": opened,
        "realtime_connect_s": round(connected_s, 1),
        "realtime_mb_at_rest": round(before, 1),
        "realtime_mb": round(after, 1),
        "realtime_kib_a_connection": round((after - before) * 1024 / opened, 1),
        "realtime_broadcast_to": subscribed,
        "realtime_broadcast_published": sent,
        "realtime_broadcast_delivered": delivered,
        "realtime_broadcast_per_s": round(delivered / (last - first)),
        "realtime_broadcast_per_cpu_s": round(delivered / used),
        "realtime_load_before": round(load, 1),
    }


def _receive(pipe: Any, seconds: float) -> Any:
    if not pipe.poll(seconds):
        raise SystemExit(f"a client process said nothing for {seconds:.0f} s")
    return pipe.recv()


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _sessions(settings: Any, count: int) -> list[str]:
    redis = open_redis(settings, None)
    store = SessionStore(redis, settings, SystemClock(), lambda: 3600)
    born, tokens = date(1980, 1, 1), []
    for start in range(0, count, 40):
        some = range(start, min(start + 40, count))
        tokens += [token for token, _ in await asyncio.gather(*(store.open(uuid.uuid4(), n, born) for n in some))]
    await redis.aclose()
    return tokens


async def _broadcast(settings: Any, seconds: float) -> tuple[int, float]:
    """Publish at an even pace; answers how many messages, and when the first went."""
    redis = open_redis(settings, None)
    streams = Streams(redis, settings.redis_prefix)
    publisher = Publisher(streams, SystemClock())
    begun = time.monotonic()
    sent = 0
    while time.monotonic() - begun < seconds:
        publisher.offer(price("bench"), {"price": f"{sent:08d}"})
        sent += await publisher.flush()
        await asyncio.sleep(0.02)
    await redis.aclose()
    return sent, begun


async def _settlements(server: Any) -> dict[str, Any]:
    connection = await asyncpg.connect(await make_database(server, "bench"), command_timeout=600)
    await migrate(connection)
    await connection.execute("SET statement_timeout = 0; SET synchronous_commit = off")
    await connection.execute("SELECT wallet.add_currency('GBP', 2::smallint)")
    for batch in range(PLAYERS // 50):
        if batch in (4, 40):
            await connection.execute("ANALYZE")  # or the functions keep to the plans that suited empty tables
        await connection.execute(
            f"""DO $$ DECLARE player bigint; BEGIN FOR i IN 1..50 LOOP
                player := wallet.open_player_account(gen_random_uuid(), 'GBP');
                PERFORM wallet.post('opening_balance', player, 'start', sha256('x'), wallet.uuid7(),
                    ARRAY[ROW('opening', 'bench', 'player_cash', NULL, 'GBP', 10000)::wallet.movement], '{{}}');
                FOR round IN 1..{SETTLED_TIMES} LOOP
                    PERFORM wallet.open_hold('open_bet', gen_random_uuid(), player, 'bet' || round, sha256('x'),
                        'round' || round, wallet.uuid7(), 100, now() + interval '1 day', NULL, '{{"bet": "red"}}');
                END LOOP; END LOOP; END $$"""
        )
    await connection.execute("VACUUM ANALYZE")
    await connection.execute("CHECKPOINT")
    await connection.execute("SET synchronous_commit = on")  # what is measured is durable
    accounts = [row[0] for row in await connection.fetch(
        "SELECT account_id FROM wallet.accounts WHERE kind = 'player_cash' ORDER BY 1")]  # fmt: skip
    times = []
    for number in range(1, SETTLED_TIMES + 1):
        arguments = (
            f"round{number}", accounts, [f"settle {number}"] * len(accounts), [bytes(32)] * len(accounts),
            [new_id() for _ in accounts], [100] * len(accounts), [200 * (at % 2) for at in range(len(accounts))],
            ['{"result": 17}'] * len(accounts),
        )  # fmt: skip
        begun = time.monotonic()
        rows = await connection.fetch("SELECT * FROM wallet.settle_bets($1, $2, $3, $4, $5, $6, $7, $8)", *arguments)
        times.append(time.monotonic() - begun)
        if {row["outcome"] for row in rows} != {"resolved"}:
            raise SystemExit("not every bet was settled: no figure is given")
    for invariant in VERIFIED:
        if await connection.fetch(INVARIANTS[invariant]):
            raise SystemExit(f"{invariant} does not hold after the settlement: no figure is given")
    await connection.close()
    return {
        "settlement_bets": len(accounts),
        "settlement_s": round(min(times), 2),
        "settlement_all_s": [round(one, 2) for one in times],
        "settlement_load_before": round(os.getloadavg()[0], 1),
    }


def run_settlement() -> dict[str, Any]:
    """Seconds to settle a round of 10,000 bets in one statement, its commit included; the best of three rounds."""
    with tempfile.TemporaryDirectory(prefix="domicile-bench-") as folder:
        Path(folder).chmod(0o755)
        with embedded_postgresql(Path(folder) / "postgresql") as server:
            return asyncio.run(_settlements(server))


TARGETS = {
    "realtime_connections": (">=", 15_000),
    "realtime_mb": ("<", 500.0),
    "realtime_broadcast_per_s": (">=", 40_000),
    "settlement_s": ("<", 1.0),
}


def run() -> dict[str, Any]:
    """All of it; for `make bench`."""
    return run_realtime() | run_settlement()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--only", choices=["realtime", "settlement"])
    options = parser.parse_args()
    found: dict[str, Any] = {}
    if options.only != "settlement":
        found |= run_realtime(options.connections)
    if options.only != "realtime":
        found |= run_settlement()
    print(json.dumps(found, indent=2))
