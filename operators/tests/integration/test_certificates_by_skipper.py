"""Skipper, with the arguments that a site gives it, serves what `domicile-certificates` writes. Its API server is
one of the test's own, which answers lists."""

import datetime as dt
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from domicile_operator.certificates import objects
from domicile_operator.certificates.loop import Keeper
from domicile_operator.manifests.routes import ingress, realtime_service, service
from operator_testkit.handshakes import HOST, PLAN, Players, shown
from operator_testkit.pki import Bao
from operator_testkit.servers import Process, eventually, free_port, stopped_afterwards, tool
from operator_testkit.tls import Authority

ROOT = Path(__file__).parents[3]
SKIPPER = ROOT / "playbooks" / "roles" / "cluster_addons" / "templates" / "skipper.yaml.j2"
NOWHERE = ROOT / "operators" / "deploy" / "certificates" / "ingress.yaml"


@dataclass
class Ingresses:
    """A cluster: what the keeper asks of it, and the lists that Skipper does."""

    found: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    all: frozenset[str] = frozenset({"acme-gb"})

    def put(self, manifest: dict[str, Any]) -> None:
        self.found[manifest["kind"], manifest["metadata"]["name"]] = manifest

    apply = put

    def tenants(self) -> frozenset[str]:
        return self.all

    def wanted(self) -> dict[str, frozenset[str]]:
        own = self.found.get(("Ingress", "casino"))
        return {"acme-gb": frozenset(own["spec"]["tls"][0]["hosts"])} if own else {}

    def secrets(self) -> dict[str, dict[str, Any]]:
        one = self.found.get(("Secret", objects.name("acme-gb")))
        return {"acme-gb": one} if one else {}

    def remove(self, tenant: str) -> None:
        for kind in ("Ingress", "Secret"):
            self.found.pop((kind, objects.name(tenant)), None)

    def listed(self, path: str) -> list[dict[str, Any]]:
        kinds = {"ingresses": "Ingress", "secrets": "Secret", "services": "Service"}
        kind = kinds.get(path.split("?")[0].rsplit("/", 1)[-1])
        return [one for (of, _), one in list(self.found.items()) if of == kind]


@dataclass
class Site:
    ingresses: Ingresses
    port: int
    process: Process

    def shown(self, host: str = HOST) -> x509.Certificate:
        """What a handshake for the host gives."""
        return shown(self.port, host)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    ingresses = Ingresses()
    for manifest in (ingress(PLAN), service(PLAN), realtime_service(PLAN), yaml.safe_load(NOWHERE.read_text())):
        ingresses.put(manifest)

    class Lists(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"items": ingresses.listed(self.path)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Lists)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    authority, port, support = Authority(tmp_path), free_port(), free_port()
    certificate, key = authority.issue("ingress")
    ours = ("-kubernetes-in-cluster", "-address", "-tls-cert", "-tls-key")
    with stopped_afterwards():
        process = Process(
            [tool("skipper"), *(one for one in arguments() if not one.startswith(ours)),
             f"-kubernetes-url=http://127.0.0.1:{server.server_port}",
             f"-address=127.0.0.1:{port}", f"-support-listener=127.0.0.1:{support}",
             f"-tls-cert={certificate}", f"-tls-key={key}"],
            tmp_path / "skipper.log",
        )  # fmt: skip
        made = Site(ingresses, port, process)
        eventually(lambda: made.shown() is not None, 30, "skipper")
        yield made
    server.shutdown()


def arguments() -> list[str]:
    """Those of the template, which has nothing to fill in among them."""
    text = SKIPPER.read_text()
    start = text.index("          args:")
    found: list[str] = yaml.safe_load(text[start : text.index("          # Its heap")])["args"]
    return found


def test_a_certificate_is_shown_and_replaced_under_load_without_a_failed_handshake(site: Site) -> None:
    bao, before = Bao(dt.datetime.now(dt.UTC)), site.shown()
    Keeper(site.ingresses, bao, "ingress-system", "skipper").pass_over()
    eventually(lambda: site.shown().serial_number == 1, 15, "the first certificate")
    assert site.shown("acme-gb.l3f2a.localhost") == before, "the cell's own is as it was"

    players = Players(site.shown)
    threads = [threading.Thread(target=players.play, daemon=True) for _ in range(2)]
    for thread in threads:
        thread.start()
    bao.clock += dt.timedelta(seconds=1)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=21)
    Keeper(site.ingresses, bao, "ingress-system", "skipper", now=lambda: later).pass_over()
    eventually(lambda: site.shown().serial_number == 2, 15, "the second certificate")
    time.sleep(2)
    players.over.set()
    for thread in threads:
        thread.join(10)
    assert players.failed == [] and players.done > 100 and players.serials == {1, 2}
    assert "level=error" not in site.process.log and objects.name("acme-gb") not in site.process.log
    site.ingresses.all = frozenset()
    site.ingresses.found.pop(("Ingress", "casino"))
    Keeper(site.ingresses, bao, "ingress-system", "skipper").pass_over()
    assert bao.revoked == ["02"] and site.ingresses.listed("/api/v1/secrets") == []
