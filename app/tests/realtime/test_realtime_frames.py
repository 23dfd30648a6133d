"""Whatever a client sends: it is answered or the connection ends with a code, and nothing is left of it."""

from __future__ import annotations

import asyncio
import json
import uuid
from typing import Any

import pytest
from casino.realtime.backlog import Backlog
from casino.realtime.past import Past
from casino.realtime.protocol import Code, Place, Refused, answer, frame, read
from casino.realtime.settings import Limits
from casino.realtime.topics import of_key, price, table, visible
from hypothesis import event, given
from hypothesis import strategies as st
from realtime_wires import GOOD, PLAYER, Wire, World
from websockets.frames import Frame, Opcode

OPCODES = st.sampled_from([Opcode.CONT, Opcode.TEXT, Opcode.BINARY, Opcode.CLOSE, Opcode.PING, Opcode.PONG])
MESSAGES = st.one_of(
    st.binary(max_size=200),
    st.sampled_from(
        [
            {"op": "authenticate", "token": GOOD},
            {"op": "authenticate", "token": "wrong"},
            {"op": "authenticate", "csrf_token": "csrf"},
            {"op": "subscribe", "topic": "balance"},
            {"op": "subscribe", "topic": "price:gold", "after": {"run": 1, "seq": 2}},
            {"op": "subscribe", "topic": "balance:" + str(PLAYER)},
            {"op": "unsubscribe", "topic": "price:gold"},
            {"op": "renew", "token": GOOD},
            {"op": "ping"},
            {"op": "nothing"},
            ["op"],
        ]
    ).map(lambda one: json.dumps(one).encode()),
    st.recursive(st.none() | st.integers() | st.text(max_size=5), lambda inner: st.lists(inner, max_size=3)).map(
        lambda one: json.dumps(one).encode()
    ),
    st.sampled_from([100, 2000, 5000]).map(lambda size: b'{"op":' + b"[" * size),
)


def raw_frame(opcode: Opcode, data: bytes, fin: bool, mask: bool, reserved: bool) -> bytes:
    """Also such as no client may send: unmasked, with reserved bits, control frames that are long or in fragments."""
    whole = Frame(Opcode.TEXT, data).serialize(mask=mask)
    return bytes([(0x80 if fin else 0) | (0x40 if reserved else 0) | opcode]) + whole[1:]


RARELY = st.integers(0, 9).map(lambda one: one == 0)
OFTEN = RARELY.map(lambda one: not one)
FRAMES = st.builds(raw_frame, OPCODES, MESSAGES, OFTEN, OFTEN, RARELY)
WHOLE = MESSAGES.map(lambda data: raw_frame(Opcode.TEXT, data, fin=True, mask=True, reserved=False))
CHUNKS = st.lists(st.one_of(WHOLE, WHOLE, WHOLE, FRAMES, st.binary(max_size=50)), max_size=20) | st.lists(
    st.sampled_from([b'{"op":"ping"}', b'{"op":"unsubscribe","topic":"x"}']).map(
        lambda data: raw_frame(Opcode.TEXT, data, fin=True, mask=True, reserved=False)
    ),
    min_size=50,
    max_size=90,
)


