"""When a cell is backed up, and for how long its vault holds what was."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackupRule:
    """A rule of the backup plan. `schedule` is AWS's cron, in UTC; a recovery point is kept for `days`."""

    name: str
    schedule: str
    days: int


RULES = (
    BackupRule("daily", "cron(0 4 * * ? *)", 35),
    BackupRule("monthly", "cron(0 5 1 * ? *)", 365),
)
"""Snapshots alone. The moments between are Aurora's own: where AWS Backup keeps them it moves the database's backup
window by itself, and every preview would move it back."""

LEAST_DAYS = 7
MOST_DAYS = 400
"""What the vault's lock lets any recovery point have, in days: the rules lie between, and a mistake does not."""
GRACE_DAYS = 3
"""How long after it is set the lock of a production cell can be undone, in days (the least that AWS takes)."""
