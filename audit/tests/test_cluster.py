"""What a cluster holds: where its machines, volumes and tenants are, and how many secrets it has."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from audit_testkit.world import AWAY, CELL, HOME, JURISDICTION, judged, scope_of
from domicile_audit.cluster import holdings_of, survey_cluster
from domicile_audit.holding import Survey
from kubernetes import client

REGION = "topology.kubernetes.io/region"


def node(name: str, region: str | None) -> dict[str, Any]:
    return {"metadata": {"name": name, "labels": {REGION: region} if region else {}}}


def volume(name: str, *regions: str) -> dict[str, Any]:
    rule = {"key": REGION, "operator": "In", "values": list(regions)}
    tied = {"nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [rule]}]}}} if regions else {}
    return {"metadata": {"name": name}, "spec": tied}


def secret(namespace: str) -> dict[str, Any]:
    return {"metadata": {"name": "s", "namespace": namespace}}


def tenant(name: str, place: str | None, jurisdiction: str = JURISDICTION) -> dict[str, Any]:
    status = {"status": {"place": place}} if place else {}
    return {"metadata": {"name": name}, "spec": {"jurisdiction": jurisdiction}, **status}


def found(**listed: Any) -> list[tuple[str, str]]:
    given = {"nodes": [node("one", HOME)], "volumes": [], "secrets": [], "tenants": []} | listed
    holdings = holdings_of(CELL, "cell", **given)
    return [(one.rule, one.resource) for one in judged(Survey(holdings=holdings), scope_of())]


def test_what_stands_at_home_is_lawful() -> None:
    lawful = {
        "volumes": [volume("tied", HOME), volume("free")],
        "secrets": [secret("a"), secret("a")],
        "tenants": [tenant("acme", HOME), tenant("onboarding", None)],
    }
    assert found(**lawful) == []


def test_a_machine_elsewhere_or_nowhere_known_is_found() -> None:
    assert found(nodes=[node("far", AWAY), node("bare", None)]) == [
        ("wrong-place", "kubernetes://cell/node/bare"),
        ("wrong-place", "kubernetes://cell/node/far"),
    ]


def test_a_volume_that_is_tied_elsewhere_is_found() -> None:
    assert found(volumes=[volume("far", AWAY)]) == [("wrong-place", "kubernetes://cell/persistentvolume/far")]
    assert found(volumes=[volume("both", AWAY, HOME)]) == [
        ("replicated-outside", "kubernetes://cell/persistentvolume/both")
    ]


def test_a_tenant_that_lives_elsewhere_is_found_by_its_own_law() -> None:
    assert found(tenants=[tenant("far", AWAY)]) == [("wrong-place", "kubernetes://cell/tenant/far")]
    assert found(tenants=[tenant("stray", HOME, "ZZ")]) == [("mistagged", "kubernetes://cell/tenant/stray")]


def test_secrets_are_counted_by_namespace() -> None:
    holdings = holdings_of(
        CELL, "cell", nodes=[node("one", HOME)], volumes=[], secrets=[secret("a"), secret("b"), secret("a")], tenants=[]
    )
    assert [(one.arn, one.note) for one in holdings if one.type == "kubernetes:secrets"] == [
        ("kubernetes://cell/secrets/a", "2 secrets"),
        ("kubernetes://cell/secrets/b", "1 secrets"),
    ]


@contextmanager
def api_server(answers: dict[str, Any], asked: list[tuple[str, str]]) -> Iterator[client.ApiClient]:
    """An API server that knows these paths and refuses every other."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path, _, query = self.path.partition("?")
            asked.append((self.path, self.headers["Accept"]))
            more = "continue=" in query
            items = answers.get(path)
            status = 200 if items is not None else 403
            half = items[1:] if more else items[:1] if items else []
            page = {"items": half, "metadata": {} if more or len(items or ()) < 2 else {"continue": "token"}}
            body = json.dumps(page if status == 200 else {"message": "no"}).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        configuration = client.Configuration()
        configuration.host = f"http://127.0.0.1:{server.server_port}"
        yield client.ApiClient(configuration)
    finally:
        server.shutdown()
        server.server_close()


def test_every_page_is_read_and_no_secrets_content_is_asked_for() -> None:
    asked: list[tuple[str, str]] = []
    answers = {
        "/api/v1/nodes": [node("one", HOME), node("two", HOME)],
        "/api/v1/persistentvolumes": [],
        "/api/v1/secrets": [secret("a")],
        "/apis/casino.domicile.dev/v1alpha1/casinotenants": [tenant("acme", HOME)],
    }
    with api_server(answers, asked) as api:
        read = survey_cluster(CELL, "cell", api)
    assert read.unread == ()
    assert sorted(one.type for one in read.holdings) == [
        "kubernetes:node",
        "kubernetes:node",
        "kubernetes:secrets",
        "kubernetes:tenant",
    ]
    accepts = {accept for path, accept in asked if path.startswith("/api/v1/secrets")}
    assert accepts == {"application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"}


def test_what_the_api_server_refuses_is_told() -> None:
    asked: list[tuple[str, str]] = []
    with api_server({"/api/v1/nodes": [node("one", HOME)]}, asked) as api:
        read = survey_cluster(CELL, "cell", api)
    assert [one.operation for one in read.unread] == [
        "GET /api/v1/persistentvolumes",
        "GET /api/v1/secrets",
        "GET /apis/casino.domicile.dev/v1alpha1/casinotenants",
    ]
    assert {one.resource for one in read.unread} == {"cell"}
    assert all("Forbidden" in one.reason for one in read.unread)
