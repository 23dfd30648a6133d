#!/usr/bin/env python3
"""A payment service provider that cannot be here: the protocol of docs/architecture.md, TLS, and its faults.

Python's standard library only: it runs as a service on a bare Debian machine. See README.md beside it. This file has
the process, its HTTP and the card payments of the first protocol; the method families are in psp_rails.py.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import logging
import os
import signal
import sqlite3
import ssl
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from psp_book import Book
from psp_control import answer_get, answer_post
from psp_faults import Faults, Refused
from psp_rails import NoAnswer, Rails
from psp_webhooks import Webhooks

log = logging.getLogger("psp")

MAX_BODY_BYTES = 16 * 1024
MAX_SKEW_S = 300
SLOW_S = 5.0
DECLINES = {"tok_declined": "do_not_honour", "tok_insufficient": "insufficient_funds"}
CAPTURES = {"tok_visa", "tok_lost_answer", "tok_slow"}
SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    merchant TEXT NOT NULL, idempotency_key TEXT NOT NULL, request_hash TEXT NOT NULL,
    reference TEXT NOT NULL, answer TEXT NOT NULL,
    PRIMARY KEY (merchant, idempotency_key), UNIQUE (merchant, reference))
"""


def sign(secret: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """Hex HMAC-SHA256(secret, timestamp + "." + method + "." + path + "." + body); path with its query."""
    message = f"{timestamp}.{method}.{path}.".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class Payments:
    """Payments in SQLite: what was captured stays captured when the process is killed."""

    def __init__(self, path: str) -> None:
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute(SCHEMA)

    def pay(self, merchant: str, key: str, body: bytes, request: dict[str, Any]) -> dict[str, Any]:
        """The payment of a key, made now or before. Raises Refused for another body under a known key."""
        request_hash = hashlib.sha256(body).hexdigest()
        with self._lock:
            known = self._connection.execute(
                "SELECT request_hash, answer FROM payments WHERE merchant = ? AND idempotency_key = ?", (merchant, key)
            ).fetchone()
            if known is not None:
                if known[0] != request_hash:
                    raise Refused(409, "idempotency_key_reused", "the key was used with another body")
                earlier: dict[str, Any] = json.loads(known[1])
                return earlier
            answer = _decide(request)
            try:
                self._connection.execute(
                    "INSERT INTO payments VALUES (?, ?, ?, ?, ?)",
                    (merchant, key, request_hash, request["reference"], json.dumps(answer)),
                )
            except sqlite3.IntegrityError:
                raise Refused(409, "reference_reused", "another payment has this reference") from None
            return answer

    def find(self, merchant: str, reference: str) -> dict[str, Any]:
        """The payment with a reference. Raises Refused (404) when there is none."""
        with self._lock:
            row = self._connection.execute(
                "SELECT answer FROM payments WHERE merchant = ? AND reference = ?", (merchant, reference)
            ).fetchone()
        if row is None:
            raise Refused(404, "payment_not_found", "no payment has this reference")
        found: dict[str, Any] = json.loads(row[0])
        return found

    def close(self) -> None:
        with self._lock:
            self._connection.close()


def _decide(request: dict[str, Any]) -> dict[str, Any]:
    token = request["card_token"]
    captured = token in CAPTURES
    return {
        "id": "pay_" + uuid.uuid4().hex,
        "reference": request["reference"],
        "status": "captured" if captured else "declined",
        "decline_code": None if captured else DECLINES.get(token, "unknown_card_token"),
        "amount_minor": request["amount_minor"],
        "currency": request["currency"],
    }


def read_request(body: bytes) -> dict[str, Any]:
    """The body of a payment, checked. Raises Refused."""
    try:
        request = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, "invalid_json", "the body is not JSON") from None
    fields = {"reference": str, "amount_minor": int, "currency": str, "card_token": str}
    if not isinstance(request, dict) or set(request) != set(fields):
        raise Refused(422, "invalid_request", f"the body has exactly the fields {', '.join(fields)}")
    for name, kind in fields.items():
        if type(request[name]) is not kind:
            raise Refused(422, "invalid_request", f"{name} is not of type {kind.__name__}")
    if not 0 < request["amount_minor"] <= 10**12:
        raise Refused(422, "invalid_amount", "amount_minor is not a positive amount")
    if not 0 < len(request["reference"]) <= 128 or len(request["currency"]) != 3:
        raise Refused(422, "invalid_request", "reference or currency is malformed")
    return request


