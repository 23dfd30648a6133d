"""What the casino is told that it may do: a ConfigMap of its own, which no change of the rules waits for."""

from collections.abc import Mapping

from domicile_operator.names import OPERATION, Names
from domicile_operator.operation import Record, to_json
from domicile_operator.plan import Manifest

FOLDER = "/etc/casino-operation"
FILE = "operation.json"


def operation_map(names: Names, labels: Mapping[str, str], record: Record) -> Manifest:
    """The ConfigMap. `labels` are the tenant's: a tenant that is refused has no plan, and its namespace has them."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": OPERATION, "namespace": names.namespace, "labels": dict(labels)},
        "data": {FILE: to_json(record)},
    }


def operation_volume() -> Manifest:
    """Optional: pods of a tenant from before there was one start without it."""
    return {"name": "operation", "configMap": {"name": OPERATION, "optional": True}}


def operation_mount() -> Manifest:
    """A folder of its own and no subPath: a file that is mounted alone stays what it was when the pod began."""
    return {"name": "operation", "mountPath": FOLDER, "readOnly": True}
