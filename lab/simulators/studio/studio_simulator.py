#!/usr/bin/env python3
"""A game studio that cannot be here: it opens games, plays rounds against the operator's wallet, and makes mistakes.

Python's standard library and `cryptography`: it runs as a service on a bare Debian machine. See README.md beside it.
"""

from __future__ import annotations

import argparse
import html
import json
import logging
import os
import signal
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parent))

from studio_scripts import SCRIPTS, Table
from studio_speech import HmacSpeech, RsaSpeech, Session

log = logging.getLogger("studio")

MAX_BODY_BYTES = 64 * 1024
KEPT = 1000
GAMES = {"golden-bay": "Golden Bay", "night-market": "Night Market"}
"""What the studio says it has; a session of any other code opens too."""


class Refused(Exception):
    """An error answer: HTTP status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Studio:
    """Sessions that operators opened and free rounds that they granted, in memory; a speech for each dialect."""

    def __init__(self, configuration: dict[str, Any], context: ssl.SSLContext | None) -> None:
        self.lock = threading.Lock()
        self.sessions: dict[str, tuple[str, Session]] = {}
        self.grants: dict[str, dict[str, Any]] = {}
        self.speeches: dict[str, Any] = {}
        for dialect, one in configuration.items():
            rest = (one["operator_url"], int(one.get("exponent", 2)), context)
            if dialect == "rsa_status":
                self.speeches[dialect] = RsaSpeech(one["private_key"], one["operator_public_key"], *rest)
            elif dialect == "hmac_actions":
                self.speeches[dialect] = HmacSpeech(one["secret"], one["operator"], *rest)
            else:
                raise SystemExit(f"studio: there is no dialect {dialect!r}")

    def open(self, dialect: str, session: Session) -> None:
        with self.lock:
            self.sessions[session.token] = (dialect, session)
            while len(self.sessions) > KEPT:
                self.sessions.pop(next(iter(self.sessions)))

    def play(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Play a script in a session; the newest one unless a token is given."""
        script = SCRIPTS.get(str(asked.get("script", "normal")))
        with self.lock:
            found = self.sessions.get(str(asked["token"])) if "token" in asked else None
            if "token" not in asked and self.sessions:
                found = self.sessions[next(reversed(self.sessions))]
        if script is None or found is None:
            raise Refused(422, f"name a session and one of {', '.join(SCRIPTS)}")
        dialect, session = found
        speech = self.speeches[dialect]
        table = Table(speech, session, int(asked.get("stake", 10)), int(asked.get("prize", 25)), asked.get("grant"))
        if session.player is None:  # whose session it is, only the operator knows
            opened = table.say("session")
            body = opened.body if isinstance(opened.body, dict) else {}
            session.player = body.get("playerid") or body.get("user")
        before = table.say("balance").balance
        expected = sum(script(table) for _ in range(int(asked.get("rounds", 1))))
        after = table.say("balance").balance
        changed = after - before if before is not None and after is not None else None
        return {"steps": table.steps, "expected_change": expected, "change": changed, "ok": expected == changed}