class Handler(BaseHTTPRequestHandler):
    """The HTTP side. The server carries `payments`, `merchants` and `slow_s`."""

    protocol_version = "HTTP/1.1"
    server_version = "psp-sandbox"
    sys_version = ""
    timeout = 60
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait for the first's receipt
    server: Server

    def do_POST(self) -> None:
        self._answer(self._pay if self.path == "/v1/payments" else self._post)

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._send(200, {"status": "ok"})
        elif self.path.startswith("/pay/"):
            self._answer(self._visit)
        elif urlsplit(self.path).path == "/v1/payments":
            self._answer(self._find)
        else:
            self._answer(self._get)

    def _answer(self, act: Any) -> None:
        try:
            act()
        except NoAnswer:
            self.close_connection = True
        except Refused as refused:
            # A body that was not read would be taken for the next request.
            self.close_connection = True
            self._send(refused.status, {"error": {"code": refused.code, "message": refused.message}})

    def _pay(self) -> None:
        body = self._body()
        merchant = self._authenticate("POST", body)
        key = self.headers.get("Idempotency-Key", "")
        if not 0 < len(key) <= 128:
            raise Refused(422, "idempotency_key_missing", "a payment needs an Idempotency-Key")
        request = read_request(body)
        token = request["card_token"]
        if token == "tok_error":  # noqa: S105 - the name of a test card
            raise Refused(500, "internal_error", "the provider failed and took nothing")
        if token == "tok_slow":  # noqa: S105
            time.sleep(self.server.slow_s)
        answer = self.server.payments.pay(merchant, key, body, request)
        log.info("payment %s %s %s", answer["id"], answer["status"], answer["reference"])
        if token == "tok_lost_answer":  # noqa: S105
            self.close_connection = True
            return
        self._send(201, answer)

    def _find(self) -> None:
        merchant = self._authenticate("GET", b"")
        url = urlsplit(self.path)
        references = parse_qs(url.query).get("reference", [])
        if len(references) != 1:
            raise Refused(404, "not_found", "ask for /v1/payments?reference=...")
        self._send(200, self.server.payments.find(merchant, references[0]))

    def _post(self) -> None:
        body = self._body()
        merchant = self._authenticate("POST", body)
        self._send(201, answer_post(self.server.rails, merchant, self.path, body))

    def _get(self) -> None:
        merchant = self._authenticate("GET", b"")
        url = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(url.query).items()}
        self._send(200, answer_get(self.server.rails, merchant, url.path, asked))

    def _visit(self) -> None:
        """What a redirect leads to. A browser comes without a signature: the long random name is what it knows."""
        self.server.rails.visit(self.path.removeprefix("/pay/"))
        self._send(200, {"status": "paid"})

    def _body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit():
            raise Refused(411, "length_required", "a payment needs a Content-Length")
        if int(length) > MAX_BODY_BYTES:
            raise Refused(413, "body_too_large", f"a body has at most {MAX_BODY_BYTES} bytes")
        return self.rfile.read(int(length))

    def _authenticate(self, method: str, body: bytes) -> str:
        merchant = self.headers.get("X-Merchant", "")
        timestamp = self.headers.get("X-Timestamp", "")
        given = self.headers.get("X-Signature", "")
        secret = self.server.merchants.get(merchant)
        # An unknown merchant is checked against a secret that nobody has: both refusals look the same.
        expected = sign(secret or os.urandom(16).hex(), timestamp, method, self.path, body)
        if not hmac.compare_digest(expected.encode(), given.encode()) or secret is None:
            raise Refused(401, "bad_signature", "merchant or signature is wrong")
        if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > self.server.max_skew_s:
            raise Refused(401, "stale_timestamp", f"the timestamp is more than {self.server.max_skew_s} s off")
        return merchant

    def _send(self, status: int, answer: dict[str, Any] | str) -> None:
        is_file = isinstance(answer, str)
        body = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/csv; charset=utf-8" if is_file else "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        log.debug(format, *args)


