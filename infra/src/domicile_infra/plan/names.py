"""Physical names: the same for the same cell, and short enough for the service that takes them."""

import hashlib

from domicile_infra.plan.errors import PlanError

BUCKET, CLUSTER, DATABASE, LOAD_BALANCER, REPLICATION_GROUP, ROLE, VAULT = 63, 100, 63, 32, 40, 64, 50
"""The longest name, in characters, that each service takes (its API reference)."""


def fit(name: str, limit: int) -> str:
    """The name, or where it is too long its beginning and a digest of all of it, so that two stay two."""
    if len(name) <= limit:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    kept = name[: limit - len(digest) - 1].rstrip("-")
    if not kept:
        raise PlanError(f"A name of {limit} characters has no room for one made of {name!r}.")
    return f"{kept}-{digest}"


def bucket(owner: str, purpose: str, account_id: str) -> str:
    """The name of a bucket. All of AWS shares one space of names: the account's id makes it ours alone."""
    return f"{fit(f'{owner}-{purpose}', BUCKET - len(account_id) - 1)}-{account_id}"
