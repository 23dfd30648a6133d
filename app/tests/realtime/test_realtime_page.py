"""The page follows its balance: where it is told to connect, by what right, and that it does without."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import uuid
from pathlib import Path
from typing import Any

import casino.web
import pytest
from casino.realtime.api import Publisher, Streams, load_realtime_settings
from casino.realtime.protocol import SUBPROTOCOL
from casino.realtime.topics import balance
from casino.realtime_server import RealtimeServer
from websockets.asyncio.client import connect

PASSWORD = "correct horse battery"

# The page's script with just enough of a browser: elements, a clock that the test moves, and a WebSocket.
BROWSER = """
const timers = []; const sockets = []; let now = 0;
const element = () => ({ dataset: {}, textContent: "", classList: { add() {}, remove() {}, toggle() {} },
  addEventListener() {}, value: "" });
const elements = new Map();
globalThis.document = {
  body: { dataset: { currency: "GBP", exponent: "2", cycleMs: "0", realtime: process.argv[3], checks: process.argv[4] } },
  getElementById: (id) => { if (!elements.has(id)) elements.set(id, element()); return elements.get(id); },
  querySelector: (query) => query === "#reels.spinning" ? null : { content: "the csrf token" },
  querySelectorAll: () => [],
};
globalThis.window = globalThis; globalThis.location = { href: "https://casino.test/" };
globalThis.setTimeout = (f, ms, ...given) => { timers.push({ f, at: now + ms, given }); return timers.length; };
globalThis.clearTimeout = (id) => { if (id) timers[id - 1].f = null; };
globalThis.setInterval = () => {};
Object.defineProperty(globalThis, "performance", { value: { now: () => now } });
const pass = (ms) => { now += ms; for (const t of timers.filter((t) => t.f && t.at <= now)) { const f = t.f; t.f = null; f(...t.given); } };
globalThis.WebSocket = class { constructor(url, protocol) { this.url = String(url); this.protocol = protocol; this.sent = []; sockets.push(this); }
  send(text) { this.sent.push(JSON.parse(text)); } };
require("vm").runInThisContext(require("fs").readFileSync(process.argv[2], "utf8"));
require("vm").runInThisContext("heard.reality_check = () => { globalThis.checked = (globalThis.checked || 0) + 1; }");
const hear = (socket, message) => socket.onmessage({ data: JSON.stringify(message) });
const told = (version, minor) => ({ op: "message", topic: "balance", data: { version, balance_minor: minor } });
const out = { sockets: sockets.length };
if (sockets.length) {
  const [first] = sockets;
  first.onopen(); hear(first, { op: "authenticated" });
  Object.assign(out, { url: first.url, protocol: first.protocol, sent: first.sent });
  now = 5000;
  hear(first, told(3, 123456)); out.shown = elements.get("balance").textContent;
  hear(first, told(2, 1)); out.older = elements.get("balance").textContent;
  hear(first, { op: "message", topic: "reality_check", data: {} }); out.checked = globalThis.checked;
  first.onclose({ code: 1006 }); pass(2000); out.again = sockets.length;
  sockets[1].onclose({ code: 4410 }); pass(600000); out.ended = sockets.length;
}
console.log(JSON.stringify(out));
"""  # noqa: E501 - a script


def run_script(url: str, checks: str = "") -> Any:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    script = Path(casino.web.__file__).parent / "static" / "casino.js"
    # A file of its own takes the arguments from the third on; evaluated, from the second.
    done = subprocess.run(
        [node, "-e", BROWSER, "--", "page", str(script), url, checks],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_script_follows_the_balance_and_asks_again_only_where_that_helps() -> None:
    assert run_script("/ws") == {
        "sockets": 1,
        "url": "wss://casino.test/ws",
        "protocol": "casino.v1",
        "sent": [{"op": "authenticate", "csrf_token": "the csrf token"}, {"op": "subscribe", "topic": "balance"}],
        "shown": "1,234.56 GBP",
        "older": "1,234.56 GBP",
        "checked": 1,
        "again": 2,
        "ended": 2,
    }


def test_the_script_listens_for_reality_checks_where_the_rules_have_them() -> None:
    assert [one.get("topic") for one in run_script("/ws", "30")["sent"]] == [None, "balance", "reality_check"]


def test_the_script_does_without() -> None:
    assert run_script("") == {"sockets": 0}


@pytest.mark.parametrize(
    ("url", "allowed"),
    [(None, "connect-src 'self';"), ("/ws", "connect-src 'self';"),
     ("ws://localhost:8081/ws", "connect-src 'self' ws://localhost:8081;")],
)  # fmt: skip
async def test_the_page_may_connect_where_it_is_told_to(open_casino: Any, url: str | None, allowed: str) -> None:
    casino = await open_casino({"CASINO_REALTIME_URL": url} if url else {})
    page = await casino.http.get("/")
    assert allowed in page.headers["content-security-policy"]
    assert f'data-realtime="{url or ""}"' in page.text


async def test_the_pages_cookie_and_token_open_its_players_balance(casino: Any, servers: Any, database: str) -> None:
    settings = servers.settings(database, CASINO_HOST="127.0.0.1")
    form = {"email": "page@example.test", "password": PASSWORD, "date_of_birth": "1980-02-29"}
    await casino.http.post("/register", data=form)
    await casino.http.post("/login", data=form)
    page = (await casino.http.get("/")).text
    csrf = re.search(r'csrf-token" content="([^"]+)"', page)
    cookie = casino.http.cookies["casino_session"]
    server = RealtimeServer(settings, load_realtime_settings(CASINO_REALTIME_PORT=0))
    await server.start()
    try:
        async with asyncio.timeout(10):
            while not server.follower.alive:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            headers = {"Cookie": f"casino_session={cookie}"}
            url = f"ws://127.0.0.1:{server.port}/ws"
            async with connect(
                url, subprotocols=[SUBPROTOCOL], proxy=None, origin="http://127.0.0.1:8080", additional_headers=headers
            ) as client:
                assert csrf is not None
                await client.send(json.dumps({"op": "authenticate", "csrf_token": csrf[1]}))
                assert json.loads(await client.recv())["op"] == "authenticated"
                await client.send(json.dumps({"op": "subscribe", "topic": "balance"}))
                assert json.loads(await client.recv())["op"] == "subscribed"
                (session,) = [one.session for one in server.hub._connections]
                assert isinstance(session.player_id, uuid.UUID)
                publisher = Publisher(Streams(server._redis, settings.redis_prefix), casino.clock)
                publisher.offer(balance(session.player_id), {"balance_minor": 7, "currency": "GBP", "version": 1})
                await publisher.flush()
                assert json.loads(await client.recv())["data"]["balance_minor"] == 7
    finally:
        await server.close()
