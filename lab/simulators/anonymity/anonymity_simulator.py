#!/usr/bin/env python3
"""A provider that knows anonymising networks, and its faults. Python's standard library only; see README.md."""

from __future__ import annotations

import argparse
import json
import signal
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address, ip_network
from typing import Any

# Addresses of documentation networks (RFC 5737, RFC 3849) whose answers are faults.
SILENT, BROKEN, SLOW, NONSENSE = "203.0.113.1", "203.0.113.2", "203.0.113.3", "203.0.113.4"


class Handler(BaseHTTPRequestHandler):
    anonymisers: tuple[Any, ...] = ()
    slow_s = 5.0

    def do_GET(self) -> None:
        path, _, text = self.path.rpartition("/")
        if self.path == "/healthz":
            self._answer(200, {"status": "ok"})
            return
        try:
            address = ip_address(text)
        except ValueError:
            self._answer(400, {"error": "no_address"})
            return
        if path != "/v1/addresses":
            self._answer(404, {"error": "not_found"})
        elif text == SILENT:
            self.close_connection = True  # no answer at all
        elif text == BROKEN:
            self._answer(500, {"error": "internal"})
        elif text == NONSENSE:
            self._answer(200, {"anonymiser": "perhaps"})
        else:
            if text == SLOW:
                time.sleep(self.slow_s)
            self._answer(200, {"anonymiser": any(address in network for network in self.anonymisers)})

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Addresses are personal data: nothing is logged."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:8090")
    parser.add_argument("--anonymiser", action="append", default=[], metavar="NETWORK")
    parser.add_argument("--slow-seconds", type=float, default=5.0)
    parser.add_argument("--cert")
    parser.add_argument("--key")
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    if not options.cert and host not in ("127.0.0.1", "localhost"):
        parser.error("without --cert it listens on loopback only")
    Handler.anonymisers = tuple(ip_network(one) for one in options.anonymiser)
    Handler.slow_s = options.slow_seconds
    server = ThreadingHTTPServer((host, int(port)), Handler)
    if options.cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.cert, options.key)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening on {'https' if options.cert else 'http'}://{options.listen}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
