"""Skipper takes a tenant's certificate from where `domicile-certificates` puts it, with the rights that both have in a
cell: a real API server, the real skipper, and a signer of the test's own."""

import datetime as dt
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from domicile_operator.certificates import objects
from domicile_operator.certificates.cluster import Cluster as Ingresses
from domicile_operator.certificates.loop import Keeper
from domicile_operator.errors import Fault
from domicile_operator.manifests.routes import ingress
from kubernetes import client, config
from operator_testkit.handshakes import HOST, PLAN, Players, shown
from operator_testkit.pki import Bao
from operator_testkit.samples import tenant
from operator_testkit.servers import Cluster, Process, eventually, free_port, stopped_afterwards, tool
from operator_testkit.tls import Authority

ROOT = Path(__file__).parents[3]
DEPLOY = ROOT / "operators" / "deploy"
SKIPPER = ROOT / "playbooks" / "roles" / "cluster_addons" / "templates" / "skipper.yaml.j2"


@dataclass
class Site:
    cluster: Cluster
    ingresses: Ingresses
    port: int

    def shown(self, host: str = HOST) -> x509.Certificate:
        """What a handshake for the host gives."""
        return shown(self.port, host)


def token(cluster: Cluster, account: str, namespace: str) -> str:
    return cluster.kubectl("create", "token", account, "-n", namespace).strip()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with stopped_afterwards():
        folder = tmp_path_factory.mktemp("ingress")
        authority = Authority(folder)
        cluster = Cluster(folder, authority)
        for namespace in ("ingress-system", "domicile-system", "casino-acme-gb"):
            cluster.kubectl("create", "namespace", namespace)
        cluster.kubectl("apply", "--server-side", "-f", str(DEPLOY / "crd.yaml"))
        cluster.kubectl("wait", "--for=condition=Established", "crd/casinotenants.casino.domicile.dev")
        for file in ("rbac.yaml", "ingress.yaml"):
            cluster.kubectl("apply", "-f", str(DEPLOY / "certificates" / file))
        # Those of its objects that say who it is and what it may do; none has anything to fill in.
        kinds = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "IngressClass")
        theirs = [part for part in SKIPPER.read_text().split("\n---\n") if "{{" not in part]
        theirs = [part for part in theirs if yaml.safe_load(part)["kind"] in kinds]
        assert len(theirs) == len(kinds)
        cluster.kubectl("apply", "-f", "-", stdin="\n---\n".join(theirs))
        cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(tenant(domains=[HOST])))
        cluster.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(ingress(PLAN)))
        certificate, key = authority.issue("ingress")
        port, support = free_port(), free_port()
        file = folder / "skipper.token"
        file.write_text(token(cluster, "skipper", "ingress-system"))
        args = [one for one in yaml.safe_load(_args())["args"] if not one.startswith(("-kubernetes-in", "-address", "-tls-c", "-tls-k"))]  # fmt: skip  # noqa: E501
        Process(
            [tool("skipper"), *args, f"-kubernetes-url={cluster.url}", f"-kubernetes-token-file={file}",
             f"-address=127.0.0.1:{port}", f"-support-listener=127.0.0.1:{support}",
             f"-tls-cert={certificate}", f"-tls-key={key}"],
            folder / "skipper.log", env={"SSL_CERT_FILE": str(authority.certificate)},
        )  # fmt: skip
        configuration = client.Configuration()
        own = cluster.kubeconfig("certificates", token(cluster, "domicile-certificates", "domicile-system"))
        config.load_kube_config(str(own), client_configuration=configuration)
        made = Site(cluster, Ingresses(client.ApiClient(configuration), "ingress-system"), port)
        eventually(lambda: made.shown() is not None, 30, "skipper")
        yield made


def _args() -> str:
    """The arguments of the template, as YAML."""
    text = SKIPPER.read_text()
    start = text.index("          args:")
    return text[start : text.index("          # Its heap")]


def test_a_certificate_is_shown_replaced_under_load_without_a_failed_handshake_and_taken_away(site: Site) -> None:
    bao = Bao(dt.datetime.now(dt.UTC))
    before = site.shown()
    Keeper(site.ingresses, bao, "ingress-system", "skipper").pass_over()
    eventually(lambda: site.shown().serial_number == 1, 15, "the first certificate")
    assert site.shown("acme-gb.l3f2a.localhost").serial_number == before.serial_number, "the cell's own is as it was"

    players = Players(site.shown)
    threads = [threading.Thread(target=players.play, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    later = dt.datetime.now(dt.UTC) + dt.timedelta(days=21)
    bao.clock += dt.timedelta(seconds=1)
    Keeper(site.ingresses, bao, "ingress-system", "skipper", now=lambda: later).pass_over()
    eventually(lambda: site.shown().serial_number == 2, 15, "the second certificate")
    time.sleep(2)
    players.over.set()
    for thread in threads:
        thread.join(10)
    assert players.failed == [] and players.done > 20 and players.serials == {1, 2}

    site.cluster.kubectl("delete", "casinotenant", "acme-gb", "--wait=false")
    site.cluster.kubectl("delete", "ingress", "casino", "-n", "casino-acme-gb")
    Keeper(site.ingresses, bao, "ingress-system", "skipper").pass_over()
    assert bao.revoked == ["02"]
    assert site.ingresses.secrets() == {}
    assert "casino-acme-gb-certificate" not in site.cluster.kubectl(
        "get", "ingress", "-n", "ingress-system", "-o", "name"
    )


def test_it_reads_no_secret_of_another_namespace(site: Site) -> None:
    elsewhere = Ingresses(site.ingresses._api, "casino-acme-gb")
    for attempt in (elsewhere.secrets, lambda: elsewhere.apply(objects.ingress("x", "casino-acme-gb", "s", frozenset({HOST})))):  # fmt: skip  # noqa: E501
        with pytest.raises(Fault) as refused:
            attempt()
        assert refused.value.code == "CERTIFICATES_CLUSTER_REFUSED"
