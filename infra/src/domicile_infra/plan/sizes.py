"""What a cell's size means in machines. Data: a class that a region lacks is changed here, in one line.

Engines and versions are pinned whole and move by a change of this file: none moves by itself between two previews.
"""

from dataclasses import dataclass

POSTGRESQL, POSTGRESQL_FAMILY = "16.8", "aurora-postgresql16"
"""Aurora PostgreSQL; community support of 16 ends in November 2028 (postgresql.org, versioning)."""
CACHE_ENGINE, CACHE, CACHE_FAMILY = "valkey", "8.0", "valkey8"
"""ElastiCache: Valkey, which speaks Redis's protocol."""
KUBERNETES = "1.35"
"""EKS: standard support ends on 27 March 2027, extended support a year later (AWS's calendar of April 2026)."""


@dataclass(frozen=True, slots=True)
class Size:
    """Machines of a cell. Counts are of the whole cell, spread over its zones; `disk` is in GiB a node.

    The number of nodes is fixed: nothing scales them (docs/adr/0025), and a cell that needs more says so (`nodes`).
    """

    database_class: str
    database_instances: int
    cache_class: str
    cache_nodes: int
    node_classes: tuple[str, ...]
    nodes: int
    disk: int = 60


SIZES = {
    "small": Size("db.r7g.large", 2, "cache.t4g.medium", 2, ("m7i.large",), 3),
    "medium": Size("db.r7g.xlarge", 2, "cache.r7g.large", 3, ("m7i.xlarge",), 6),
    "large": Size("db.r7g.4xlarge", 3, "cache.r7g.2xlarge", 3, ("m7i.2xlarge",), 12),
}

ADDONS = ("eks-pod-identity-agent", "vpc-cni", "kube-proxy", "coredns", "metrics-server", "aws-ebs-csi-driver")
"""EKS add-ons, in the version that EKS gives by default for the cluster's."""
NEED_NODES = frozenset({"coredns", "metrics-server", "aws-ebs-csi-driver"})
"""Add-ons whose pods are Deployments: without nodes they are never healthy, and their creation waits for that."""