class Handler(BaseHTTPRequestHandler):
    """The HTTP side: what operators call, what players open, and the control of the faults."""

    protocol_version = "HTTP/1.1"
    server_version = "studio-sandbox"
    sys_version = ""
    timeout = 60
    server: Server

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if url.path == "/healthz":
            self._send(200, {"status": "ok"})
        elif url.path == "/play":
            self._answer(lambda: self._open(url.query))
        elif url.path == "/control/sessions":
            self._answer(self._sessions)
        else:
            self._send(404, {"error": "there is nothing here"})

    def do_POST(self) -> None:
        calls = {
            "/operator/generic/v2/game/url": self._game_url,
            "/operator/generic/v2/game/list": self._game_list,
            "/operator/generic/v2/freebet": self._freebet,
            "/games": self._games,
            "/freerounds": self._freerounds,
            "/control/rounds": self._rounds,
        }
        self._answer(calls.get(urlsplit(self.path).path, self._nothing))

    def _game_url(self) -> None:
        asked = self._from_operator("rsa_status")
        session = Session(asked["token"], asked["game_code"], asked["currency"], asked["user"])
        self.server.studio.open("rsa_status", session)
        self._send(200, {"url": f"{self.server.public_url}/play?{urlencode({'token': session.token})}"})

    def _game_list(self) -> None:
        self._from_operator("rsa_status")
        self._send(200, [{"game_code": code, "name": name, "enabled": True} for code, name in GAMES.items()])

    def _games(self) -> None:
        self._from_operator("hmac_actions")
        self._send(200, {"status": "success", "games": [{"gamecode": one, "name": GAMES[one]} for one in GAMES]})

    def _freebet(self) -> None:
        asked = self._from_operator("rsa_status")
        self.server.studio.grants.setdefault(asked["reward_uuid"], asked)
        self._send(200, {"status": "RS_OK", "request_uuid": asked["request_uuid"]})

    def _freerounds(self) -> None:
        asked = self._from_operator("hmac_actions")
        self.server.studio.grants.setdefault(asked["freerounds"], asked)
        self._send(200, {"status": "success"})

    def _open(self, query: str) -> None:
        """The page of a game. In the dialect without a call before it, the URL itself opens the session."""
        fields = {name: values[0] for name, values in parse_qs(query).items()}
        if "hash" in fields:
            signed = query.partition("&timestamp=")[0]
            speech = self.server.studio.speeches.get("hmac_actions")
            if speech is None or not speech.is_signed(fields.get("timestamp", ""), fields["hash"], signed.encode()):
                raise Refused(403, "the launch is not signed by the operator")
            session = Session(fields["sessionid"], fields["gamecode"], fields["currency"])
            self.server.studio.open("hmac_actions", session)
            game = session.game
        else:
            found = self.server.studio.sessions.get(fields.get("token", ""))
            if found is None:
                raise Refused(403, "there is no such session")
            game = found[1].game
        page = f"<!doctype html><title>{html.escape(game)}</title><p>{html.escape(game)} is open."
        self._send(200, page.encode(), "text/html; charset=utf-8")

    def _sessions(self) -> None:
        self._local()
        listed = [
            {"dialect": dialect, "token": one.token, "game": one.game, "player": one.player}
            for dialect, one in self.server.studio.sessions.values()
        ]
        self._send(200, {"sessions": listed, "grants": self.server.studio.grants})

    def _rounds(self) -> None:
        self._local()
        self._send(200, self.server.studio.play(self._object()))

    def _nothing(self) -> None:
        raise Refused(404, "there is nothing here")

    def _local(self) -> None:
        # Whoever steers it plays with other people's sessions.
        if self.client_address[0] not in ("127.0.0.1", "::1"):
            raise Refused(403, "the control answers on loopback alone")

    def _from_operator(self, dialect: str) -> dict[str, Any]:
        raw = self._body()
        speech = self.server.studio.speeches.get(dialect)
        if speech is None or not speech.is_the_operators(self.headers, raw):
            raise Refused(401, "that is not signed by the operator")
        return self._object(raw)

    def _object(self, raw: bytes | None = None) -> dict[str, Any]:
        try:
            found = json.loads(self._body() if raw is None else raw)
        except (ValueError, RecursionError):
            raise Refused(400, "the body is not JSON") from None
        if not isinstance(found, dict):
            raise Refused(422, "the body is no object")
        return found

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            raise Refused(413, "a body has a length, and not too great a one")
        return self.rfile.read(int(length))

    def _answer(self, act: Any) -> None:
        try:
            act()
        except Refused as refused:
            self.close_connection = True
            self._send(refused.status, {"error": refused.message})
        except (KeyError, TypeError, ValueError) as error:
            self.close_connection = True
            self._send(422, {"error": f"something is missing or malformed: {type(error).__name__}"})
        except OSError as error:
            self.close_connection = True
            self._send(502, {"error": f"the operator does not answer: {type(error).__name__}"})

    def _send(self, status: int, answer: Any, kind: str = "application/json") -> None:
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug("request answered")  # not the path: it has a session's token in it


class Server(ThreadingHTTPServer):
    """One thread per connection."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], studio: Studio, public_url: str | None) -> None:
        super().__init__(address, Handler)
        self.studio = studio
        self.public_url = (public_url or f"http://{address[0]}:{self.server_address[1]}").rstrip("/")


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="studio_simulator.py", description="A game studio, simulated.")
    parser.add_argument("--listen", default="127.0.0.1:8444", metavar="HOST:PORT", help="port 0 picks a free one")
    parser.add_argument("--cert", type=Path, help="certificate chain (PEM); without it, plain HTTP on loopback only")
    parser.add_argument("--key", type=Path, help="its private key (PEM)")
    parser.add_argument("--public-url", help="where players reach it (default: where it listens)")
    parser.add_argument("--dialects", type=Path, help="JSON of its dialects; or STUDIO_DIALECTS in the environment")
    parser.add_argument("--operator-ca", type=Path, help="the CA of the operator's certificate")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    host, _, port = options.listen.rpartition(":")
    if options.cert is None and host not in ("127.0.0.1", "localhost", "::1"):
        raise SystemExit("studio: beyond loopback it speaks TLS only: give --cert and --key")
    text = options.dialects.read_text() if options.dialects else os.environ.get("STUDIO_DIALECTS", "")
    if not text:
        raise SystemExit("studio: no dialects: give --dialects FILE, or STUDIO_DIALECTS")
    context = ssl.create_default_context(cafile=str(options.operator_ca)) if options.operator_ca else None
    server = Server((host, int(port)), Studio(json.loads(text), context), options.public_url)
    if options.cert is not None:
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.minimum_version = ssl.TLSVersion.TLSv1_2
        own.load_cert_chain(options.cert, options.key)
        # The handshake is done by the thread that reads, so that one who hangs in it holds up nobody else.
        server.socket = own.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    print(f"listening on {'https' if options.cert else 'http'}://{host}:{server.server_address[1]}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
