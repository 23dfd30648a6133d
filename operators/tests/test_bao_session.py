"""hvac over the session of our own: what it reads and raises is what it was over `requests`."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import hvac
import pytest
import urllib3
from domicile_operator.clients.bao import OpenBaoClient
from domicile_operator.clients.bao_session import BaoSession
from domicile_operator.errors import Fault
from operator_testkit.tls import Authority


class Server(ThreadingHTTPServer):
    """Answers by path, over TLS, and keeps what it was asked."""

    daemon_threads = True

    def __init__(self, authority: Authority) -> None:
        self.asked: list[tuple[str, str, str | None, Any]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                server.asked.append((self.command, self.path, self.headers.get("X-Vault-Token"), body))
                code, found = server.answers.get(self.path, (404, {"errors": []}))
                sent = json.dumps(found).encode() if code != 204 else b""
                self.send_response(code)
                self.send_header("Content-Type", "application/json")
                if code == 307:
                    self.send_header("Location", found)
                self.send_header("Content-Length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            do_GET = do_PUT = do_POST = do_DELETE = answer

            def log_message(self, *_: Any) -> None:
                return

        super().__init__(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("localhost"))
        self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"https://localhost:{self.server_address[1]}"
        self.answers["/v1/auth/jwt/login"] = (200, {"auth": {"client_token": "t", "lease_duration": 600}})
        threading.Thread(target=self.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def server(authority: Authority) -> Iterator[Server]:
    made = Server(authority)
    yield made
    made.shutdown()
    made.server_close()


@pytest.fixture
def bao(server: Server, authority: Authority, tmp_path: Path) -> OpenBaoClient:
    (tmp_path / "token").write_text("jwt")
    return OpenBaoClient(server.url, authority.certificate, tmp_path / "token")


def test_documents_are_read_written_and_removed_with_the_token(bao: OpenBaoClient, server: Server) -> None:
    server.answers |= {"/v1/sys/policies/acl/x": (200, {"data": {"policy": "p"}}), "/v1/transit/keys/x": (204, None)}
    assert bao.read("sys/policies/acl/x") == {"policy": "p"}
    assert bao.read("sys/policies/acl/none") is None
    assert not bao.ensure("sys/policies/acl/x", {"policy": "p"})
    bao.write("transit/keys/x", {"type": "aes"})
    bao.remove("transit/keys/x")
    login, *others = server.asked
    assert login[:2] == ("POST", "/v1/auth/jwt/login") and login[3] == {"role": "domicile-operator", "jwt": "jwt"}
    assert [(method, path) for method, path, _, _ in others] == [
        ("GET", "/v1/sys/policies/acl/x"), ("GET", "/v1/sys/policies/acl/none"), ("GET", "/v1/sys/policies/acl/x"),
        ("POST", "/v1/transit/keys/x"), ("DELETE", "/v1/transit/keys/x"),
    ]  # fmt: skip
    assert {token for _, _, token, _ in others} == {"t"} and others[3][3] == {"type": "aes"}


@pytest.mark.parametrize(
    ("status", "code"), [(403, "OPENBAO_FORBIDDEN"), (503, "OPENBAO_SEALED"), (400, "OPENBAO_REFUSED")]
)
def test_what_openbao_refuses_is_told_by_its_code(bao: OpenBaoClient, server: Server, status: int, code: str) -> None:
    server.answers["/v1/database/roles/x"] = (status, {"errors": ["because of that"]})
    with pytest.raises(Fault, match="because of that" if status != 503 else "sealed") as raised:
        bao.read("database/roles/x")
    assert raised.value.code == code


def test_a_standby_that_sends_elsewhere_is_followed(bao: OpenBaoClient, server: Server) -> None:
    server.answers |= {
        "/v1/kv/data/standby": (307, f"{server.url}/v1/kv/data/active"),
        "/v1/kv/data/active": (200, {"data": {"a": "b"}}),
    }
    assert bao.read("kv/data/standby") == {"a": "b"}
    assert server.asked[-1][1:3] == ("/v1/kv/data/active", "t")


def test_who_is_not_certified_by_the_cells_authority_is_not_talked_to(server: Server, tmp_path: Path) -> None:
    other = Authority(tmp_path)
    (tmp_path / "token").write_text("jwt")
    with pytest.raises(Fault) as raised:
        OpenBaoClient(server.url, other.certificate, tmp_path / "token").read("kv/data/x")
    assert raised.value.code == "OPENBAO_UNREACHABLE" and not server.asked


def test_nobody_at_the_address_is_unreachable_at_once(authority: Authority) -> None:
    session = BaoSession(str(authority.certificate))
    with pytest.raises(urllib3.exceptions.HTTPError):
        hvac.Client("https://localhost:1", session=session, token="t").read("kv/data/x")
