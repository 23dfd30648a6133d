"""What the operator made once and this version no longer wants, of whatever kind."""

from collections.abc import Collection

from domicile_operator.children.base import KubernetesChild, PrunedChild
from domicile_operator.children.order import BUILD
from domicile_operator.clients.kube import PLURALS
from domicile_operator.names import API_VERSION, KIND, LABEL_TENANT, Names
from domicile_operator.ownership import made_by_us, stamped
from domicile_operator.record import Key, Record
from domicile_operator.world import World

KEPT = frozenset({"Namespace", "PersistentVolumeClaim"})
"""What records may rest in. So do databases, their roles and keys in OpenBao: none of them goes before its tenant."""
DOORS = {
    "OpenBaoJWTRole": "auth/jwt/role/",
    "OpenBaoPolicy": "sys/policies/acl/",
    "OpenBaoDatabaseRole": "database/roles/",
}
"""Where the kinds lie that nothing rests in: ways in, by `status.children`'s name for them."""


def prune(names: Names, world: World, record: Record, wanted: Collection[Key]) -> None:
    """Remove the superfluous after a pass that has seen every child. Raises Fault.

    Takes what the pass wants by kind, namespace and name, and from the record what status named before. An object of
    the cluster goes only if the operator has applied it, as a child: a label, which anybody can write, is not enough.
    """
    for api_version, kind in sorted(_kinds(record)):
        selector = f"{LABEL_TENANT}={names.tenant}"
        for found in world.kube.list(api_version, kind, names.namespace, selector):
            key = (kind, names.namespace, found["metadata"]["name"])
            made = made_by_us(found) and (stamped(found) or key in record.known)
            if made and key not in wanted and key not in record.stated:
                world.kube.delete(api_version, kind, key[2], names.namespace)
    doors = [(kind, name) for kind, _, name in sorted(record.known - set(wanted)) if kind in DOORS]
    if doors:
        others = {other["metadata"]["name"] for other in world.kube.list(API_VERSION, KIND)} - {names.tenant}
        for kind, name in doors:
            if _belongs(name, names, others):
                world.bao.remove(DOORS[kind] + name)


def _kinds(record: Record) -> set[tuple[str, str]]:
    """Those that are built today, and those that status names of a version before. Some prune for themselves."""
    built = [child for child in BUILD if isinstance(child, KubernetesChild)]
    alone = {child.kind for child in built if isinstance(child, PrunedChild)} | KEPT
    before = {kind for kind, namespace, _ in record.known if namespace}
    today = {(child.api_version, child.kind) for child in built}
    formerly = {(api_version, kind) for (api_version, kind) in PLURALS if kind in before}
    return {one for one in today | formerly if one[1] not in alone}


def _belongs(name: str, names: Names, others: Collection[str]) -> bool:
    """Whether a name in OpenBao is this tenant's and not of one whose name goes on where ours ends."""
    start = f"casino-{names.tenant}"
    longer = [f"casino-{other}" for other in others if other.startswith(f"{names.tenant}-")]
    return name.startswith(f"{start}-") and not any(name == other or name.startswith(f"{other}-") for other in longer)