@given(first=st.sampled_from([b"", b"authenticate", b"request"]), chunks=CHUNKS, cut=st.integers(1, 400))
def test_no_bytes_do_more_than_end_their_connection(first: bytes, chunks: list[bytes], cut: int) -> None:
    async def play() -> None:
        world = World()
        failures: list[Any] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
        wire = Wire(world.hub)
        if first:
            assert wire.handshake() is None
        if first == b"authenticate":
            wire.send({"op": "authenticate", "token": GOOD})
        stream = b"".join(chunks)
        for start in range(0, len(stream), cut):
            wire.receive(stream[start : start + cut])
        await world.settle()
        if wire.client.close_rcvd is not None:
            assert wire.code is not None and 1000 <= wire.code < 5000
        event(f"closed with {wire.code}")
        if wire.connection.closing_since is not None:
            await world.after(Limits.closing_s + 1)
            assert wire.lost
        wire.end()
        await world.settle()
        assert not failures
        assert not len(world.hub) and not world.hub._topics and not world.hub._players and not world.hub._tasks

    asyncio.run(play())


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (Frame(Opcode.BINARY, b"{}").serialize(mask=True), Code.BINARY),
        (Frame(Opcode.TEXT, b"\xff").serialize(mask=True), Code.NOT_UTF8),
        (Frame(Opcode.TEXT, b"{").serialize(mask=True), Code.BAD_MESSAGE),
        (Frame(Opcode.TEXT, b"x" * 4097).serialize(mask=True), 1009),
        (Frame(Opcode.TEXT, b"{}").serialize(mask=False), 1002),
        (Frame(Opcode.CONT, b"{}").serialize(mask=True), 1002),
        (Frame(Opcode.TEXT, b"x" * 4000, fin=False).serialize(mask=True) * 1
         + Frame(Opcode.CONT, b"x" * 200).serialize(mask=True), 1009),
        (Frame(Opcode.TEXT, b'{"op":"ping","op2":1}').serialize(mask=True), Code.BAD_MESSAGE),
        (Frame(Opcode.TEXT, b'{"op":"subscribe","topic":"balance"}').serialize(mask=True), Code.WRONG_ORDER),
        (Frame(Opcode.TEXT, b'{"op":"authenticate","token":"wrong"}').serialize(mask=True), Code.UNAUTHENTICATED),
        (Frame(Opcode.TEXT, b'{"op":"authenticate","csrf_token":"x"}').serialize(mask=True), Code.UNAUTHENTICATED),
        (Frame(Opcode.TEXT, b'{"op":"authenticate"}').serialize(mask=True), Code.BAD_MESSAGE),
        (Frame(Opcode.PING, b"").serialize(mask=True) * (Limits.burst + 1), Code.TOO_MANY_MESSAGES),
    ],
    ids=lambda one: str(int(one)) if isinstance(one, int) else "frame",
)  # fmt: skip
async def test_each_fault_has_its_code(raw: bytes, code: int) -> None:
    world = World()
    wire = world.wire()
    wire.receive(raw)
    await world.settle()
    assert wire.code == code
    await world.after(Limits.closing_s)
    assert wire.lost and not len(world.hub)


async def test_a_message_may_come_in_fragments_and_messages_wait_for_the_answers_before_them() -> None:
    world = World()
    wire = world.wire()
    text = json.dumps({"op": "authenticate", "token": GOOD}).encode()
    both = Frame(Opcode.TEXT, text[:10], fin=False).serialize(mask=True)
    both += Frame(Opcode.PING, b"between").serialize(mask=True)
    both += Frame(Opcode.CONT, text[10:]).serialize(mask=True)
    both += Frame(Opcode.TEXT, b'{"op":"subscribe","topic":"balance"}').serialize(mask=True)
    both += Frame(Opcode.TEXT, b'{"op":"ping"}').serialize(mask=True)
    wire.receive(both)
    assert not wire.reading
    await world.settle()
    assert [one["op"] for one in wire.said] == ["authenticated", "subscribed", "pong"]
    assert wire.reading


@pytest.mark.parametrize(
    ("shown", "allowed"),
    [
        ("balance", True), ("reality_check", True), ("jackpot:grand", True), ("price:gold", True), ("table:t1", True),
        (f"balance:{uuid.UUID(int=8)}", False), (f"reality_check:{PLAYER}", False), ("price:", False),
        ("price:Gold", False), ("price:a:b", False), ("session:x", False), ("price:" + "x" * 65, False), ("*", False),
    ],
)  # fmt: skip
async def test_a_player_sees_their_own_and_what_is_for_all_and_nothing_else(shown: str, allowed: bool) -> None:
    world = World()
    wire = await world.player()
    wire.send({"op": "subscribe", "topic": shown})
    await world.settle()
    assert wire.code == (None if allowed else Code.TOPIC_REFUSED)
    found = visible(shown, PLAYER)
    assert found is None or of_key(found.key) == found


