"""`/metrics`, `/healthz` and `/readyz`, on a thread of their own: a stuck event loop must not answer for itself."""

from collections.abc import Callable, Iterable
from threading import Thread
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import make_wsgi_app

Start = Callable[[str, list[tuple[str, str]]], Any]
Probe = Callable[[], bool]


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: probes come every few seconds."""


def application(healthy: Probe, ready: Probe) -> Callable[[dict[str, Any], Start], Iterable[bytes]]:
    """The WSGI application. `healthy` decides between 200 and 503 at /healthz, and `ready` with it at /readyz."""
    metrics = make_wsgi_app()

    def serve(environ: dict[str, Any], start: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/metrics":
            answer: Iterable[bytes] = metrics(environ, start)
            return answer
        probes: dict[str, Probe] = {"/healthz": healthy, "/readyz": lambda: healthy() and ready()}
        if probe := probes.get(environ["PATH_INFO"]):
            good = probe()
            start("200 OK" if good else "503 Service Unavailable", [("Content-Type", "text/plain")])
            return [b"ok\n" if good else b"not now\n"]
        start("404 Not Found", [("Content-Type", "text/plain")])
        return [b"not found\n"]

    return serve


def start(port: int, healthy: Probe, ready: Probe) -> None:
    """Serve until the process ends."""
    server = make_server("", port, application(healthy, ready), handler_class=_Quiet)
    Thread(target=server.serve_forever, name="http", daemon=True).start()
