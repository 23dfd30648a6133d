"""The order in which children are built, and the order in which they go."""

from domicile_operator.children.base import Child
from domicile_operator.children.boundary import (
    DefaultLimits,
    NamespaceChild,
    NetworkPolicies,
    Quota,
    ServiceAccounts,
)
from domicile_operator.children.cache import CacheLogin
from domicile_operator.children.operation import OperationRecord
from domicile_operator.children.scaling import Autoscalers
from domicile_operator.children.stores import Database, Secrets
from domicile_operator.children.workload import (
    Configuration,
    DisruptionBudgets,
    Ingresses,
    LedgerArchive,
    Migration,
    Services,
    Workload,
)

NAMESPACE, SECRETS, DATABASE, CACHE_LOGIN = NamespaceChild(), Secrets(), Database(), CacheLogin()

# What may be done before whoever could do it; walls before what they enclose; routes early, so that the ingress
# controller has them by the time the casino answers; stores before the migration, the migration before the casino.
BUILD: tuple[Child, ...] = (
    NAMESPACE,
    OperationRecord(),
    NetworkPolicies(),
    Quota(),
    DefaultLimits(),
    ServiceAccounts(),
    Configuration(),
    Services(),
    Ingresses(),
    SECRETS,
    DATABASE,
    CACHE_LOGIN,
    Migration(),
    DisruptionBudgets(),
    Autoscalers(),
    LedgerArchive(),
    Workload(),
)

# What runs goes first, then the ways in, then (by the deletion policy) the records.
TEAR_DOWN: tuple[Child, ...] = (NAMESPACE, SECRETS, CACHE_LOGIN, DATABASE)
