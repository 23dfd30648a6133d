"""What a cluster's refusals mean to who asked: which right is missing, which cluster it is, what to do."""

import json
import socket

import pytest
from domicile_kubectl.clients.cluster import connect
from domicile_kubectl.clients.refusals import refusal
from domicile_kubectl.errors import Forbidden, Missing, PluginError

TENANTS = "/apis/casino.domicile.dev/v1alpha1/casinotenants"


def told(status, body, method="GET", path=TENANTS):
    return refusal(status, method, path, body if isinstance(body, bytes) else json.dumps(body).encode())


def forbidden(rest):
    return {"message": f'x is forbidden: User "ada" cannot {rest}', "reason": "Forbidden"}


def test_a_missing_right_is_named_with_where_it_is_missing_and_how_to_ask_for_it():
    found = told(
        403, forbidden('list resource "casinotenants" in API group "casino.domicile.dev" at the cluster scope')
    )
    assert isinstance(found, Forbidden)
    assert "ada lacks the right to list casinotenants.casino.domicile.dev in the whole cluster" in found.message
    assert "`kubectl auth can-i list casinotenants.casino.domicile.dev`" in found.message
    of_core = told(403, forbidden('get resource "pods/log" in API group "" in the namespace "casino-x"'))
    assert "`kubectl auth can-i get pods/log -n casino-x`" in of_core.message


def test_a_policy_that_refuses_is_no_missing_right():
    body = {"message": 'ValidatingAdmissionPolicy "x" denied request: LIMIT_LAXER: too lax', "reason": "Forbidden"}
    found = told(403, body, "PATCH")
    assert (found.code, isinstance(found, Forbidden)) == ("REFUSED", False)
    assert "LIMIT_LAXER: too lax" in found.message
    assert told(422, {"message": "spec.jurisdiction cannot change"}).code == "REFUSED"


def test_a_cluster_that_knows_no_casino_tenants_is_told_apart_from_a_tenant_that_is_missing():
    assert told(404, b"404 page not found\n").code == "NO_CRD"
    assert told(404, {"message": "the server could not find the requested resource", "details": {}}).code == "NO_CRD"
    gone = {"message": 'casinotenants "x" not found', "details": {"name": "x", "group": "casino.domicile.dev"}}
    assert isinstance(told(404, gone), Missing)
    assert isinstance(told(404, b"404 page not found", path="/api/v1/namespaces/x/pods"), Missing)


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "UNAUTHENTICATED"), (409, "CONFLICT"), *((status, "CLUSTER_ERROR") for status in (302, 429, 500))],
)
def test_other_answers_have_codes_of_their_own(status, code):
    for body in (b"", b"\xff", b"[]", b'{"message": "so"}', b'{"message": null}'):
        assert told(status, body).code == code


def kubeconfig(tmp_path, server):
    file = tmp_path / "kubeconfig"
    file.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "c",
                "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
            }
        )
    )
    return file


def test_a_cluster_that_does_not_answer_is_named_with_its_address(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    cluster = connect(kubeconfig(tmp_path, f"http://127.0.0.1:{port}"), None)
    with pytest.raises(PluginError, match=f"http://127.0.0.1:{port} does not answer.*refused") as caught:
        cluster.get("/version")
    assert caught.value.code == "CLUSTER_UNREACHABLE"


def test_a_kubeconfig_or_a_context_that_there_is_not_is_told(tmp_path):
    file = kubeconfig(tmp_path, "http://127.0.0.1:1")
    (tmp_path / "broken").write_text("{")
    for config, context in ((tmp_path / "none", None), (file, "other"), (tmp_path / "broken", None)):
        with pytest.raises(PluginError, match="no usable kubeconfig") as caught:
            connect(config, context)
        assert caught.value.code == "NO_KUBECONFIG"
