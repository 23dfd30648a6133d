#!/usr/bin/env python3
"""A national register of excluded persons, and its faults. Python's standard library only; see README.md."""

from __future__ import annotations

import argparse
import json
import signal
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

LARGEST = 64 * 1024
FAULTS = ("none", "silent", "broken", "slow", "nonsense", "another_request")


class Register:
    """Who is listed, by what identifies them; what faults the next answers have."""

    def __init__(self, slow_s: float) -> None:
        self.slow_s = slow_s
        self.fault = "none"
        self.checks: dict[str, int] = {}
        self._listed: set[str] = set()
        self._lock = threading.Lock()

    def set(self, person: dict[str, str], listed: bool) -> None:
        with self._lock:
            for key in identities(person):
                (self._listed.add if listed else self._listed.discard)(key)

    def knows(self, person: dict[str, str], moment: str) -> bool:
        with self._lock:
            self.checks[moment] = self.checks.get(moment, 0) + 1
            return any(key in self._listed for key in identities(person))


def identities(person: dict[str, str]) -> list[str]:
    """What a register knows a person by: a national number, or names with the day of birth, or an address."""
    found = [f"{name}:{person[name].casefold()}" for name in ("national_id", "email") if person.get(name)]
    names = [person.get(name, "").casefold() for name in ("given_name", "family_name", "date_of_birth")]
    return found + ([f"person:{'|'.join(names)}"] if all(names) else [])


class Handler(BaseHTTPRequestHandler):
    register: Register
    key: str | None = None
    protocol_version = "HTTP/1.1"  # one connection for many look-ups
    timeout = 30  # seconds for a caller that says nothing, the handshake of TLS included

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(200, {"status": "ok"})
        elif not self._known():
            self._answer(401, {"error": "unauthorized"})
        elif self.path == "/control/checks":
            self._answer(200, {"checks": self.register.checks})
        else:
            self._answer(404, {"error": "not_found"})

    def do_POST(self) -> None:
        try:
            length = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(length)) if 0 < length <= LARGEST else None
        except ValueError:
            body = None
        if not isinstance(body, dict):
            self.close_connection = True  # what is left of it must not be read as the next request
            self._answer(400, {"error": "no_json_object"})
            return
        if not self._known():
            self._answer(401, {"error": "unauthorized"})
        elif self.path == "/control/persons":
            self.register.set(body["person"], bool(body["listed"]))
            self._answer(200, {})
        elif self.path == "/control/fault" and body.get("name") in FAULTS:
            self.register.fault = body["name"]
            self._answer(200, {})
        elif self.path == "/v1/checks":
            self._check(body)
        else:
            self._answer(404, {"error": "not_found"})

    def _known(self) -> bool:
        """Who bears the key; who does not could list themselves, or take a name off."""
        return self.key is None or self.headers.get("Authorization") == f"Bearer {self.key}"

    def _check(self, body: dict[str, Any]) -> None:
        fault = self.register.fault
        if fault == "silent":
            self.close_connection = True  # no answer at all
            return
        if fault == "broken":
            self._answer(500, {"error": "internal"})
            return
        if fault == "slow":
            time.sleep(self.register.slow_s)
        answer: dict[str, Any] = {
            "request_id": body["request_id"] if fault != "another_request" else "0",
            "listed": self.register.knows(body["person"], body["moment"]),
        }
        self._answer(200, answer if fault != "nonsense" else answer | {"listed": "perhaps"})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Who is asked about is personal data: nothing is logged."""


class Server(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """A caller that went away, or never was one."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:8091")
    known_by = parser.add_mutually_exclusive_group()
    known_by.add_argument("--key", help="what callers have to bear")
    known_by.add_argument("--key-file", type=Path, help="a file that holds it: arguments are there for all to see")
    parser.add_argument("--slow-seconds", type=float, default=10.0)
    parser.add_argument("--cert")
    parser.add_argument("--cert-key")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    if not options.cert and host not in ("127.0.0.1", "localhost"):
        parser.error("without --cert it listens on loopback only")
    Handler.register = Register(options.slow_seconds)
    Handler.key = options.key_file.read_text().strip() if options.key_file else options.key
    server = Server((host, int(port)), Handler)
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.cert_key)
        # Each handshake in its caller's thread: one that never ends must not keep the others waiting.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening on {'https' if options.cert else 'http'}://{options.listen}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