async def test_too_many_subscriptions_or_connections_are_refused() -> None:
    world = World(connections_per_player=2, connections=3)
    first, _second = await world.player(), await world.player()
    for number in range(Limits.subscriptions):
        first.send({"op": "subscribe", "topic": f"price:p{number}"})
        await world.settle()
        await world.after(0.1)
    first.send({"op": "subscribe", "topic": "price:p1"})  # the same again is no further one
    await world.settle()
    assert first.code is None
    first.send({"op": "subscribe", "topic": "price:more"})
    await world.settle()
    assert first.code == Code.TOO_MANY_SUBSCRIPTIONS
    third = world.wire()
    third.send({"op": "authenticate", "token": GOOD})
    await world.settle()
    assert third.code == Code.TOO_MANY_CONNECTIONS
    fourth = Wire(world.hub)
    assert "503" in str(fourth.handshake())
    for wire in (first, third, fourth):
        wire.end()
    assert (await world.player()).code is None


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        (None, True), ("https://casino.test", True), ("http://casino.test:8080", True),
        ("https://app.partner.test", True), ("https://evil.test", False), ("null", False),
        ("https://casino.test.evil.test", False), ("http://[", False), ("", False),
    ],
)  # fmt: skip
async def test_pages_of_other_sites_may_not_connect(origin: str | None, allowed: bool) -> None:
    world = World(origins=("https://app.partner.test/",))
    refused = Wire(world.hub).handshake(**({} if origin is None else {"Origin": origin}))
    assert (refused is None) is allowed
    assert allowed or "403" in str(refused)


async def test_a_cookie_counts_with_the_pages_origin_and_the_sessions_csrf_token() -> None:
    for origin, csrf, code in [
        ("https://casino.test", "csrf", None),
        ("https://casino.test", "other", Code.UNAUTHENTICATED),
        (None, "csrf", Code.UNAUTHENTICATED),
    ]:
        world = World()
        wire = Wire(world.hub)
        wire.handshake(Cookie=f"x=1; session={GOOD}", **({"Origin": origin} if origin else {}))
        wire.send({"op": "authenticate", "csrf_token": csrf})
        await world.settle()
        assert wire.code == code
        assert wire.connection.cookie is None


@pytest.mark.parametrize("path", ["/", "/ws?token=abc", "/ws/", "/wsx"])
async def test_websockets_are_at_one_path_and_tokens_in_no_url(path: str) -> None:
    world = World()
    wire = Wire(world.hub)
    wire.receive(f"GET {path} HTTP/1.1\r\nHost: casino.test\r\n\r\n".encode())
    assert wire.connection.closing_since is not None and not wire.connection.is_open


async def test_time_ends_what_has_ended() -> None:
    world = World()
    shy, silent, talking, excluded = Wire(world.hub), await world.player(), await world.player(), await world.player()
    await world.after(Limits.handshake_s)
    assert shy.lost
    await world.after(Limits.heartbeat_s - Limits.handshake_s)
    talking.receive(Frame(Opcode.PONG, b"").serialize(mask=True))
    await world.after(Limits.silent_s - Limits.heartbeat_s)
    assert (silent.code, talking.code) == (Code.SILENT, None)
    assert excluded.code == Code.SILENT
    world.store.left = None
    await world.after(Limits.session_check_s)
    assert talking.code == Code.SESSION_ENDED


async def test_without_the_session_store_nobody_stays_beyond_their_sessions_known_end() -> None:
    world = World()
    wire = await world.player()
    world.store.fails = True
    for _ in range(24):
        wire.receive(Frame(Opcode.PONG, b"").serialize(mask=True))
        await world.after(25)
    assert wire.code == Code.SESSION_ENDED
    other = world.wire()
    other.send({"op": "authenticate", "token": GOOD})
    await world.settle()
    assert other.code == Code.TRY_LATER


async def test_a_token_is_renewed_in_place_and_only_by_one_of_the_same_player() -> None:
    world = World()
    wire = await world.player()
    wire.send({"op": "renew", "token": "a new one"})
    await world.settle()
    assert wire.said == [{"op": "renewed", "session_ends_in_s": 600}]
    assert wire.connection.session is not None and wire.connection.session.key == "a new one"
    wire.send({"op": "renew", "token": "stranger"})
    await world.settle()
    assert wire.code == Code.UNAUTHENTICATED


