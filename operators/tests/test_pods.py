"""What pods say of themselves, over real HTTP."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import urllib3
from domicile_operator.clients import pods

METRICS = """\
# HELP casino_rules_in_force The rules in force.
# TYPE casino_rules_in_force gauge
casino_rules_in_force{catalogue="0123",digest="%s"} 1.0
casino_rules_refused 0.0
"""


class _Pod(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = (METRICS % ("e" * 64)).encode() if self.path == "/metrics" else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def pod(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Pod)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setattr(pods, "PORT", server.server_port)
    yield "127.0.0.1"
    server.shutdown()
    server.server_close()


def test_a_pod_tells_the_digest_of_its_rules(pod: str) -> None:
    assert pods.rules_of(pods.ask_all([pod, pod], pods.ask())) == ["e" * 64] * 2


def test_the_first_pod_that_is_silent_ends_the_round(pod: str) -> None:
    asked: list[str] = []
    real = pods.ask()

    def metrics(address: str) -> str:
        asked.append(address)
        if address == "silent":
            raise urllib3.exceptions.ConnectTimeoutError
        return real(address)

    assert pods.rules_of(pods.ask_all([pod, "silent", pod], metrics)) == ["e" * 64]
    assert asked == [pod, "silent"]


@pytest.mark.parametrize("said", ["", "casino_rules_in_force 1.0", 'casino_rules_in_force{digest="x"} 1.0'])
def test_what_tells_no_digest_is_no_answer(said: str) -> None:
    assert pods.rules_of(pods.ask_all(["a"], lambda _: said)) == []


@pytest.mark.parametrize(
    ("said", "revision", "barrier"),
    [
        ("casino_operation_revision 7.0\ncasino_operation_barrier_passed 6.0", 7, 6),
        ("casino_operation_revision 0.0", 0, None),
        ("casino_operation_revision 1.000001e+06", 1_000_001, None),
        ('casino_operation_revision{tenant="x"} 12', 12, None),
        ("casino_operation_revision NaN", None, None),
        ("casino_operation_revision -1.0", None, None),
        ("casino_operation_revision 1.2.3", None, None),
        ("casino_operation_revision 9e+24", None, None),
        ("casino_operation_revision 1e+13", None, None),
        ("# casino_operation_revision 7.0", None, None),
        ("", None, None),
    ],
)
def test_a_pod_tells_the_revision_that_it_holds_to(said: str, revision: int | None, barrier: int | None) -> None:
    (told,) = pods.ask_all(["a"], lambda _: said)
    assert (told.operation, told.barrier) == (revision, barrier)
