"""What `domicile-certificates` says to an API server, and what it makes of the answers."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from domicile_operator.certificates import objects
from domicile_operator.certificates.cluster import Cluster
from domicile_operator.errors import Fault
from kubernetes import client

ITEM = {
    "metadata": {"name": "acme", "labels": {"domicile.dev/tenant": "acme"}},
    "spec": {"tls": [{"hosts": ["play.acme.example"]}]},
}


class Api:
    """Answers every request alike, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, Any]] = []
        self.status = 200
        api = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                api.asked.append((self.command, self.path, self.headers["Content-Type"], json.loads(sent or "null")))
                body = json.dumps({"items": [ITEM]}).encode()
                self.send_response(api.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_PATCH = do_DELETE = answer

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def cluster(self) -> Cluster:
        configuration = client.Configuration()
        configuration.host, configuration.retries = f"http://127.0.0.1:{self.server.server_port}", False
        return Cluster(client.ApiClient(configuration), "ingress-system")


@pytest.fixture
def api() -> Iterator[Api]:
    made = Api()
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_secrets_are_asked_for_where_the_ingress_controller_is_and_tenants_everywhere(api: Api) -> None:
    cluster = api.cluster()
    assert cluster.tenants() == {"acme"}
    assert cluster.wanted() == {"acme": {"play.acme.example"}}
    assert list(cluster.secrets()) == ["acme"]
    paths = [path.split("?")[0] for _, path, _, _ in api.asked]
    assert paths[1:] == ["/apis/networking.k8s.io/v1/ingresses", "/api/v1/namespaces/ingress-system/secrets"]


def test_what_it_writes_is_applied_and_the_ingress_goes_before_its_secret(api: Api) -> None:
    cluster = api.cluster()
    cluster.apply(objects.ingress("acme", "ingress-system", "skipper", frozenset({"play.acme.example"})))
    ((method, path, content, body),) = api.asked
    assert (method, content) == (
        "PATCH",
        "application/apply-patch+yaml",
    ) and "fieldManager=domicile-certificates" in path
    assert body["spec"]["tls"][0]["secretName"] == "casino-acme-certificate"
    api.status = 404
    cluster.remove("acme")
    assert ["ingresses" in path for _, path, _, _ in api.asked[1:]] == [True, False]


def test_a_refusal_and_silence_are_told_apart(api: Api) -> None:
    cluster = api.cluster()
    api.status = 403
    with pytest.raises(Fault) as refused:
        cluster.secrets()
    assert refused.value.code == "CERTIFICATES_CLUSTER_REFUSED"
    api.server.shutdown()
    api.server.server_close()
    with pytest.raises(Fault) as silent:
        cluster.secrets()
    assert silent.value.code == "CERTIFICATES_CLUSTER_UNREACHABLE"