class Server(ThreadingHTTPServer):
    """One thread per connection; a client that hangs in its TLS handshake holds up only its own thread."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        address: tuple[str, int],
        payments: Payments,
        merchants: dict[str, str],
        rails: Rails,
        *,
        slow_s: float = SLOW_S,
        max_skew_s: int = MAX_SKEW_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(address, Handler)
        self.payments, self.merchants, self.rails = payments, merchants, rails
        self.slow_s, self.max_skew_s = slow_s, max_skew_s
        self._context = context

    def finish_request(self, request: Any, client_address: Any) -> None:
        if self._context is not None:
            request.settimeout(10)
            request = self._context.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        log.info("connection from %s ended: %s", client_address[0], sys.exc_info()[1])


def read_merchants(options: argparse.Namespace) -> dict[str, str]:
    """Secrets by merchant: from --merchants (JSON), or from PSP_MERCHANT and PSP_SECRET in the environment."""
    if options.merchants is not None:
        merchants: dict[str, str] = json.loads(options.merchants.read_text())
    elif os.environ.get("PSP_MERCHANT") and os.environ.get("PSP_SECRET"):
        merchants = {os.environ["PSP_MERCHANT"]: os.environ["PSP_SECRET"]}
    else:
        merchants = {}
    if not merchants or not all(isinstance(v, str) and v for v in merchants.values()):
        raise SystemExit(
            'psp: no merchants: give --merchants FILE with {"id": "secret"}, or PSP_MERCHANT and PSP_SECRET'
        )
    return merchants


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="psp_simulator.py", description="A payment service provider, simulated.")
    parser.add_argument("--listen", default="127.0.0.1:8443", metavar="HOST:PORT", help="port 0 picks a free one")
    parser.add_argument("--cert", type=Path, help="certificate chain (PEM); without it, plain HTTP on loopback only")
    parser.add_argument("--key", type=Path, help="its private key (PEM)")
    parser.add_argument("--merchants", type=Path, help='JSON file {"merchant id": "secret"}')
    parser.add_argument("--state", default=":memory:", help="SQLite file of payments (default: in memory)")
    parser.add_argument("--slow-seconds", type=float, default=SLOW_S, help="how long tok_slow waits")
    parser.add_argument("--max-skew-seconds", type=int, default=MAX_SKEW_S, help="how far a timestamp may be off")
    parser.add_argument("--webhooks", metavar="URL", help="where events go; otherwise they wait to be fetched")
    parser.add_argument("--public-url", metavar="URL", help="what the pages of redirects begin with (default: itself)")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)

    host, _, port = options.listen.rpartition(":")
    context = None
    if options.cert is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(options.cert, options.key)
    elif host not in ("127.0.0.1", "localhost", "::1"):
        raise SystemExit("psp: beyond loopback it speaks TLS only: give --cert and --key")
    payments, merchants = Payments(options.state), read_merchants(options)
    book, faults = Book(options.state), Faults()
    rails = Rails(book, faults, Webhooks(merchants, faults, options.webhooks))
    server = Server(
        (host, int(port)),
        payments,
        merchants,
        rails,
        slow_s=options.slow_seconds,
        max_skew_s=options.max_skew_seconds,
        context=context,
    )
    url = f"{'https' if context else 'http'}://{host}:{server.server_address[1]}"
    rails.origin = options.public_url or url
    # shutdown() waits for the loop that this handler interrupts, so it runs beside it.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown, daemon=True).start())
    print(f"listening on {url}", flush=True)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    payments.close()
    book.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
