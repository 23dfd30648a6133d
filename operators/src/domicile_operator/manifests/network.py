"""Network policies: everything is closed, then the few ways that a casino needs are opened."""

from domicile_operator.manifests.metadata import metadata, selector
from domicile_operator.names import BACKUP_ACCOUNT, LABEL_SCRAPES, SYSTEM_NAMESPACE
from domicile_operator.plan import Manifest, Plan

HTTP_PORT = 8080
REALTIME_PORT = 8081


def network_policies(plan: Plan) -> list[Manifest]:
    """Default deny both ways, and a policy for each kind of process: who asks it in; DNS and what it needs out."""
    cell = plan.cell
    openbao, redis = (cell.openbao.cidr, cell.openbao.port), (cell.redis.cidr, cell.redis.port)
    data = [(cell.postgresql.cidr, cell.postgresql.port), openbao]
    casino = [
        *data,
        redis,
        *((provider.cidr, provider.port) for provider in plan.providers),
        *((studio.cidr, studio.port) for studio in plan.studios),
        *([(plan.register.cidr, plan.register.port)] if plan.register else []),
    ]
    stores = [(store.cidr, store.port) for store in cell.backups]
    return [
        _policy(plan, "default-deny", {}, {"policyTypes": ["Ingress", "Egress"]}),
        _policy(
            plan,
            "casino",
            selector("api"),
            {
                "ingress": [_from_ingress(plan, HTTP_PORT), _from_operator(HTTP_PORT), _from_monitoring(HTTP_PORT)],
                "egress": _egress(casino),
            },
        ),
        _policy(
            plan,
            "casino-worker",
            selector("worker"),
            {"ingress": [_from_operator(HTTP_PORT), _from_monitoring(HTTP_PORT)], "egress": _egress(casino)},
        ),
        _policy(
            plan,
            "casino-realtime",
            selector("realtime"),
            {
                "ingress": [_from_ingress(plan, REALTIME_PORT), _from_monitoring(REALTIME_PORT)],
                "egress": _egress([redis, openbao]),
            },
        ),
        _policy(plan, "casino-migrate", selector("migrate"), {"egress": _egress(data)}),
        *([_policy(plan, BACKUP_ACCOUNT, selector("backup"), {"egress": _egress([*data, *stores])})] if stores else []),
    ]


def _policy(plan: Plan, name: str, pods: dict[str, str], rules: Manifest) -> Manifest:
    spec: Manifest = {"podSelector": {"matchLabels": pods} if pods else {}}
    spec["policyTypes"] = [kind for kind in ("Ingress", "Egress") if kind.lower() in rules]
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": metadata(plan, name),
        "spec": spec | rules,
    }


def _from_ingress(plan: Plan, port: int) -> Manifest:
    namespace = {"matchLabels": {"kubernetes.io/metadata.name": plan.cell.ingress_namespace}}
    return {
        "from": [{"namespaceSelector": namespace}],
        "ports": [{"protocol": "TCP", "port": port}],
    }


def _from_operator(port: int) -> Manifest:
    """Who asks by which rules the casino plays, and what it holds to."""
    return {
        "from": [
            {
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": SYSTEM_NAMESPACE}},
                "podSelector": {"matchLabels": {"app.kubernetes.io/name": "domicile-operator"}},
            }
        ],
        "ports": [{"protocol": "TCP", "port": port}],
    }


def _from_monitoring(port: int) -> Manifest:
    """Who scrapes metrics: the namespaces that the platform's team marked so, as for the operator's own."""
    return {
        "from": [{"namespaceSelector": {"matchLabels": {LABEL_SCRAPES: "true"}}}],
        "ports": [{"protocol": "TCP", "port": port}],
    }


def _egress(ways: list[tuple[str, int]]) -> list[Manifest]:
    dns = {
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
        "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")],
    }
    return [
        dns,
        *(
            {"to": [{"ipBlock": {"cidr": cidr}}], "ports": [{"protocol": "TCP", "port": port}]}
            for cidr, port in dict.fromkeys(ways)
        ),
    ]
