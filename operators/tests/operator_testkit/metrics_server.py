"""metrics-server as the playbook's role `cluster_addons` installs it, and a kubelet for it to ask."""

import base64
import hashlib
import json
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jinja2
import yaml

from operator_testkit.servers import Cluster, Process, eventually, free_port, tool
from operator_testkit.tls import Authority

TEMPLATE = Path(__file__).parents[3] / "playbooks" / "roles" / "cluster_addons" / "templates" / "metrics-server.yaml.j2"
NAME = "metrics-server.kube-system.svc"
NODE = "node-of-the-test"


class Kubelet:
    """Answers `/metrics/resource` over TLS, to who shows a token: what each pod has used, at its rate of now."""

    def __init__(self, authority: Authority) -> None:
        self.rates: dict[tuple[str, str], float] = {}
        """Cores of each pod, by namespace and name."""
        self._used: dict[tuple[str, str], float] = {}
        self._at, self._began, self._lock = time.time(), time.time() - 3600, threading.Lock()
        kubelet = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                known = self.headers.get("Authorization", "").startswith("Bearer ey")
                good = known and self.path == "/metrics/resource"
                body = kubelet.text().encode() if good else b""
                self.send_response(200 if good else 401)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("kubelet"))
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def text(self) -> str:
        """What has been used until now, in Prometheus's format."""
        with self._lock:
            now = time.time()
            for pod, rate in self.rates.items():
                self._used[pod] = self._used.get(pod, 1.0) + rate * (now - self._at)
            self._at, stamp = now, round(now * 1000)
            used, all_ = dict(self._used), sum(self._used.values())
        container = 'container="api",namespace="{}",pod="{}"'
        lines = [
            "# TYPE node_cpu_usage_seconds_total counter", f"node_cpu_usage_seconds_total {all_} {stamp}",
            "# TYPE node_memory_working_set_bytes gauge", f"node_memory_working_set_bytes 1e+09 {stamp}",
            "# TYPE container_start_time_seconds gauge",
            *(f"container_start_time_seconds{{{container.format(*pod)}}} {self._began}" for pod in used),
            "# TYPE container_cpu_usage_seconds_total counter",
            *(f"container_cpu_usage_seconds_total{{{container.format(*pod)}}} {u} {stamp}" for pod, u in used.items()),
            "# TYPE container_memory_working_set_bytes gauge",
            *(f"container_memory_working_set_bytes{{{container.format(*pod)}}} 1e+08 {stamp}" for pod in used),
        ]  # fmt: skip
        return "\n".join(lines) + "\n"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def rendered(authority: Authority, port: int) -> list[dict[str, Any]]:
    """The role's documents, for a node on loopback."""
    certificate, key = authority.issue(NAME)
    files = {
        "secrets/kubernetes-metrics-server.crt": certificate,
        "secrets/kubernetes-metrics-server.key": key,
        "authorities/kubernetes.crt": authority.certificate,
    }

    def lookup(plugin: str, path: str, **_: Any) -> str:
        assert plugin == "ansible.builtin.file"
        return files[path].read_text()

    filters: dict[str, Callable[..., str]] = {
        "b64encode": lambda text: base64.b64encode(text.encode()).decode(),
        "hash": lambda text, how: hashlib.new(how, text.encode()).hexdigest(),
    }
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, autoescape=False)
    environment.filters |= filters
    text = environment.from_string(TEMPLATE.read_text()).render(
        lookup=lookup, secrets_dir="secrets", authority_dir="authorities", ansible_host="127.0.0.1",
        cluster_addons_authority="kubernetes", cluster_addons_metrics_server_image="unset",
        cluster_addons_metrics_server_port=port,
    )  # fmt: skip
    return list(yaml.safe_load_all(text))


class MetricsServer:
    """The program with the role's arguments and rights. Its Service is a name: nothing here routes to a cluster IP."""

    def __init__(self, folder: Path, cluster: Cluster, authority: Authority, kubelet: Kubelet) -> None:
        self._cluster, port = cluster, free_port()
        every = rendered(authority, port)
        documents = {one["kind"]: one for one in every}
        documents["Service"]["spec"] = {"type": "ExternalName", "externalName": "localhost"}
        documents["APIService"]["spec"]["service"]["port"] = port
        for one in every:
            if one["kind"] != "Deployment":
                cluster.kubectl("apply", "-f", "-", stdin=json.dumps(one))
        self._make_node(kubelet)
        token = cluster.kubectl("create", "token", "metrics-server", "-n", "kube-system").strip()
        (container,) = documents["Deployment"]["spec"]["template"]["spec"]["containers"]
        certificate, key = authority.issue(NAME)
        here = {
            "/etc/tls/tls.crt": str(certificate), "/etc/tls/tls.key": str(key),
            "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt": str(authority.certificate),
        }  # fmt: skip
        arguments = [
            f"{name}={here.get(value, value)}" for name, value in (one.split("=", 1) for one in container["args"])
        ]
        config = cluster.kubeconfig("metrics-server", token)
        of_the_test = [
            "--kubelet-use-node-status-port", f"--kubeconfig={config}",
            f"--authentication-kubeconfig={config}", f"--authorization-kubeconfig={config}",
        ]  # fmt: skip
        self._process = Process([tool("metrics-server"), *arguments, *of_the_test], folder / "metrics-server.log")

    def available(self) -> None:
        """Until the API server's aggregator answers for it."""
        path = "jsonpath={.status.conditions[?(@.type=='Available')].status}"
        asked = ["get", "apiservice", "v1beta1.metrics.k8s.io", "-o", path]
        eventually(lambda: self._cluster.kubectl(*asked) == "True", 90, "metrics.k8s.io")

    def stop(self) -> None:
        """And take its API away first: one that does not answer makes every discovery incomplete."""
        self._cluster.kubectl("delete", "apiservice", "v1beta1.metrics.k8s.io")
        self._process.stop()

    def _make_node(self, kubelet: Kubelet) -> None:
        made = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
        self._cluster.kubectl("apply", "-f", "-", stdin=json.dumps(made))
        status = {
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet.port}},
            "conditions": [{"type": "Ready", "status": "True"}],
        }
        where = ["node", NODE, "--subresource=status", "--type=merge"]
        self._cluster.kubectl("patch", *where, "-p", json.dumps({"status": status}))
