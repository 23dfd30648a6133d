"""The buckets of a cell: what each holds, whose key closes it, and for how long nobody may erase it."""

from dataclasses import dataclass

from domicile_catalog import DataClass

from domicile_infra.plan.documents.keys import KeyPurpose

ACCESS_LOGS = "access-logs"
"""The bucket that the others' access logs go to, and the load balancer's."""
OLD_VERSIONS_DAYS, LOGS_DAYS = 90, 400
"""How long old versions of documents are kept, and access logs, in days."""


@dataclass(frozen=True, slots=True)
class BucketSpec:
    """A bucket: `key` closes it (None is S3's own, where a service can use no other), `locked` is for records.

    `expires_days` is the age at which its objects go, and `old_versions_days` the age at which what was overwritten
    does; None is never.
    """

    purpose: str
    holds: tuple[DataClass, ...]
    key: KeyPurpose | None
    locked: bool = False
    expires_days: int | None = None
    old_versions_days: int | None = None


BUCKETS = (
    BucketSpec("documents", (DataClass.PLAYER_IDENTITY,), KeyPurpose.DATA, old_versions_days=OLD_VERSIONS_DAYS),
    BucketSpec("audit", (DataClass.AUDIT_LOG,), KeyPurpose.AUDIT, locked=True),
    BucketSpec("regulator-copy", (DataClass.REGULATOR_COPY,), KeyPurpose.AUDIT, locked=True),
    # Load balancers write with no other key than S3's own (ELB user guide, "Access logs", bucket requirements).
    BucketSpec(ACCESS_LOGS, (DataClass.TELEMETRY,), None, expires_days=LOGS_DAYS, old_versions_days=OLD_VERSIONS_DAYS),
)


@dataclass(frozen=True, slots=True)
class Lock:
    """An object lock: in compliance mode nobody, AWS's support neither, shortens it; governance can be overridden."""

    mode: str
    years: int | None = None
    days: int | None = None


def lock_for(production: bool, retention_years: int) -> Lock:
    """The lock on a cell's records. Elsewhere than in production it is of a day, or no test could be tidied away."""
    return Lock("COMPLIANCE", years=retention_years) if production else Lock("GOVERNANCE", days=1)
