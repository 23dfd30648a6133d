"""What a diagnosis looks at, fetched: what may not be read is told, and the rest is judged without it."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

from domicile_kubectl.cause import LogWanted
from domicile_kubectl.clients.cluster import Cluster
from domicile_kubectl.errors import Forbidden, Missing, PluginError
from domicile_kubectl.names import OPERATOR, SYSTEM_NAMESPACE, Object, namespace_of
from domicile_kubectl.seen import Seen

MOST = 500
"""Objects of a kind that are read of a namespace; a casino has tens."""


def look(cluster: Cluster, tenant: str) -> Seen:
    """The operator's Deployment and pods, and what is in the tenant's namespace."""
    unseen: list[str] = []

    def one(path: str, what: str, query: Mapping[str, str] | None = None) -> Object | None:
        try:
            return cluster.get(path, query)
        except Missing:
            return None
        except Forbidden as error:
            unseen.append(f"{what}: {error.message}")
            return None

    def many(path: str, what: str) -> Sequence[Object]:
        found = one(path, what, {"limit": str(MOST)})
        items: Sequence[Object] = (found or {}).get("items") or []
        return items

    namespace = quote(namespace_of(tenant), safe="")
    core, apps, batch = (_in(root, namespace) for root in ("/api/v1", "/apis/apps/v1", "/apis/batch/v1"))
    system = _in("/api/v1", SYSTEM_NAMESPACE)
    return Seen(
        operator=one(f"{_in('/apis/apps/v1', SYSTEM_NAMESPACE)('deployments')}/{OPERATOR}", f"Deployment {OPERATOR}"),
        operator_pods=[
            pod
            for pod in many(system("pods"), f"the pods of {SYSTEM_NAMESPACE}")
            if (pod["metadata"].get("labels") or {}).get("app.kubernetes.io/name") == OPERATOR
        ],
        operator_events=many(system("events"), f"the Events of {SYSTEM_NAMESPACE}"),
        namespace=one(f"/api/v1/namespaces/{namespace}", f"Namespace {namespace}"),
        deployments=many(apps("deployments"), f"the Deployments of {namespace}"),
        jobs=many(batch("jobs"), f"the Jobs of {namespace}"),
        pods=many(core("pods"), f"the pods of {namespace}"),
        events=many(core("events"), f"the Events of {namespace}"),
        unseen=tuple(dict.fromkeys(unseen)),
    )


def _in(root: str, namespace: str) -> Callable[[str], str]:
    return lambda plural: f"{root}/namespaces/{namespace}/{plural}"


def read_log(cluster: Cluster, wanted: LogWanted) -> str:
    """The last lines of a log; nothing where it cannot be read, for the cause is known without it."""
    try:
        return cluster.log(wanted.namespace, wanted.pod, wanted.container, wanted.which == "previous")
    except PluginError:
        return ""