async def test_a_slow_client_gets_the_newest_state_and_no_one_else_waits() -> None:
    world = World()
    slow, quick = await world.player(), await world.player()
    for wire in (slow, quick):
        wire.send({"op": "subscribe", "topic": "price:gold"})
    await world.settle()
    slow.said.clear(), quick.said.clear()
    slow.connection.pause_writing()
    for number in range(1, 1001):
        await world.hub.publish(price("gold"), Place(1, number), f'"data":{number}')
    assert len(quick.said) == 1000 and not slow.said
    slow.connection.resume_writing()
    assert [one["data"] for one in slow.said] == [1000]
    slow.connection.pause_writing()
    await world.after(Limits.blocked_s)
    assert slow.code == Code.TOO_SLOW and quick.code is None


async def test_events_are_not_left_out_in_silence() -> None:
    world = World()
    slow, quick = await world.player(), await world.player()
    for wire in (slow, quick):
        wire.send({"op": "subscribe", "topic": "table:t"})
    await world.settle()
    slow.said.clear(), quick.said.clear()
    slow.connection.pause_writing()
    for number in range(1, Limits.backlog_events + 1):
        await world.hub.publish(table("t"), Place(1, number), f'"data":{number}')
    assert slow.code is None
    await world.hub.publish(table("t"), Place(1, 0), '"data":0')
    assert slow.code == Code.TOO_SLOW
    assert len(quick.said) == Limits.backlog_events + 1


async def test_what_comes_while_the_past_is_fetched_follows_it_once_and_in_order() -> None:
    world = World()
    wire = await world.player()
    world.store.past = Past([(Place(1, 4), '"data":4'), (Place(1, 5), '"data":5')], True, Place(1, 5))
    wire.send({"op": "subscribe", "topic": "table:t", "after": {"run": 1, "seq": 3}})
    await asyncio.sleep(0)  # the past is being asked for
    for number in (5, 6):
        await world.hub.publish(table("t"), Place(1, number), f'"data":{number}')
    await world.settle()
    for number in (6, 7, 8):  # the feed may be behind of the past
        await world.hub.publish(table("t"), Place(1, number), f'"data":{number}')
    assert wire.said[0] == {"op": "subscribed", "topic": "table:t", "whole": True, "run": 1, "seq": 5}
    assert [one["seq"] for one in wire.said[1:]] == [4, 5, 6, 7, 8]


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3), st.integers(0, 255)), max_size=60), st.integers(1, 10))
def test_a_backlog_is_bounded_and_keeps_the_newest_of_each_state(puts: Any, most: int) -> None:
    backlog, states, events, kept = Backlog(most), {}, [], 0
    for is_state, topic, value in puts:
        if is_state:
            backlog.put_state(str(topic), bytes([topic, value]))
            states[topic] = bytes([topic, value])
        elif backlog.put_event(bytes([value])):
            events.append(bytes([value]))
        else:
            kept += 1
            assert len(events) == most
    assert len(backlog) == len(states) + len(events)
    taken = [backlog.take() for _ in range(len(backlog))]
    assert [one for one in taken if len(one) == 1] == events
    assert {one[0]: one for one in taken if len(one) == 2} == states
    with pytest.raises(KeyError):
        backlog.take()


@given(st.integers(0, 70_000))
def test_a_frame_is_what_rfc_6455_says(size: int) -> None:
    assert frame(b"x" * size) == Frame(Opcode.TEXT, b"x" * size).serialize(mask=False)


@given(st.binary(max_size=300))
def test_reading_a_message_raises_nothing_but_a_refusal(payload: bytes) -> None:
    try:
        read(payload)
    except Refused as refused:
        assert refused.code in (Code.BAD_MESSAGE, Code.NOT_UTF8)


def test_an_answer_is_json_in_a_frame() -> None:
    assert answer("pong") == frame(b'{"op":"pong"}')
