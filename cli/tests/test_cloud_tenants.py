"""A cell in which casinos live is not destroyed."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import typer
import yaml
from domicile_cli.cloud.tenants import kubeconfig_of, need_no_tenants
from domicile_infra.stacks import StackRef

GB = StackRef("gb-prod", "prod", "gb-prod")
PATH = "/apis/casino.domicile.dev/v1alpha1/casinotenants"


@contextmanager
def cluster(names: list[str] | None) -> Iterator[list[dict[str, object]]]:
    """The state of a cell whose cluster has these casinos, or, with None, does not know their kind."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = names is not None and self.path.startswith(PATH)
            body = json.dumps({"items": [{"metadata": {"name": one}} for one in names or ()]}).encode()
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield standing(f"http://127.0.0.1:{server.server_port}")
    finally:
        server.shutdown()
        server.server_close()


def standing(address: str) -> list[dict[str, object]]:
    config = {
        "clusters": [{"name": "c", "cluster": {"server": address}}],
        "users": [{"name": "u", "user": {}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    return [
        {"urn": "stack", "type": "pulumi:pulumi:Stack"},
        {"urn": "provider", "type": "pulumi:providers:kubernetes", "inputs": {"kubeconfig": yaml.safe_dump(config)}},
        {"urn": "crd", "type": "kubernetes:apiextensions.k8s.io/v1:CustomResourceDefinition"},
    ]


def refusal(state: list[dict[str, object]], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(typer.Exit) as ended:
        need_no_tenants(GB, state)
    assert ended.value.exit_code == 1
    return capsys.readouterr().err


def test_a_cell_with_casinos_is_refused_with_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    with cluster(["zeta", "acme", *(f"c{number}" for number in range(5))]) as state:
        said = refusal(state, capsys)
    assert "Casinos live in its cluster: acme, c0, c1, c2, c3 and 2 more." in said
    assert "kubectl delete casinotenant" in said


@pytest.mark.parametrize("names", [[], None])
def test_a_cell_without_any_may_go(names: list[str] | None) -> None:
    with cluster(names) as state:
        need_no_tenants(GB, state)


def test_a_cluster_that_does_not_tell_is_not_taken_for_an_empty_one(capsys: pytest.CaptureFixture[str]) -> None:
    said = refusal(standing("http://127.0.0.1:9"), capsys)
    assert "does not tell whether casinos live in it" in said and "pulumi state delete" in said


def test_a_cell_that_has_nothing_in_a_cluster_is_not_asked() -> None:
    state = standing("http://127.0.0.1:9")[:2]
    assert kubeconfig_of(state) is None
    need_no_tenants(GB, state)
