"""What a tenant's status says of its stores, and whether a pass may believe it (rounds.py says for how long). Pure."""

from functools import lru_cache

from domicile_operator import sql
from domicile_operator.annotations import request_of
from domicile_operator.bao_documents import documents
from domicile_operator.clients.kube import Object
from domicile_operator.conditions import DATABASE, SECRETS
from domicile_operator.names import Names
from domicile_operator.plan import Plan, digest
from domicile_operator.record import Record
from domicile_operator.status import condition


def wanted_of(plan: Plan) -> Record:
    """What a pass wants of the stores, as the clients of a pass record it."""
    record = Record()
    for document in documents(plan):
        record.want(document.path, document.data)
    record.wanted["postgresql"] = _statements(plan.names, plan.spec.licence.number)
    return record


def believed(tenant: Object, plan: Plan, wanted: Record) -> bool:
    """Whether the status says that all this was in place, and nobody has asked for anything since."""
    status = tenant.get("status") or {}
    return (
        plan.cell.redis.elasticache is None  # its logins move by the clock
        and status.get("storesDigest") == wanted.stores
        and status.get("observedGeneration") == tenant["metadata"]["generation"]
        and status.get("lastHandledReconcileAt", "") == request_of(tenant)
        and all(condition(status, kind).get("status") == "True" for kind in (DATABASE, SECRETS))
    )


@lru_cache(maxsize=4096)
def _statements(names: Names, licence: str) -> str:
    return digest(sql.from_nothing(names, licence), 16)
