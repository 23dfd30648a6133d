#!/usr/bin/env python3
"""A provider of prices that cannot be here: ticks of a few names as lines of JSON over HTTP, and its faults.

Python's standard library only, as for the other simulators. See README.md beside it.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MOST_TICKS_PER_S = 1000


class Walk:
    """A price in ten-thousandths that goes up and down at random, and never below one."""

    def __init__(self, seed: str, start: int = 15_000) -> None:
        self._random = random.Random(seed)  # noqa: S311 - repeatable, and nothing depends on it
        self._at = start

    def step(self) -> str:
        """The next price, as decimal text with four places."""
        self._at = max(1, self._at + self._random.randint(-50, 50))
        return f"{self._at // 10_000}.{self._at % 10_000:04d}"


class Handler(BaseHTTPRequestHandler):
    """GET /ticks streams until the client goes or the simulator breaks it off; GET /healthz answers."""

    server: Simulator

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._head("text/plain")
            self.wfile.write(b"ok\n")
        elif self.path == "/ticks":
            self._head("application/x-ndjson")
            self._stream()
        else:
            self.send_error(404)

    def _head(self, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        self.end_headers()

    def _stream(self) -> None:
        options = self.server.options
        walks = {name: Walk(f"{options.seed} {name}") for name in options.names}
        sent = 0
        while not options.break_after or sent < options.break_after:
            for name, walk in walks.items():
                tick = {"name": name, "price": walk.step(), "at_ms": time.time_ns() // 1_000_000}
                garbage = options.garbage_every and sent % options.garbage_every == 0
                line = "this is no tick" if garbage else json.dumps(tick)
                try:
                    self.wfile.write(line.encode() + b"\n")
                except OSError:
                    return  # the client has gone
                sent += 1
            time.sleep(len(walks) / options.ticks_per_s)

    def log_message(self, format: str, *args: Any) -> None:
        """Silence: a line for each probe tells nothing."""


class Simulator(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], options: argparse.Namespace) -> None:
        super().__init__(address, Handler)
        self.options = options


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:8090", help="address:port")
    parser.add_argument("--names", type=lambda text: text.split(","), default=["gold", "silver"])
    parser.add_argument("--ticks-per-s", type=float, default=4.0)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--break-after", type=int, default=0, help="break each stream off after so many ticks")
    parser.add_argument("--garbage-every", type=int, default=0, help="of so many lines one is none")
    options = parser.parse_args()
    if not 0 < options.ticks_per_s <= MOST_TICKS_PER_S:
        parser.error(f"--ticks-per-s is above 0 and at most {MOST_TICKS_PER_S}")
    host, _, port = options.listen.rpartition(":")
    server = Simulator((host, int(port)), options)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(f"listening on http://{host}:{server.server_port}", flush=True)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
