"""`/metrics` and `/healthz`, on a thread of their own: a stuck event loop must not answer for itself."""

from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import make_wsgi_app

Start = Callable[[str, list[tuple[str, str]]], Any]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: probes come every few seconds."""


def application(healthy: Callable[[], bool]) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
    """The WSGI application. `healthy` decides between 200 and 503 at /healthz."""
    metrics = make_wsgi_app()

    def serve(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start)
            return answer
        if environ["PATH_INFO"] == "/healthz":
            good = healthy()
            start("200 OK" if good else "503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"ok\n" if good else b"stalled\n"]
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b"not found\n"]

    return serve


def start(port: int, healthy: Callable[[], bool]) -> None:
    """Serve until the process ends."""
    server = make_server("", port, application(healthy), handler_class=_Quiet)
    Thread(target=server.serve_forever, name="http", daemon=True).start()
