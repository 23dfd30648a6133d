"""How players reach the casino."""

from domicile_operator.manifests.metadata import metadata, selector
from domicile_operator.names import APP
from domicile_operator.plan import Manifest, Plan


def service(plan: Plan) -> Manifest:
    """Port 80 in the cluster, to the casino's HTTP port."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata(plan, APP, "api"),
        "spec": {
            "selector": selector("api"),
            "ports": [{"name": "http", "port": 80, "targetPort": "http", "protocol": "TCP"}],
        },
    }


def ingress(plan: Plan) -> Manifest:
    """One rule per host name. The cell's ingress controller ends TLS with the cell's certificate."""
    backend = {"service": {"name": APP, "port": {"number": 80}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata(plan, APP, "api"),
        "spec": {
            "ingressClassName": plan.cell.ingress_class,
            "rules": [
                {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
                for host in plan.hosts
            ],
        },
    }
