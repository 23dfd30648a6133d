#!/usr/bin/env python3
"""A payment service provider that cannot be here: the protocol of docs/architecture.md, TLS, and its faults.

Python's standard library only: it runs as a service on a bare Debian machine. See README.md beside it. This file has
the process and its HTTP; what the methods do is in psp_rails.py.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import logging
import os
import signal
import ssl
import sys
import threading
import time
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


def sign(secret: str, timestamp: str, method: str, path: str, body: bytes) -> str:
    """Hex HMAC-SHA256(secret, timestamp + "." + method + "." + path + "." + body); path with its query."""
    message = f"{timestamp}.{method}.{path}.".encode() + body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """The HTTP side. The server carries `merchants` and `rails`."""

    protocol_version = "HTTP/1.1"
    server_version = "psp-sandbox"
    sys_version = ""
    timeout = 60
    disable_nagle_algorithm = True  # head and body are two writes: the second would wait for the first's receipt
    server: Server

    def do_POST(self) -> None:
        self._answer(self._post)

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._send(200, {"status": "ok"})
        elif self.path.startswith("/pay/"):
            self._answer(self._visit)
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
        merchants: dict[str, str],
        rails: Rails,
        *,
        max_skew_s: int = MAX_SKEW_S,
        context: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(address, Handler)
        self.merchants, self.rails = merchants, rails
        self.max_skew_s = max_skew_s
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
    parser.add_argument("--state", default=":memory:", help="SQLite file of operations (default: in memory)")
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
    merchants, book, faults = read_merchants(options), Book(options.state), Faults()
    rails = Rails(book, faults, Webhooks(merchants, faults, options.webhooks), slow_s=options.slow_seconds)
    server = Server(
        (host, int(port)),
        merchants,
        rails,
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
    book.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
