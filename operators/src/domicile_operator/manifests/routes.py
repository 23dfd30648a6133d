"""How players reach the casino."""

from domicile_operator.bao_documents import certificate_role
from domicile_operator.manifests.metadata import metadata, selector
from domicile_operator.names import APP, REALTIME, WORKER
from domicile_operator.plan import Manifest, Plan

REALTIME_PATH = "/ws"
"""Where real time answers (docs/realtime.md), and nowhere else: a token never stands in a URL."""


def service(plan: Plan) -> Manifest:
    """Port 80 in the cluster, to the casino's HTTP port."""
    return _service(plan, APP, "api")


def realtime_service(plan: Plan) -> Manifest:
    """Likewise, to the port for WebSockets."""
    return _service(plan, REALTIME, "realtime")


def worker_service(plan: Plan) -> Manifest:
    """Headless: nobody calls the worker, but the operator finds its pods by it, to ask each what it holds to."""
    made = _service(plan, WORKER, "worker")
    made["spec"]["clusterIP"] = "None"
    return made


def _service(plan: Plan, name: str, component: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(plan, name, component),
        "spec": {
            "selector": selector(component),
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def ingress(plan: Plan) -> Manifest:
    """One rule per host name. The cell's ingress controller ends TLS with the cell's certificate; `tls` asks
    `domicile-certificates` for one of the tenant's own domains, and names no Secret: none lies in this namespace.

    An exact path goes before a prefix, whatever the controller. It has to pass on upgrades, and may let a connection
    be idle for no less than the 25 seconds after which real time says something.
    """
    paths = [_path(REALTIME_PATH, "Exact", REALTIME), _path("/", "Prefix", APP)]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata(plan, APP, "api"),
        "spec": {
            "ingressClassName": plan.cell.ingress_class,
            "rules": [{"host": host, "http": {"paths": paths}} for host in plan.hosts],
            **({"tls": [{"hosts": sorted(plan.spec.domains)}]} if certificate_role(plan) else {}),
        },
    }


def _path(path: str, kind: str, service: str) -> Manifest:
    return {"path": path, "pathType": kind, "backend": {"service": {"name": service, "port": {"number": 80}}}}
